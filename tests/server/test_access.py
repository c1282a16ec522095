from __future__ import annotations

from itertools import combinations, product

import pytest

from server.access import (
    TABLE,
    Action,
    Actor,
    Grant,
    Relation,
    Role,
    Sitting,
    Subject,
    authorize,
    covers,
    relations_to,
)
from server.cases.rules import CaseState
from server.errors import ServiceError

PASSES = "passes"
STATES = [*CaseState, "no_state_of_ours"]
ROLE_SETS = [frozenset(some) for size in (0, 1, 2, 6) for some in combinations(Role, size)]
RELATION_SETS = [frozenset(some) for size in range(4) for some in combinations(Relation, size)]
OF_NO_CASE = {action for action, grants in TABLE.items() if grants[0].relations is None}


def actor_with(roles: frozenset[Role]) -> Actor:
    return Actor(id="a", name="张三丰", login_id="l", roles=roles, region="320509")


def outcome(
    action: Action,
    roles: frozenset[Role],
    relations: frozenset[Relation],
    state: str,
    *,
    sitting: Sitting = Sitting.NONE,
) -> str:
    subject = Subject(relations, state, sitting, "call.unknown")
    return outcome_of(actor_with(roles), action, subject)


def outcome_of(actor: Actor, action: Action, subject: Subject | None) -> str:
    try:
        authorize(actor, action, subject)
    except ServiceError as refused:
        return refused.code
    return PASSES


def fits(
    grant: Grant, roles: frozenset[Role], relations: frozenset[Relation], state: str | None
) -> bool:
    """Say whether a line of the table speaks of them; state None asks for role and side only."""
    return (
        not grant.roles.isdisjoint(roles)
        and (grant.relations is None or not grant.relations.isdisjoint(relations))
        and (grant.states is None or state is None or state in grant.states)
    )


def as_the_table_says(
    action: Action,
    roles: frozenset[Role],
    relations: frozenset[Relation],
    state: str,
    *,
    sitting: Sitting,
) -> str:
    grants = TABLE[action]
    here = [grant for grant in grants if fits(grant, roles, relations, state)]
    party, adviser = sitting is Sitting.PARTY, sitting is Sitting.ADVISER
    former = sitting is Sitting.FORMER
    if any(
        party or not grant.seat or (adviser and grant.advice) or (former and grant.former)
        for grant in here
    ):
        return PASSES
    reads = any(fits(grant, roles, relations, state) for grant in TABLE[Action.READ_CASE])
    if not reads and Relation.OWN not in relations:
        return "call.unknown"
    if here:
        return "seat.missing"
    if any(fits(grant, roles, relations, None) for grant in grants):
        return "case.wrong_state"
    return "action.forbidden"


def test_every_action_is_in_the_table() -> None:
    assert set(TABLE) == set(Action)
    assert all(grants for grants in TABLE.values())


def test_every_state_in_the_table_is_a_state_of_a_case() -> None:
    named = {state for grants in TABLE.values() for grant in grants for state in grant.states or ()}
    assert named <= set(CaseState)


@pytest.mark.parametrize("action", Action)
def test_only_listed_cells_pass_and_the_others_are_refused_with_their_code(action: Action) -> None:
    for roles, relations, state, sitting in product(ROLE_SETS, RELATION_SETS, STATES, Sitting):
        cell = (action, roles, relations, state)
        said = outcome(*cell, sitting=sitting)
        assert said == as_the_table_says(*cell, sitting=sitting), (*cell, sitting)


@pytest.mark.parametrize("action", Action)
def test_without_a_subject_only_actions_that_need_none_pass(action: Action) -> None:
    for roles in ROLE_SETS:
        allowed = action in OF_NO_CASE and any(grant.roles & roles for grant in TABLE[action])
        said = outcome_of(actor_with(roles), action, None)
        assert said == (PASSES if allowed else "action.forbidden"), roles


# What follows is said without the table, so that a slip in the table is seen.


@pytest.mark.parametrize("action", sorted(set(Action) - OF_NO_CASE))
def test_a_stranger_never_learns_that_there_is_something(action: Action) -> None:
    for roles, state, sitting in product(ROLE_SETS, STATES, Sitting):
        assert outcome(action, roles, frozenset(), state, sitting=sitting) == "call.unknown"


@pytest.mark.parametrize("action", sorted(set(Action) - OF_NO_CASE))
def test_the_jurisdiction_does_not_learn_of_a_draft(action: Action) -> None:
    staff = frozenset({Role.COUNTER, Role.AGENT, Role.SUPERVISOR, Role.ADMINISTRATOR})
    said = outcome(action, staff, frozenset({Relation.JURISDICTION}), "draft")
    assert said == "call.unknown"


@pytest.mark.parametrize("action", sorted(set(Action) - OF_NO_CASE))
def test_an_administrator_never_sees_a_case(action: Action) -> None:
    both = frozenset({Relation.LOCAL, Relation.JURISDICTION})
    for state in STATES:
        said = outcome(action, frozenset({Role.ADMINISTRATOR}), both, state, sitting=Sitting.PARTY)
        assert said == "call.unknown"


@pytest.mark.parametrize("state", CaseState)
def test_only_an_agent_of_the_jurisdiction_with_a_seat_issues(state: CaseState) -> None:
    allowed = {
        (roles, relations, sitting)
        for roles, relations, sitting in product(ROLE_SETS, RELATION_SETS, Sitting)
        if outcome(Action.ISSUE_CERTIFICATE, roles, relations, state, sitting=sitting) == PASSES
    }
    if state not in {"in_call", "with_jurisdiction", "certified"}:
        assert allowed == set()
        return
    assert allowed
    assert all(
        Role.AGENT in roles and Relation.JURISDICTION in relations and sitting is Sitting.PARTY
        for roles, relations, sitting in allowed
    )


@pytest.mark.parametrize("action", sorted(set(Action) - OF_NO_CASE))
def test_an_advisers_seat_opens_the_chat_and_nothing_else(action: Action) -> None:
    for roles, relations, state in product(ROLE_SETS, RELATION_SETS, STATES):
        cell = (action, roles, relations, state)
        if action is not Action.SAY:
            assert outcome(*cell, sitting=Sitting.ADVISER) == outcome(*cell), cell
    written = outcome(
        Action.SAY, frozenset({Role.AGENT}), frozenset({Relation.JURISDICTION}), "in_call",
        sitting=Sitting.ADVISER,
    )  # fmt: skip
    assert written == PASSES


@pytest.mark.parametrize("action", sorted(set(Action) - OF_NO_CASE))
def test_whose_call_is_over_corrects_what_was_issued_and_nothing_else(action: Action) -> None:
    for roles, relations, state in product(ROLE_SETS, RELATION_SETS, STATES):
        cell = (action, roles, relations, state)
        if action is not Action.SUPERSEDE_CERTIFICATE:
            assert outcome(*cell, sitting=Sitting.FORMER) == outcome(*cell), cell
    agent, there = frozenset({Role.AGENT}), frozenset({Relation.JURISDICTION})
    corrects = {
        state
        for state in STATES
        if outcome(
            Action.SUPERSEDE_CERTIFICATE, agent, there, state, sitting=Sitting.FORMER
        ) == PASSES
    }  # fmt: skip
    assert corrects == {CaseState.CERTIFIED, CaseState.SETTLED}


def allowed_to(role: Role) -> set[Action]:
    every = frozenset(Relation)
    return {
        action
        for action, state in product(Action, CaseState)
        if outcome(action, frozenset({role}), every, state, sitting=Sitting.PARTY) == PASSES
    }


def test_a_citizen_reads_and_rates_their_own_case_and_nothing_else() -> None:
    assert allowed_to(Role.CITIZEN) == {Action.READ_OWN_CASE, Action.RATE_CASE}


def test_a_paired_screen_does_only_what_a_citizen_does_before_it() -> None:
    assert allowed_to(Role.DEVICE) == {
        Action.READ_CALL,
        Action.READ_RECORDING,
        Action.TAKE_SEAT,
        Action.USE_SEAT,
        Action.OPEN_LEG,
        Action.MINT_PICKUP_LINK,
        Action.RATE_CASE,
        Action.READ_FACING,
        Action.GIVE_CONSENT,
    }


def test_a_media_worker_brings_chunks_and_nothing_else() -> None:
    assert allowed_to(Role.WORKER) == {Action.FILE_CHUNK}


def test_an_administrator_signs_in_and_reads_the_catalogue() -> None:
    assert allowed_to(Role.ADMINISTRATOR) == {
        Action.SIGN_OUT,
        Action.READ_ME,
        Action.READ_CATALOGUE,
    }


def test_a_supervisor_changes_nothing_in_a_case_but_decides_on_certificates() -> None:
    changes = {action for action in allowed_to(Role.SUPERVISOR) if not action.endswith(".read")}
    looks_on = {Action.OBSERVE_CALL, Action.TAKE_SEAT, Action.USE_SEAT, Action.LEAVE_SEAT}
    listens = {Action.SIGN_OUT, Action.LIST_CASES, Action.WATCH_CASE, Action.OPEN_LEG}
    reviews = {Action.LIST_RECORDINGS, Action.VIEW_RECORDING, Action.EXPORT_RECORDING}
    decides = {Action.LIST_REVOCATIONS, Action.DECIDE_REVOCATION, Action.LIST_RECALLS}
    decides |= {Action.LIST_REVIEWS, Action.DECIDE_REVIEW}
    registers = {Action.SEARCH_REGISTER, Action.TAKE_COPY, Action.EXPORT_EVIDENCE}
    assert changes == listens | looks_on | reviews | decides | registers


@pytest.mark.parametrize(
    ("region", "other", "sees"),
    [
        ("320509", "320509", True),
        ("320509", "341522", False),
        ("320509", "320500", False),
        ("320000", "320509", True),
        ("320000", "341522", False),
        ("320500", "320509", False),
        ("320000", "320000", True),
    ],
)
def test_a_region_sees_to_itself_and_a_province_to_its_own(
    region: str, other: str, *, sees: bool
) -> None:
    assert covers(region, other) is sees


@pytest.mark.parametrize(
    ("role", "region", "relations"),
    [
        (Role.COUNTER, "320509", {Relation.LOCAL}),
        (Role.AGENT, "341522", {Relation.JURISDICTION}),
        (Role.SUPERVISOR, "340000", {Relation.JURISDICTION}),
        (Role.AGENT, "340000", set()),
        (Role.COUNTER, "320000", set()),
        (Role.AGENT, "330106", set()),
        (Role.SUPERVISOR, "", set()),
    ],
)
def test_the_relation_comes_from_the_actors_region(
    role: Role, region: str, relations: set[Relation]
) -> None:
    actor = Actor(id="a", name="n", login_id="l", roles=frozenset({role}), region=region)
    assert relations_to(actor, counter_region="320509", jurisdiction="341522") == relations


def test_within_one_region_a_clerk_is_on_both_sides() -> None:
    found = relations_to(actor_with(frozenset()), counter_region="320509", jurisdiction="320509")
    assert found == {Relation.LOCAL, Relation.JURISDICTION}

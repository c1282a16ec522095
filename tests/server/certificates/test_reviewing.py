from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable
from datetime import timedelta

import pytest

from server.access import Actor, Role
from server.cases.rules import CaseState
from server.certificates import review_queries as queries
from server.certificates.corrections import Correction
from server.certificates.issuing import Key
from server.certificates.messages import CorrectionOrder
from server.certificates.rules import CertificateState, RequestState, ReviewFault
from server.errors import ServiceError
from tests.support.database import News, SetClock
from tests.support.desk import (
    AGENT,
    CLERK,
    COLLEAGUE,
    KIND,
    STRANGER,
    SUPERVISOR,
    Desk,
)
from tests.support.live_call import put_in_call
from tests.support.reviews import (
    ALWAYS,
    above,
    approve,
    ask,
    ask_above,
    asked,
    decline,
    read,
    reviewed,
    standing,
    withdraw,
)

PROVINCE = dataclasses.replace(SUPERVISOR, id="7" * 32, region="340000", hall="")
POLICE = dataclasses.replace(COLLEAGUE, id="6" * 32, items=frozenset({"school-household-proof"}))
RIGHT = {"balance": "18432.57"}


async def refused(work: Awaitable[object]) -> ServiceError:
    with pytest.raises(ServiceError) as refusal:
        await work
    return refusal.value


async def why(work: Awaitable[object]) -> object:
    """Why a review is needed before this."""
    error = await refused(work)
    assert error.code == "review.needed"
    return error.details["why"]


async def waiting(desk: Desk, actor: Actor) -> list[str]:
    async with desk.units.database.reading() as session:
        return [one.review.id for one in (await desk.reviewing.views.list(session, actor)).requests]


@pytest.fixture
def reviewing(desk: Desk) -> Desk:
    """A desk whose pension certificates are always put before a second clerk."""
    ask_above(desk.items, ALWAYS)
    return desk


async def test_up_to_the_limit_one_clerk_issues_alone(desk: Desk) -> None:
    ask_above(desk.items, above("18342.57"))
    case_id = await desk.ready_case()
    assert (await refused(ask(desk, case_id))).code == "review.unneeded"
    issued = await desk.issue(case_id)
    assert (issued.state, issued.review_id) == (CertificateState.VALID, None)


async def test_above_it_nothing_is_issued_until_another_clerk_approved(desk: Desk) -> None:
    ask_above(desk.items, above("18342.56"))
    case_id = await desk.ready_case()
    assert await why(desk.issue(case_id)) == "missing"
    review_id = await asked(desk, case_id)
    assert (await refused(desk.issue(case_id))).code == "review.pending"
    assert (await refused(ask(desk, case_id))).code == "review.pending"
    await approve(desk, review_id)
    assert (await refused(ask(desk, case_id))).code == "review.unneeded"
    issued = await desk.issue(case_id)
    assert (issued.state, issued.review_id) == (CertificateState.VALID, review_id)
    assert (await desk.events(case_id, "certificate.issued"))[0]["review_id"] == review_id


async def test_the_log_has_who_asked_who_decided_and_what_both_said(
    reviewing: Desk, news: News
) -> None:
    case_id = await reviewing.ready_case()
    news.notices.clear()
    review_id = await asked(reviewing, case_id)
    told = {room for room, event in news.events() if event == "review.changed"}
    assert told == {"queue:341522", "board:341522", "board:340000"}
    await decline(reviewing, review_id, SUPERVISOR)
    second = await asked(reviewing, case_id)
    await withdraw(reviewing, second)
    third = await reviewed(reviewing, case_id)
    assert ("counter:pingwang-1", "facing.changed") not in news.events()
    (first, *_) = await reviewing.events(case_id, "review.requested")
    assert (first["review_id"], first["reason"], first["kind"]) == (review_id, "金额较大", KIND)
    (refusal,) = await reviewing.events(case_id, "review.declined")
    assert (refusal["reason"], refusal["asked_by"]) == ("余额与系统不符", AGENT.name)
    assert [one["review_id"] for one in await reviewing.events(case_id, "review.withdrawn")] == [
        second
    ]
    (approval,) = await reviewing.events(case_id, "review.approved")
    assert (approval["review_id"], approval["remark"]) == (third, "已核对")
    assert approval["basis_sha256"] != refusal["basis_sha256"]


@pytest.mark.parametrize("second", [COLLEAGUE, SUPERVISOR, PROVINCE], ids=lambda one: one.name)
async def test_another_agent_or_a_supervisor_of_place_or_province_approves(
    reviewing: Desk, second: Actor
) -> None:
    case_id = await reviewing.ready_case()
    review_id = await asked(reviewing, case_id)
    assert await waiting(reviewing, second) == [review_id]
    answer = await approve(reviewing, review_id, second)
    assert answer.review.state is RequestState.APPROVED
    assert answer.review.closed_by_name == second.name
    assert await waiting(reviewing, second) == []
    assert (await reviewing.issue(case_id)).review_id == review_id


async def test_nobody_decides_on_their_own(reviewing: Desk) -> None:
    case_id = await reviewing.ready_case()
    review_id = await asked(reviewing, case_id)
    for attempt in (
        approve(reviewing, review_id, AGENT),
        decline(reviewing, review_id, AGENT),
    ):
        assert (await refused(attempt)).code == "review.own"
    values = {"state": RequestState.APPROVED, "closed_at": reviewing.units.clock()}
    async with reviewing.units.open() as unit:
        assert not await queries.decide(unit.session, review_id, AGENT.id, values)


async def test_who_supervises_and_issues_does_not_review_themselves_either(desk: Desk) -> None:
    ask_above(desk.items, ALWAYS)
    both = dataclasses.replace(AGENT, roles=frozenset({Role.AGENT, Role.SUPERVISOR}))
    case_id = await desk.ready_case()
    review_id = await asked(desk, case_id, both)
    assert (await refused(approve(desk, review_id, both))).code == "review.own"


async def test_only_the_jurisdictions_own_people_on_the_item_decide(reviewing: Desk) -> None:
    case_id = await reviewing.ready_case()
    review_id = await asked(reviewing, case_id)
    for actor, code in (
        (CLERK, "action.forbidden"),
        (STRANGER, "review.unknown"),
        (POLICE, "agent.without_authority"),
    ):
        assert (await refused(approve(reviewing, review_id, actor))).code == code
        assert (await refused(read(reviewing, review_id, actor))).code == code
        assert (await refused(reviewing.reviewing.preview(actor, review_id))).code == code
    assert (await refused(approve(reviewing, "0" * 32))).code == "review.unknown"
    assert await waiting(reviewing, POLICE) == await waiting(reviewing, STRANGER) == []
    assert (await refused(withdraw(reviewing, review_id, COLLEAGUE))).code == "action.forbidden"


async def test_only_who_may_issue_asks_and_only_for_what_could_be_issued(reviewing: Desk) -> None:
    case_id = await reviewing.ready_case()
    assert (await refused(ask(reviewing, case_id, COLLEAGUE))).code == "seat.missing"
    assert (await refused(ask(reviewing, case_id, CLERK))).code == "action.forbidden"
    await reviewing.write(AGENT, case_id, "balance", "")
    assert (await refused(ask(reviewing, case_id))).code == "case.incomplete"


@pytest.mark.parametrize(
    ("actor", "name", "value"),
    [(AGENT, "balance", "18342.58"), (CLERK, "bank_account", "6222000000000000001")],
    ids=["printed", "not printed"],
)
async def test_a_changed_value_makes_the_approval_void(
    reviewing: Desk, actor: Actor, name: str, value: str
) -> None:
    case_id = await reviewing.ready_case()
    before = await reviewed(reviewing, case_id)
    assert (await standing(reviewing, case_id)).fault is None
    await reviewing.write(actor, case_id, name, value)
    assert await why(reviewing.issue(case_id)) == "changed"
    assert (await standing(reviewing, case_id)).fault is ReviewFault.CHANGED
    anew = await reviewed(reviewing, case_id)
    issued = await reviewing.issue(case_id)
    assert issued.review_id == anew != before


async def test_a_material_that_the_second_clerk_did_not_see_makes_it_void(reviewing: Desk) -> None:
    case_id = await reviewing.ready_case()
    await reviewed(reviewing, case_id)
    await reviewing.file(case_id, "bank-card")
    assert await why(reviewing.issue(case_id)) == "changed"


async def test_what_has_changed_while_it_waited_is_not_approved_and_is_asked_for_anew(
    reviewing: Desk,
) -> None:
    case_id = await reviewing.ready_case()
    old = await asked(reviewing, case_id)
    await reviewing.write(AGENT, case_id, "balance", "99.00")
    assert (await refused(approve(reviewing, old))).code == "review.stale"
    assert await why(reviewing.issue(case_id)) == "changed"
    new = await asked(reviewing, case_id)
    assert await waiting(reviewing, COLLEAGUE) == [new]
    (withdrawn,) = await reviewing.events(case_id, "review.withdrawn")
    assert (withdrawn["review_id"], withdrawn["replaced"]) == (old, True)
    assert (await refused(approve(reviewing, old))).code == "review.gone"


async def test_a_declined_one_lets_nothing_pass_but_may_be_asked_for_again(
    reviewing: Desk,
) -> None:
    case_id = await reviewing.ready_case()
    await decline(reviewing, await asked(reviewing, case_id))
    assert await why(reviewing.issue(case_id)) == "declined"
    again = await asked(reviewing, case_id)
    seen = await read(reviewing, again, SUPERVISOR)
    assert [one.answer for one in seen.declined] == ["余额与系统不符"]


async def test_what_another_clerk_declined_since_no_earlier_approval_lets_pass(
    reviewing: Desk,
) -> None:
    case_id = await reviewing.ready_case()
    await reviewed(reviewing, case_id)
    # Their account is closed for a while, so that another approval has to be asked for.
    reviewing.dismissed.add(COLLEAGUE.id)
    await decline(reviewing, await asked(reviewing, case_id), SUPERVISOR)
    reviewing.dismissed.clear()
    assert await why(reviewing.issue(case_id)) == "declined"


async def test_an_approval_counts_for_half_an_hour(reviewing: Desk, clock: SetClock) -> None:
    case_id = await reviewing.ready_case()
    await reviewed(reviewing, case_id)
    clock.now += timedelta(minutes=30)
    assert await why(reviewing.issue(case_id)) == "expired"
    clock.now -= timedelta(seconds=1)
    assert (await reviewing.issue(case_id)).state is CertificateState.VALID


async def test_it_counts_only_while_its_clerk_could_still_give_it(reviewing: Desk) -> None:
    case_id = await reviewing.ready_case()
    await reviewed(reviewing, case_id)
    reviewing.dismissed.add(COLLEAGUE.id)
    assert await why(reviewing.issue(case_id)) == "reviewer_gone"


async def test_who_approved_does_not_issue_it(reviewing: Desk) -> None:
    case_id = await reviewing.ready_case()
    await reviewed(reviewing, case_id)
    reviewing.seats.add(COLLEAGUE.id)
    key = Key(f"{COLLEAGUE.id}:k", "issue")
    assert await why(reviewing.issuing.issue(COLLEAGUE, case_id, KIND, key)) == "own"


async def test_an_approval_of_another_case_or_template_does_not_count(reviewing: Desk) -> None:
    case_id, other = await reviewing.ready_case(), await reviewing.ready_case()
    await reviewed(reviewing, other)
    assert await why(reviewing.issue(case_id)) == "missing"
    template = reviewing.drawing.forms.templates[KIND]
    object.__setattr__(template, "version", "older")
    try:
        await reviewed(reviewing, case_id)
    finally:
        object.__setattr__(template, "version", "1")
    assert await why(reviewing.issue(case_id)) == "changed"


async def test_one_approval_gives_one_certificate(reviewing: Desk) -> None:
    case_id = await reviewing.ready_case()
    await reviewed(reviewing, case_id)
    row = await reviewing.issue(case_id)
    assert (await reviewing.issue(case_id)).id == row.id
    await put_in_call(reviewing, case_id)
    await reviewing.revoke(row.id)
    assert await why(reviewing.issue(case_id, "key-00002")) == "used"
    await reviewed(reviewing, case_id)
    assert (await reviewing.issue(case_id, "key-00002")).number != row.number


async def test_after_the_call_it_is_the_same(reviewing: Desk) -> None:
    case_id = await reviewing.ready_case()
    await reviewing.move(case_id, CaseState.WITH_JURISDICTION)
    assert await why(reviewing.issue(case_id)) == "missing"
    await reviewed(reviewing, case_id)
    assert (await reviewing.issue(case_id)).state is CertificateState.VALID


async def test_a_correction_is_reviewed_too_and_by_its_own_facts(desk: Desk) -> None:
    case_id, old = await desk.certified_case()
    ask_above(desk.items, ALWAYS)
    order = CorrectionOrder(values=RIGHT, reason="余额录入有误")
    key = Key(f"{AGENT.id}:c", "correct")
    assert await why(desk.correcting.correct(AGENT, old.id, order, key)) == "missing"
    correction = Correction(old.id, "余额录入有误", RIGHT)
    found = await ask(desk, case_id, correction=correction)
    assert (await refused(desk.correcting.correct(AGENT, old.id, order, key))).code == (
        "review.pending"
    )
    assert found.review is not None
    assert found.review.corrects == old.id
    seen = await read(desk, found.review.id)
    assert [(one.old, one.new) for one in seen.differences] == [("18342.57", "18432.57")]
    assert (seen.request.number, seen.stale) == (old.number, False)
    await approve(desk, found.review.id)
    other = CorrectionOrder(values={"balance": "1.00"}, reason="余额录入有误")
    assert await why(desk.correcting.correct(AGENT, old.id, other, key)) == "changed"
    previewed = await desk.correcting.preview(AGENT, old.id, RIGHT)
    assert previewed.review is not None
    assert (previewed.review.asked, previewed.review.fault) == (True, None)
    new = await desk.correcting.correct(AGENT, old.id, order, key)
    assert (new.supersedes, new.review_id) == (old.id, found.review.id)


async def test_a_killed_command_is_taken_up_on_the_same_approval(reviewing: Desk) -> None:
    case_id = await reviewing.ready_case()
    review_id = await reviewed(reviewing, case_id)
    async with reviewing.units.database.reading() as session:
        draft = await reviewing.drafts.complete(session, await reviewing.case(case_id), KIND)
    key = reviewing.key(case_id, "key-00001")
    async with reviewing.units.open() as unit:
        await reviewing.issuing.reserve(unit, AGENT, case_id, KIND, key, draft=draft)
    again = await reviewing.issue(case_id, "key-00002")
    assert (again.review_id, again.attempt) == (review_id, 1)


async def test_a_repeated_key_does_not_go_round_a_value_that_changed(reviewing: Desk) -> None:
    case_id = await reviewing.ready_case()
    await reviewed(reviewing, case_id)
    async with reviewing.units.database.reading() as session:
        draft = await reviewing.drafts.complete(session, await reviewing.case(case_id), KIND)
    key = reviewing.key(case_id, "key-00001")
    async with reviewing.units.open() as unit:
        await reviewing.issuing.reserve(unit, AGENT, case_id, KIND, key, draft=draft)
    await reviewing.write(AGENT, case_id, "balance", "99999.00")
    assert await why(reviewing.issue(case_id, "key-00001")) == "changed"


async def test_both_halls_see_how_it_stands_and_others_do_not(reviewing: Desk) -> None:
    case_id = await reviewing.ready_case()
    for actor in (AGENT, CLERK):
        found = await standing(reviewing, case_id, actor)
        assert (found.asked, found.fault, found.review) == (True, ReviewFault.MISSING, None)
    await asked(reviewing, case_id)
    found = await standing(reviewing, case_id, CLERK)
    assert found.fault is ReviewFault.PENDING
    assert found.review is not None
    assert found.review.asked_by_name == AGENT.name
    assert (await refused(standing(reviewing, case_id, STRANGER))).code == "case.unknown"


async def test_before_the_number_is_there_nobody_can_tell_whether_a_review_is_needed(
    desk: Desk,
) -> None:
    ask_above(desk.items, above("10000"))
    case_id = await desk.ready_case()
    await desk.write(AGENT, case_id, "balance", "")
    assert not (await standing(desk, case_id)).asked
    await desk.write(AGENT, case_id, "balance", "10000.01")
    assert (await standing(desk, case_id)).asked


async def test_of_two_at_once_one_is_open(reviewing: Desk) -> None:
    case_id = await reviewing.ready_case()
    review_id = await asked(reviewing, case_id)
    async with reviewing.units.open() as unit:
        found = await queries.find(unit.session, review_id)
        assert found is not None
        unit.session.expunge(found)
        found.id = "f" * 32
        assert not await queries.ask(unit.session, found)
    assert (await reviewing.log(case_id)).count("review.requested") == 1


async def test_of_two_decisions_at_once_one_counts(either_desk: Desk) -> None:
    desk = either_desk
    ask_above(desk.items, ALWAYS)
    case_id = await desk.ready_case()
    review_id = await asked(desk, case_id)
    found = await asyncio.gather(
        approve(desk, review_id), decline(desk, review_id, SUPERVISOR), return_exceptions=True
    )
    assert [one.code for one in found if isinstance(one, ServiceError)] == ["review.gone"]
    log = await desk.log(case_id)
    assert log.count("review.approved") + log.count("review.declined") == 1


async def test_a_decision_holds_only_while_it_is_open(either_desk: Desk) -> None:
    """The database itself lets one through, whatever was read before."""
    ask_above(either_desk.items, ALWAYS)
    review_id = await asked(either_desk, await either_desk.ready_case())
    values = {"closed_at": either_desk.units.clock()}
    async with either_desk.units.open() as unit:
        session = unit.session
        approved = {**values, "state": RequestState.APPROVED}
        withdrawn = {**values, "state": RequestState.WITHDRAWN}
        assert await queries.decide(session, review_id, COLLEAGUE.id, approved)
        assert not await queries.decide(session, review_id, SUPERVISOR.id, approved)
        assert not await queries.withdraw(session, review_id, AGENT.id, withdrawn)
        assert not await queries.replace(session, review_id, AGENT.id, withdrawn)

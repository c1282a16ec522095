from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from server.errors import ServiceError
from server.tickets.rules import (
    RING_AGAIN_AFTER,
    IdleAgent,
    Refusals,
    Waiting,
    choose_agent,
    estimate_wait,
    pair,
    unknown_as,
    willing,
)

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)


def idle(name: str, minutes: float = 0, *items: str) -> IdleAgent:
    return IdleAgent(name, frozenset(items), NOON - timedelta(minutes=minutes))


def waiting(name: str, item: str = "pension", at: str = "", **refusals: Refusals) -> Waiting:
    return Waiting(name, item, at or f"counter of {name}", refusals)


def turned_down(count: int, seconds_ago: float) -> Refusals:
    return Refusals(count, NOON - timedelta(seconds=seconds_ago))


def names(agents: list[IdleAgent]) -> list[str]:
    return [agent.clerk_id for agent in agents]


def test_the_longest_idle_is_chosen() -> None:
    agents = [idle("wang", 1), idle("zhou", 9), idle("wu", 5)]
    assert choose_agent("pension", agents) == agents[1]


def test_who_does_not_handle_the_item_is_not_chosen() -> None:
    agents = [idle("wang", 9, "household"), idle("zhou", 1, "pension")]
    assert choose_agent("pension", agents) == agents[1]
    assert choose_agent("enterprise", agents) is None


def test_an_agent_without_items_handles_every_item() -> None:
    assert choose_agent("anything", [idle("wang")]) is not None


def test_of_two_idle_equally_long_the_choice_does_not_depend_on_their_order() -> None:
    agents = [idle("zhou", 3), idle("wang", 3)]
    assert choose_agent("pension", agents) == choose_agent("pension", agents[::-1]) == agents[1]


def test_nobody_is_chosen_when_nobody_is_idle() -> None:
    assert choose_agent("pension", []) is None


def test_who_has_turned_the_ticket_down_is_left_out_while_another_has_not() -> None:
    ticket = waiting("t", wang=turned_down(1, 600))
    assert names(willing(ticket, [idle("wang", 9), idle("zhou", 1)], NOON)) == ["zhou"]


def test_once_everyone_has_turned_it_down_it_goes_round_again() -> None:
    ticket = waiting("t", wang=turned_down(1, 600), zhou=turned_down(1, 30))
    assert names(willing(ticket, [idle("wang"), idle("zhou")], NOON)) == ["wang", "zhou"]


def test_in_the_second_round_everyone_is_asked_again_before_anyone_is_asked_thrice() -> None:
    ticket = waiting("t", wang=turned_down(2, 30), zhou=turned_down(1, 600))
    assert names(willing(ticket, [idle("wang", 9), idle("zhou", 1)], NOON)) == ["zhou"]


@pytest.mark.parametrize(("early", "rings"), [(1, False), (0, True)])
def test_it_does_not_ring_at_once_at_the_only_agent_who_turned_it_down(
    early: int, *, rings: bool
) -> None:
    seconds = RING_AGAIN_AFTER.total_seconds() - early
    ticket = waiting("t", wang=turned_down(1, seconds))
    assert bool(willing(ticket, [idle("wang")], NOON)) is rings


def test_an_agent_who_cannot_take_it_does_not_hold_up_the_second_round() -> None:
    ticket = waiting("t", wang=turned_down(1, 600))
    assert names(willing(ticket, [idle("wang"), idle("zhou", 1, "other")], NOON)) == ["wang"]


def test_the_oldest_place_is_offered_first_to_the_longest_idle() -> None:
    line = [waiting("first"), waiting("second"), waiting("third")]
    agents = [idle("wang", 1), idle("zhou", 9)]
    assert pair(line, agents, (), NOON) == [("first", "zhou"), ("second", "wang")]


def test_a_ticket_that_nobody_can_take_does_not_hold_up_those_behind_it() -> None:
    line = [waiting("first", "enterprise"), waiting("second")]
    assert pair(line, [idle("wang", 1, "pension")], (), NOON) == [("second", "wang")]


def test_a_ticket_whose_counter_clerk_is_in_a_call_does_not_ring() -> None:
    line = [waiting("first", at="li"), waiting("second", at="qian")]
    assert pair(line, [idle("wang")], {"li"}, NOON) == [("second", "wang")]


def test_of_one_counter_clerks_tickets_one_rings_at_a_time() -> None:
    line = [waiting("first", at="li"), waiting("second", at="li")]
    assert pair(line, [idle("wang", 1), idle("zhou", 2)], (), NOON) == [("first", "zhou")]


ITEMS = some.sampled_from(["pension", "household", "enterprise"])
LINES = some.lists(some.tuples(ITEMS, some.integers(0, 4)), max_size=12).map(
    lambda rows: [waiting(f"t{i}", item, f"c{at}") for i, (item, at) in enumerate(rows)]
)
AGENTS = some.lists(some.tuples(some.sets(ITEMS), some.integers(0, 60)), max_size=6).map(
    lambda rows: [idle(f"a{i}", minutes, *items) for i, (items, minutes) in enumerate(rows)]
)


@given(LINES, AGENTS)
def test_no_ticket_no_agent_and_no_counter_is_ever_in_two_pairs(
    line: list[Waiting], agents: list[IdleAgent]
) -> None:
    pairs = pair(line, agents, (), NOON)
    by_id = {ticket.id: ticket for ticket in line}
    for many in (
        [ticket for ticket, _ in pairs],
        [agent for _, agent in pairs],
        [by_id[ticket].taken_by for ticket, _ in pairs],
    ):
        assert len(many) == len(set(many))


@given(LINES, AGENTS)
def test_nobody_stays_idle_who_could_take_a_ticket_that_is_left(
    line: list[Waiting], agents: list[IdleAgent]
) -> None:
    pairs = dict(pair(line, agents, (), NOON))
    by_id = {ticket.id: ticket for ticket in line}
    calling = {by_id[ticket].taken_by for ticket in pairs}
    left = [t for t in line if t.id not in pairs and t.taken_by not in calling]
    free = [agent for agent in agents if agent.clerk_id not in pairs.values()]
    assert not [t for t in left if any(agent.handles(t.item_code) for agent in free)]


def test_those_before_a_ticket_are_shared_among_the_agents() -> None:
    assert estimate_wait(4, 2, 600) == 1200
    assert estimate_wait(4, 0, 600) == 2400
    assert estimate_wait(0, 3, 600) == 0


def test_a_case_that_one_may_not_know_of_is_refused_as_the_thing_that_was_asked_for() -> None:
    with pytest.raises(ServiceError, match=r"ticket\.unknown"), unknown_as("ticket.unknown"):
        raise ServiceError("case.unknown")
    with pytest.raises(ServiceError, match=r"seat\.missing"), unknown_as("ticket.unknown"):
        raise ServiceError("seat.missing")

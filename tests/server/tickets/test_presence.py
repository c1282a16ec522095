"""Tickets whose counter nobody is at, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from server.access import Actor
from server.cases.rules import CaseState
from server.db.unit import Units
from server.texts import COUNTER_LEFT
from server.tickets import presence_queries, queries
from server.tickets.rules import COUNTER_LEASE, AgentState, TicketState
from server.tickets.worker import TicketWorker
from tests.support.database import News, SetClock
from tests.support.halls import CLERK, HUOQIU, OTHER_CLERK, WANG, ZHOU, Halls

MONDAY_TEN = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
CLOSING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def worker_on(halls: Halls, *present: Actor) -> TicketWorker:
    """A worker of a process that has just started, with these people's sockets."""
    return TicketWorker(halls.units, halls.tickets, lambda: {who.id for who in present})


async def left(halls: Halls, clock: SetClock) -> str:
    """A ticket of a clerk who went away, two minutes ago; return its id."""
    ticket_id = await halls.waiting()
    clock.now += COUNTER_LEASE
    await worker_on(halls).tick()
    return ticket_id


async def line(halls: Halls) -> list[tuple[str, int, bool]]:
    """The line as agents see it: whose ticket, at which place, away or not."""
    async with halls.units.database.reading() as session:
        queue = await halls.tickets.show_queue(session, HUOQIU)
    return [(row.ticket_id, row.position, row.away) for row in queue.waiting]


async def test_the_ticket_of_a_clerk_who_went_home_rings_at_nobodys(
    either_halls: Halls, clock: SetClock, news: News
) -> None:
    halls = either_halls
    ticket_id = await left(halls, clock)
    assert (f"queue:{HUOQIU}", "queue.changed") in news.events()
    await halls.become(WANG)
    await worker_on(halls, WANG).tick()
    assert await halls.find_offer(WANG) is None
    ticket = await halls.ticket(ticket_id)
    assert (ticket.state, ticket.away_since) == (TicketState.WAITING, clock.now)
    assert (await halls.log(ticket.case_id))[-1] == "ticket.paused"
    assert (await halls.events(ticket.case_id))[-1].actor["kind"] == "service"


async def test_nothing_rings_between_the_leases_end_and_the_workers_next_look(
    halls: Halls, clock: SetClock
) -> None:
    await halls.waiting()
    clock.now += COUNTER_LEASE
    await halls.become(WANG)
    assert await halls.find_offer(WANG) is None


async def test_a_clerk_who_is_back_is_called_by_the_old_place(
    either_halls: Halls, clock: SetClock
) -> None:
    halls = either_halls
    first = await left(halls, clock)
    second = await halls.waiting(OTHER_CLERK)
    assert await line(halls) == [(first, 1, True), (second, 1, False)]
    worker = worker_on(halls, CLERK, OTHER_CLERK)
    await worker.tick()
    assert await line(halls) == [(first, 1, False), (second, 2, False)]
    await halls.become(WANG)
    assert (await halls.offer_to(WANG)).ticket_id == first
    assert (await halls.log((await halls.ticket(first)).case_id))[-2:] == [
        "ticket.resumed", "offer.made",
    ]  # fmt: skip


async def test_who_waits_behind_a_counter_that_was_left_is_the_next(
    either_halls: Halls, clock: SetClock, news: News
) -> None:
    halls = either_halls
    first = await halls.waiting()
    clock.advance(seconds=1)
    second = await halls.waiting(OTHER_CLERK)
    clock.now += COUNTER_LEASE
    news.notices.clear()
    await worker_on(halls, OTHER_CLERK).tick()
    assert await line(halls) == [(first, 1, True), (second, 1, False)]
    async with halls.units.database.reading() as session:
        shown = await halls.tickets.show(session, await halls.ticket(second))
    assert (shown.position, shown.estimated_wait_seconds, shown.away) == (1, 0, False)
    told = [n.data for n in news.notices if n.event == "ticket.moved"]
    assert [(n["position"], n["away"]) for n in told[-2:]] == [(1, True), (1, False)]
    await halls.become(ZHOU)
    assert (await halls.offer_to(ZHOU)).ticket_id == second


async def test_a_reload_or_a_cut_changes_nothing(halls: Halls, clock: SetClock) -> None:
    ticket_id = await halls.waiting()
    worker = worker_on(halls, CLERK)
    await worker.tick()
    clock.now += COUNTER_LEASE - timedelta(milliseconds=1)
    # Another process, and this one's socket gone for the whole time.
    await worker_on(halls).tick()
    await worker.tick()
    clock.now += COUNTER_LEASE - timedelta(milliseconds=1)
    await worker_on(halls).tick()
    assert (await halls.ticket(ticket_id)).away_since is None
    assert "ticket.paused" not in await halls.log((await halls.ticket(ticket_id)).case_id)


async def test_a_newcomers_lease_is_renewed_at_once_and_not_at_the_next_round(
    halls: Halls, clock: SetClock
) -> None:
    present: set[str] = set()
    worker = TicketWorker(halls.units, halls.tickets, lambda: set(present))
    ticket_id = await left(halls, clock)
    await worker.tick()
    clock.advance(seconds=1)
    present.add(CLERK.id)
    await worker.tick()
    ticket = await halls.ticket(ticket_id)
    assert (ticket.away_since, ticket.present_until) == (None, clock.now + COUNTER_LEASE)


async def test_with_nobody_back_at_closing_time_the_ticket_lapses_and_the_case_is_a_draft(
    either_halls: Halls, clock: SetClock, news: News
) -> None:
    halls = either_halls
    clock.now = MONDAY_TEN
    ticket_id = await left(halls, clock)
    assert (await halls.ticket(ticket_id)).lapses_at == CLOSING
    clock.now = CLOSING - timedelta(seconds=1)
    await worker_on(halls).tick()
    assert await halls.ticket_state(ticket_id) is TicketState.WAITING
    clock.now = CLOSING
    news.notices.clear()
    # The worker of a service that has been started anew knows it from the database alone.
    await worker_on(halls).tick()
    ticket = await halls.ticket(ticket_id)
    assert ticket.state is TicketState.ABANDONED
    case = await halls.case_row(ticket.case_id)
    assert case.state is CaseState.DRAFT
    abandoned = (await halls.events(ticket.case_id))[-1]
    assert (abandoned.kind, abandoned.actor["kind"]) == ("ticket.abandoned", "service")
    assert halls.records.open_event(case, abandoned)["why"] == COUNTER_LEFT
    assert await line(halls) == []
    assert (f"queue:{HUOQIU}", "queue.changed") in news.events()
    clock.now += timedelta(hours=16)
    assert (await halls.take(ticket.case_id)).state is TicketState.WAITING


async def test_a_case_that_was_returned_is_so_again_when_its_ticket_lapses(
    halls: Halls, clock: SetClock
) -> None:
    clock.now = MONDAY_TEN
    ticket = await halls.ticket(await left(halls, clock))
    async with halls.units.open() as unit:
        entry = await halls.records.begin_as_service(unit, ticket.case_id)
        await entry.append("case.returned")
    clock.now = CLOSING
    await worker_on(halls).tick()
    assert await halls.ticket_state(ticket.id) is TicketState.ABANDONED
    assert (await halls.case_row(ticket.case_id)).state is CaseState.RETURNED


async def test_a_counter_that_is_left_after_hours_has_until_the_end_of_the_day_in_china(
    halls: Halls, clock: SetClock
) -> None:
    clock.now = CLOSING + timedelta(hours=1)
    ticket_id = await left(halls, clock)
    midnight = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
    assert (await halls.ticket(ticket_id)).lapses_at == midnight
    clock.now = midnight - timedelta(seconds=1)
    await worker_on(halls).tick()
    assert await halls.ticket_state(ticket_id) is TicketState.WAITING
    clock.now = midnight
    await worker_on(halls).tick()
    assert await halls.ticket_state(ticket_id) is TicketState.ABANDONED


async def test_who_works_on_after_hours_keeps_the_ticket(halls: Halls, clock: SetClock) -> None:
    clock.now = CLOSING - timedelta(minutes=1)
    ticket_id = await halls.waiting()
    clock.now = CLOSING + timedelta(hours=2)
    await worker_on(halls, CLERK).tick()
    assert (await halls.ticket(ticket_id)).away_since is None
    await halls.become(WANG)
    assert (await halls.offer_to(WANG)).ticket_id == ticket_id


async def test_who_is_back_at_the_very_moment_of_closing_keeps_the_ticket(
    halls: Halls, clock: SetClock
) -> None:
    clock.now = MONDAY_TEN
    ticket_id = await left(halls, clock)
    clock.now = CLOSING
    await worker_on(halls, CLERK).tick()
    ticket = await halls.ticket(ticket_id)
    assert (ticket.state, ticket.away_since, ticket.lapses_at) == (TicketState.WAITING, None, None)


async def test_many_processes_do_each_thing_once(either_halls: Halls, clock: SetClock) -> None:
    halls = either_halls
    clock.now = MONDAY_TEN
    ticket_id = await halls.waiting()
    case_id = (await halls.ticket(ticket_id)).case_id
    clock.now += COUNTER_LEASE
    await asyncio.gather(*(worker_on(halls).tick() for _ in range(5)))
    clock.advance(seconds=1)
    await asyncio.gather(*(worker_on(halls, CLERK).tick() for _ in range(5)))
    clock.now = CLOSING - timedelta(seconds=1)
    await asyncio.gather(*(worker_on(halls).tick() for _ in range(5)))
    clock.now = CLOSING
    await asyncio.gather(*(worker_on(halls).tick() for _ in range(5)))
    assert (await halls.log(case_id))[1:] == [
        "ticket.taken", "ticket.paused", "ticket.resumed", "ticket.paused", "ticket.abandoned",
    ]  # fmt: skip


async def test_the_process_that_has_the_socket_keeps_the_ticket_for_all(
    either_halls: Halls, clock: SetClock
) -> None:
    halls = either_halls
    ticket_id = await halls.waiting()
    with_socket, without = worker_on(halls, CLERK), worker_on(halls)
    for _ in range(12):
        clock.advance(seconds=20)
        await with_socket.tick()
        await without.tick()
    assert (await halls.ticket(ticket_id)).away_since is None


async def test_a_ticket_that_rings_or_is_served_is_not_paused(
    halls: Halls, clock: SetClock
) -> None:
    await halls.become(WANG)
    ringing = await halls.waiting()
    case_id, _ = await halls.in_call(ZHOU, OTHER_CLERK)
    clock.now += COUNTER_LEASE
    async with halls.units.database.reading() as session:
        assert await presence_queries.changed(session, clock.now) == []
    assert await halls.ticket_state(ringing) is TicketState.OFFERED
    assert (await halls.ticket_of(case_id)).away_since is None


async def test_a_counter_that_was_left_in_the_call_is_paused_once_it_is_back_in_line(
    halls: Halls, clock: SetClock
) -> None:
    _, call_id = await halls.in_call()
    clock.now += COUNTER_LEASE
    await halls.hang_up(WANG, call_id)
    await halls.become(ZHOU)
    await worker_on(halls, WANG, ZHOU).tick()
    assert await halls.find_offer(ZHOU) is None
    assert await halls.state_of(ZHOU) is AgentState.READY


async def test_a_paused_ticket_can_be_given_up_at_the_counter(
    halls: Halls, clock: SetClock
) -> None:
    ticket_id = await left(halls, clock)
    async with halls.units.open() as unit:
        await halls.tickets.abandon(unit, CLERK, ticket_id, "群众改日再来")
    assert await halls.ticket_state(ticket_id) is TicketState.ABANDONED
    async with halls.units.database.reading() as session:
        assert await presence_queries.next_change(session) is None


@pytest.mark.parametrize("back", [True, False])
async def test_each_step_asks_the_row_again_whether_it_is_still_true(
    either_units: Units, clock: SetClock, *, back: bool
) -> None:
    halls = Halls(either_units)
    clock.now = MONDAY_TEN
    ticket_id = await halls.waiting()
    lease = clock.now + (timedelta(days=1) if back else COUNTER_LEASE)
    clock.now += COUNTER_LEASE
    async with either_units.open() as unit:
        session, now = unit.session, unit.now
        await presence_queries.renew_counters(session, [CLERK.id], lease)
        assert await presence_queries.pause(session, ticket_id, now, CLOSING) is not back
        assert await presence_queries.pause(session, ticket_id, now, CLOSING) is False
        # Paused by now, or not: nobody is back before the lease says so, or is given up too early.
        assert await presence_queries.resume(session, ticket_id, now) is False
        assert await presence_queries.lapse(session, ticket_id, now) is False
    clock.now = CLOSING
    async with either_units.open() as unit:
        assert await presence_queries.lapse(unit.session, ticket_id, unit.now) is not back
        assert await presence_queries.lapse(unit.session, ticket_id, unit.now) is False


async def test_a_paused_ticket_is_not_given_up_once_the_clerk_is_back(
    either_units: Units, clock: SetClock
) -> None:
    halls = Halls(either_units)
    clock.now = MONDAY_TEN
    ticket_id = await left(halls, clock)
    clock.now = CLOSING
    async with either_units.open() as unit:
        until = unit.now + COUNTER_LEASE
        await presence_queries.renew_counters(unit.session, [CLERK.id], until)
        assert not await presence_queries.lapse(unit.session, ticket_id, unit.now)
        assert await presence_queries.resume(unit.session, ticket_id, unit.now)
        assert not await presence_queries.resume(unit.session, ticket_id, unit.now)


async def test_renewing_waits_for_nobody_who_moves_a_ticket(
    either_units: Units, clock: SetClock
) -> None:
    halls = Halls(either_units)
    ticket_id = await halls.waiting()
    clock.advance(seconds=20)
    if either_units.database.writer.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer")
    async with either_units.open() as mover:
        ticket = await queries.find_ticket(mover.session, ticket_id)
        assert ticket is not None
        await queries.move_ticket(
            mover.session, ticket, [TicketState.WAITING], TicketState.OFFERED,
            who=WANG.id, now=mover.now,
        )  # fmt: skip
        async with asyncio.timeout(30), either_units.open() as unit:
            await presence_queries.renew_counters(unit.session, [CLERK.id], unit.now)

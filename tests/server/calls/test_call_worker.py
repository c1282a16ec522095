from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from server.access import Action
from server.calls.rules import SEAT_LEASE, STILL_LASTS, CallState, EndReason
from server.calls.worker import CallWorker
from server.cases.rules import CaseState
from server.db.timers import LONGEST_SLEEP, SHORTEST_SLEEP
from server.tickets.rules import AgentState, TicketState
from tests.server.calls.test_calls import ask_still, connect
from tests.support.database import News, SetClock
from tests.support.halls import CLERK, OTHER_CLERK, WANG, ZHOU, Halls, screen


def worker_on(halls: Halls, *sids: str) -> CallWorker:
    """A worker of a process that has just started, with these sockets."""
    return CallWorker(halls.units, halls.calls, lambda: set(sids))


async def test_a_clerk_who_does_not_come_back_ends_the_call_and_the_case_keeps_its_place(
    halls: Halls, clock: SetClock, news: News
) -> None:
    case_id, call_id = await halls.in_call()
    await connect(halls, call_id, CLERK, WANG)
    taken_at = (await halls.ticket_of(case_id)).taken_at
    await halls.leave(call_id, CLERK.name)
    worker = worker_on(halls, WANG.name)
    clock.now += SEAT_LEASE - timedelta(milliseconds=1)
    await worker.tick()
    assert (await halls.call(call_id)).state is CallState.INTERRUPTED
    clock.advance(seconds=0.001)
    await worker.tick()
    call = await halls.call(call_id)
    assert (call.state, call.end_reason) == (CallState.ENDED, EndReason.LINE)
    ticket = await halls.ticket_of(case_id)
    assert (ticket.state, ticket.taken_at) == (TicketState.WAITING, taken_at)
    assert (await halls.case_row(case_id)).state is CaseState.WAITING
    assert (await halls.log(case_id))[-2:] == ["call.ended", "case.requeued"]
    assert await halls.state_of(WANG) is AgentState.WRAP_UP
    assert (f"clerk:{CLERK.id}", "call.ended") in news.events()


async def test_a_call_that_nobody_ever_joined_ends_too(halls: Halls, clock: SetClock) -> None:
    case_id, call_id = await halls.in_call()
    clock.now += SEAT_LEASE
    await worker_on(halls).tick()
    assert (await halls.call(call_id)).state is CallState.ENDED
    assert (await halls.case_row(case_id)).state is CaseState.WAITING


async def test_a_finished_case_is_not_put_back_in_line_when_the_line_breaks(
    halls: Halls, clock: SetClock
) -> None:
    case_id, call_id = await halls.in_call()
    await halls.move(case_id, CaseState.CERTIFIED)
    clock.now += SEAT_LEASE
    await worker_on(halls).tick()
    assert (await halls.call(call_id)).state is CallState.ENDED
    assert (await halls.case_row(case_id)).state is CaseState.CERTIFIED
    assert (await halls.ticket_of(case_id)).state is TicketState.DONE


async def test_the_seats_of_live_sockets_are_kept_for_as_long_as_the_call_takes(
    halls: Halls, clock: SetClock
) -> None:
    _, call_id = await halls.in_call()
    await connect(halls, call_id, CLERK, WANG)
    worker = worker_on(halls, CLERK.name, WANG.name)
    for _ in range(30):
        clock.advance(seconds=20)
        await worker.tick()
    assert (await halls.call(call_id)).state is CallState.CONNECTED


async def test_a_screen_that_goes_away_does_not_end_the_call(halls: Halls, clock: SetClock) -> None:
    _, call_id = await halls.in_call()
    await connect(halls, call_id, CLERK, WANG)
    await halls.sit(screen(), call_id, "screen")
    worker = worker_on(halls, CLERK.name, WANG.name)
    for _ in range(8):
        clock.advance(seconds=20)
        await worker.tick()
    assert (await halls.call(call_id)).state is CallState.CONNECTED


async def test_a_still_that_nobody_answers_is_missed_after_five_seconds_and_both_are_told(
    halls: Halls, clock: SetClock, news: News
) -> None:
    case_id, call_id = await halls.in_call()
    still = await ask_still(halls, WANG, call_id)
    worker = worker_on(halls)
    clock.now += STILL_LASTS - timedelta(milliseconds=1)
    await worker.tick()
    assert (await halls.log(case_id))[-1] == "still.requested"
    clock.advance(seconds=0.001)
    await worker.tick()
    assert (await halls.log(case_id))[-1] == "still.missed"
    closed = [n for n in news.notices if n.event == "still.closed"]
    rooms = {f"seat:{seat.id}" for seat in await halls.seats(call_id)}
    assert {n.room for n in closed} == rooms
    assert {(n.data["id"], n.data["state"]) for n in closed} == {(still.id, "missed")}


async def test_a_late_picture_is_still_filed(halls: Halls, clock: SetClock) -> None:
    case_id, call_id = await halls.in_call()
    still = await ask_still(halls, WANG, call_id)
    clock.now += STILL_LASTS
    await worker_on(halls).tick()
    async with halls.units.open() as unit:
        entry = await halls.records.begin(unit, CLERK, case_id, Action.ADD_MATERIAL)
        await halls.calls.file_still(entry, still.id, "e" * 32)
    assert (await halls.log(case_id))[-2:] == ["still.missed", "still.filed"]


async def test_what_ran_out_while_no_server_ran_is_done_by_the_next(
    halls: Halls, clock: SetClock
) -> None:
    first, first_call = await halls.in_call()
    second, second_call = await halls.in_call(ZHOU, OTHER_CLERK)
    await ask_still(halls, WANG, first_call)
    clock.advance(hours=3)
    await worker_on(halls).tick()
    for call_id in (first_call, second_call):
        assert (await halls.call(call_id)).state is CallState.ENDED
    assert (await halls.log(first))[-3:] == ["still.missed", "call.ended", "case.requeued"]
    assert (await halls.log(second))[-2:] == ["call.ended", "case.requeued"]


async def test_two_workers_at_once_do_it_once(halls: Halls, clock: SetClock) -> None:
    case_id, call_id = await halls.in_call()
    await ask_still(halls, WANG, call_id)
    clock.now += SEAT_LEASE
    await asyncio.gather(*(worker_on(halls).tick() for _ in range(5)))
    log = await halls.log(case_id)
    assert (log.count("still.missed"), log.count("call.ended")) == (1, 1)


async def test_the_worker_sleeps_until_the_next_thing_is_due(halls: Halls, clock: SetClock) -> None:
    worker = worker_on(halls)
    assert await worker.tick() == LONGEST_SLEEP
    _, call_id = await halls.in_call()
    await ask_still(halls, WANG, call_id)
    assert await worker.tick() == LONGEST_SLEEP
    clock.now += STILL_LASTS - timedelta(seconds=0.25)
    assert await worker.tick() == pytest.approx(0.25)
    clock.advance(seconds=0.249)
    assert await worker.tick() == SHORTEST_SLEEP


async def test_one_thing_that_fails_stops_none_of_the_others(
    halls: Halls, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, call_id = await halls.in_call()
    await ask_still(halls, WANG, call_id)
    clock.now += SEAT_LEASE

    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(type(halls.calls), "miss_still", broken)
    assert await worker_on(halls).tick() == LONGEST_SLEEP
    assert (await halls.call(call_id)).state is CallState.ENDED

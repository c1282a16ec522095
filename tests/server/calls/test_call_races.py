"""Who comes at once to a call, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from server.calls import queries
from server.calls.rules import CallState, EndReason, StillState
from server.db.unit import Unit, Units
from server.errors import ServiceError
from server.tickets.rules import AgentState, TicketState
from tests.server.calls.test_calls import ask_still, connect
from tests.support.database import SetClock
from tests.support.halls import CLERK, OTHER_CLERK, WANG, ZHOU, Halls, screen


async def refusals(*attempts: Awaitable[object]) -> list[str]:
    """Start all at once; return the codes of those that were refused, crashes by their name."""
    found = await asyncio.gather(*attempts, return_exceptions=True)
    return [
        one.code if isinstance(one, ServiceError) else repr(one)
        for one in found
        if isinstance(one, BaseException)
    ]


async def winners(units: Units, attempt: Callable[[Unit], Awaitable[bool]]) -> int:
    async def once() -> bool:
        async with units.open() as unit:
            return await attempt(unit)

    return sum(await asyncio.gather(*(once() for _ in range(20))))


async def test_a_call_that_both_clerks_end_at_once_ends_once(either_halls: Halls) -> None:
    case_id, call_id = await either_halls.in_call()
    said = await refusals(
        *(either_halls.hang_up(who, call_id) for who in (WANG, CLERK, WANG, CLERK))
    )
    assert said == ["call.over"] * 3
    log = await either_halls.log(case_id)
    assert (log.count("call.ended"), log.count("case.requeued")) == (1, 1)
    assert (await either_halls.ticket_of(case_id)).state is TicketState.WAITING


async def test_two_halls_that_report_at_once_connect_the_call(either_halls: Halls) -> None:
    for _ in range(10):
        _, call_id = await either_halls.in_call()
        await either_halls.sit(CLERK, call_id)
        await either_halls.sit(WANG, call_id)
        reports = (either_halls.report(who, call_id, CallState.CONNECTED) for who in (CLERK, WANG))
        assert await refusals(*reports) == []
        assert (await either_halls.call(call_id)).state is CallState.CONNECTED
        await either_halls.finish(call_id)


async def test_of_many_tabs_that_take_a_seat_at_once_one_has_it(either_halls: Halls) -> None:
    _, call_id = await either_halls.in_call()
    tabs = [f"tab-{i}" for i in range(10)]
    assert await refusals(*(either_halls.sit(CLERK, call_id, tab) for tab in tabs)) == []
    [local, _] = await either_halls.seats(call_id)
    assert local.sid in tabs


async def test_a_screen_that_takes_its_seat_twice_at_once_has_one(either_halls: Halls) -> None:
    _, call_id = await either_halls.in_call()
    sits = (either_halls.sit(screen(), call_id, f"screen-{i}") for i in range(5))
    assert await refusals(*sits) == []
    assert len(await either_halls.seats(call_id)) == 3


async def test_everyone_in_a_call_at_once_never_stops_each_other_for_good(
    either_halls: Halls, clock: SetClock
) -> None:
    calls = [await either_halls.in_call(), await either_halls.in_call(ZHOU, OTHER_CLERK)]
    for (_, call_id), pair in zip(calls, ((WANG, CLERK), (ZHOU, OTHER_CLERK)), strict=True):
        await connect(either_halls, call_id, *pair)
    clock.advance(seconds=1)
    said = await refusals(
        *(either_halls.leave(call_id, "wang") for _, call_id in calls),
        *(either_halls.sit(who, calls[0][1], "again") for who in (WANG, CLERK)),
        *(either_halls.report(ZHOU, calls[1][1], CallState.INTERRUPTED) for _ in range(3)),
        *(ask_still(either_halls, ZHOU, calls[1][1]) for _ in range(3)),
        *(either_halls.waiting() for _ in range(5)),
        either_halls.hang_up(OTHER_CLERK, calls[1][1]),
    )
    # Who still saw the call live finds its case back in the line.
    assert set(said) <= {"call.over", "seat.missing", "case.wrong_state"}


async def test_a_call_is_ended_once(either_halls: Halls, either_units: Units) -> None:
    _, call_id = await either_halls.in_call()

    async def end(unit: Unit) -> bool:
        return await queries.end_call(unit.session, call_id, EndReason.OTHER, unit.now)

    assert await winners(either_units, end) == 1


async def test_a_still_is_closed_once(either_halls: Halls, either_units: Units) -> None:
    _, call_id = await either_halls.in_call()
    still = await ask_still(either_halls, WANG, call_id)

    async def close(unit: Unit) -> bool:
        asked = [StillState.ASKED]
        return await queries.move_still(unit.session, still.id, asked, StillState.REFUSED)

    assert await winners(either_units, close) == 1


async def test_a_call_whose_clerk_came_back_is_not_ended(
    either_halls: Halls, either_units: Units, clock: SetClock
) -> None:
    case_id, call_id = await either_halls.in_call()
    await connect(either_halls, call_id, CLERK, WANG)
    clock.advance(seconds=120)
    async with either_units.database.reading() as session:
        assert await queries.stale_calls(session, clock.now) == [call_id]
    async with either_units.open() as unit:
        until = unit.now + timedelta(seconds=120)
        await queries.renew_seats(unit.session, [CLERK.name, WANG.name], until)
    async with either_units.open() as unit:
        await either_halls.calls.lapse(unit, call_id)
    assert (await either_halls.call(call_id)).state is CallState.CONNECTED
    assert "call.ended" not in await either_halls.log(case_id)


async def test_an_answer_and_a_withdrawal_at_once_never_both_count(either_halls: Halls) -> None:
    await either_halls.become(WANG)
    for _ in range(6):
        case_id = await either_halls.case()
        await either_halls.take(case_id)
        offer = await either_halls.offer_to(WANG)

        async def withdraw(case_id: str = case_id) -> None:
            async with either_halls.units.open() as unit:
                await either_halls.calls.withdraw(unit, CLERK, case_id, "x")

        said = await refusals(either_halls.accept(WANG, offer.id), withdraw())
        assert said in (["offer.gone"], ["case.wrong_state"])
        if said == ["case.wrong_state"]:
            async with either_halls.units.database.reading() as session:
                call = await queries.live_call(session, case_id)
            assert call is not None
            await either_halls.finish(call.id)
        assert await either_halls.state_of(WANG) in {AgentState.READY}

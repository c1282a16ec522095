"""Device checks: judged, kept for the day, and kept with the calls that begin after them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from server.access import Actor, Role
from server.calls import device_messages as wire
from server.calls.device_checks import CHECKS_KEPT, keep_check
from server.calls.models import DeviceCheck
from server.calls.rules import Figures, Outlook, SeatSide, Tried, Way, judge
from server.calls.worker import CallWorker
from server.errors import ServiceError
from server.supervision import messages as board_wire
from server.supervision.service import Supervision
from tests.server.calls.conftest import Lines
from tests.support.database import SetClock
from tests.support.halls import CLERK, HUOQIU, WANG, Halls, clerk

FIGURES = Figures(1800, 1700, 0.002, 0, 12)
GOOD, POOR = Outlook.GOOD, Outlook.POOR
TRIAL: dict[str, Any] = {
    "camera": "works", "microphone": "works", "speaker": "works", "network": "measured",
    "figures": {
        "up_kbps": 1800, "down_kbps": 1700, "up_loss": 0.002, "down_loss": 0, "round_trip_ms": 12,
    },
}  # fmt: skip
SUPERVISOR = clerk("sun", HUOQIU, Role.SUPERVISOR)


async def check(halls: Halls, who: Actor, **changed: object) -> wire.DeviceCheck:
    """Have somebody's devices tried, in a unit of its own."""
    said = wire.DeviceTrial.model_validate({**TRIAL, **changed})
    async with halls.units.open() as unit:
        return await keep_check(unit, who, said)


async def on_the_board(halls: Halls) -> board_wire.BoardCall:
    async with halls.units.database.reading() as session:
        board = await Supervision(halls.reader).board(session, SUPERVISOR, halls.now)
    [call] = board.calls
    return call


@pytest.mark.parametrize(
    ("changed", "outlook"),
    [
        ({}, GOOD),
        ({"speaker": Tried.UNTRIED, "way": Way.DIRECT, "figures": None}, GOOD),
        ({"way": Way.UNTRIED, "figures": None}, GOOD),
        ({"camera": Tried.REFUSED}, POOR),
        ({"microphone": Tried.UNTRIED}, GOOD),
        ({"camera": Tried.UNTRIED}, POOR),
        ({"microphone": Tried.SILENT}, POOR),
        ({"speaker": Tried.SILENT}, POOR),
        ({"way": Way.UNREACHABLE, "figures": None}, POOR),
    ],
)
def test_a_check_is_good_where_everything_that_was_tried_works(
    changed: dict[str, Any], outlook: Outlook
) -> None:
    works: dict[str, Any] = dict.fromkeys(("camera", "microphone", "speaker"), Tried.WORKS)
    found = {**works, "way": Way.MEASURED, "figures": FIGURES, **changed}
    assert judge(**found) is outlook


@pytest.mark.parametrize(
    ("changed", "outlook"),
    [
        ({"up_kbps": 500, "down_kbps": 500}, GOOD),
        ({"up_kbps": 499}, POOR),
        ({"down_kbps": 499}, POOR),
        ({"up_loss": 0.049, "down_loss": 0.049}, GOOD),
        ({"up_loss": 0.05}, POOR),
        ({"down_loss": 0.05}, POOR),
        ({"round_trip_ms": 400}, GOOD),
        ({"round_trip_ms": 401}, POOR),
    ],
)
def test_a_way_must_carry_enough(changed: dict[str, Any], outlook: Outlook) -> None:
    figures = replace(FIGURES, **changed)
    works = Tried.WORKS
    assert judge(works, works, works, Way.MEASURED, figures) is outlook


async def test_the_newest_check_of_the_day_is_kept_with_the_call(
    halls: Halls, clock: SetClock
) -> None:
    first = await check(halls, CLERK, microphone="silent")
    assert first.outlook is POOR
    clock.advance(seconds=1)
    second = await check(halls, CLERK)
    _, call_id = await halls.in_call()
    clock.advance(seconds=1)
    await check(halls, CLERK, camera="none")
    kept = {seat.side: seat.device_check_id for seat in await halls.seats(call_id)}
    assert kept == {SeatSide.LOCAL: second.id, SeatSide.REMOTE: None}
    shown = await on_the_board(halls)
    assert (shown.local_check, shown.agent_check) == (GOOD, None)


async def test_yesterdays_check_says_nothing_of_today(halls: Halls, clock: SetClock) -> None:
    await check(halls, WANG, speaker="silent")
    # The day is China's: 15:59 UTC is a minute before its midnight.
    clock.now = clock.now.replace(hour=15, minute=59)
    _, first = await halls.in_call()
    assert (await on_the_board(halls)).agent_check is POOR
    await halls.finish(first)
    clock.advance(minutes=2)
    await halls.become(WANG)
    await halls.in_call()
    assert (await on_the_board(halls)).agent_check is None


async def test_old_checks_are_deleted_once_a_day_but_for_those_kept_with_a_call(
    either_halls: Halls, clock: SetClock
) -> None:
    halls = either_halls
    timers = CallWorker(halls.units, halls.calls, set)

    async def left() -> set[str]:
        await timers.tick()
        async with halls.units.database.reading() as session:
            return set((await session.scalars(select(DeviceCheck.id))).all())

    first = await check(halls, CLERK)
    clock.advance(seconds=1)
    kept = await check(halls, CLERK)
    await halls.in_call()
    clock.advance(days=CHECKS_KEPT.days)
    recent = await check(halls, CLERK)
    assert await left() == {first.id, kept.id, recent.id}
    clock.advance(days=1)
    assert await left() == {kept.id, recent.id}


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.ADMINISTRATOR])
async def test_who_sits_in_no_call_checks_no_devices(halls: Halls, role: Role) -> None:
    with pytest.raises(ServiceError, match=r"action\.forbidden"):
        await check(halls, clerk("sun", HUOQIU, role))


@pytest.mark.parametrize(
    "changed",
    [
        {"figures": None},
        {"network": "direct"},
        {"camera": "splendid"},
        {"figures": {**TRIAL["figures"], "up_loss": 1.01}},
        {"figures": {**TRIAL["figures"], "up_kbps": -1}},
        {"figures": {**TRIAL["figures"], "round_trip_ms": 600_001}},
        {"clerk_id": "0" * 32},
    ],
)
async def test_a_check_of_another_shape_is_refused(lines: Lines, changed: dict[str, Any]) -> None:
    ask = lines.site.ask
    status, said = await ask("POST", "/api/device-checks", CLERK.name, json={**TRIAL, **changed})
    assert (status, said["error"]["code"]) == (422, "body.invalid")
    status, said = await ask("POST", "/api/device-checks", CLERK.name, json=TRIAL)
    assert (status, said["data"]["outlook"]) == (200, "good")

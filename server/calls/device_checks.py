"""Device checks: what a clerk's devices and network gave before the first call of the day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from server.access import Action, Actor, authorize
from server.calls import device_messages as wire
from server.calls import queries
from server.calls.models import DeviceCheck
from server.calls.rules import judge
from server.cases.rules import china_day
from server.db.base import new_id
from server.db.unit import Unit

# So long one may look for what was wrong at a counter, whoever was called from it.
CHECKS_KEPT: Final = timedelta(days=30)


async def keep_check(unit: Unit, actor: Actor, said: wire.DeviceTrial) -> wire.DeviceCheck:
    """Keep a check and judge it; the newest of the day counts for the calls that begin after it."""
    authorize(actor, Action.CHECK_DEVICES)
    figures = None if said.figures is None else said.figures.bare()
    check = DeviceCheck(
        id=new_id(),
        clerk_id=actor.id,
        day=china_day(unit.now),
        at=unit.now,
        camera=said.camera,
        microphone=said.microphone,
        speaker=said.speaker,
        network=said.network,
        **({} if said.figures is None else said.figures.model_dump()),
        outlook=judge(said.camera, said.microphone, said.speaker, said.network, figures),
    )
    unit.session.add(check)
    await unit.session.flush()
    return wire.DeviceCheck.of(check)


async def drop_old_checks(unit: Unit, today: str) -> None:
    """Delete the checks that nobody needs any more; those kept with a call stay with it."""
    await queries.drop_checks(unit.session, date.fromisoformat(today) - CHECKS_KEPT)

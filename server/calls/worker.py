"""The timers of calls: seats' leases and stills; everything due stands in the database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from server.calls import queries
from server.calls.rules import SEAT_LEASE
from server.calls.service import Calls
from server.db.unit import Unit, Units
from server.errors import ServiceError

log = structlog.get_logger("kuayu.calls")
LONGEST_SLEEP = 1.0
SHORTEST_SLEEP = 0.05
AT_ONCE = 1000
RENEW_EVERY = timedelta(seconds=20)


@dataclass(slots=True)
class CallWorker:
    """Runs what is due; several processes may, for every move is settled in its WHERE clause."""

    units: Units
    calls: Calls
    sockets: Callable[[], set[str]]
    renewed_at: datetime | None = None

    async def run(self) -> None:
        """Work until cancelled; a failure is logged and the next round tries again."""
        while True:
            try:
                pause = await self.tick()
            except Exception:
                log.exception("crash", worker="calls")
                pause = LONGEST_SLEEP
            await asyncio.sleep(pause)

    async def tick(self) -> float:
        """Do what is due now; return for how many seconds nothing will be."""
        now = self.units.clock()
        await self._renew(now)
        async with self.units.database.reading() as session:
            stills = await queries.due_stills(session, now)
            lapsed = await queries.stale_calls(session, now)
        done = [await self._one(self.calls.miss_still, still_id) for still_id in stills]
        done += [await self._one(self.calls.lapse, call_id) for call_id in lapsed]
        return await self._pause() if all(done) else LONGEST_SLEEP

    async def _renew(self, now: datetime) -> None:
        if self.renewed_at is not None and abs(now - self.renewed_at) < RENEW_EVERY:
            return
        self.renewed_at = now
        sids = sorted(self.sockets())
        for start in range(0, len(sids), AT_ONCE):
            async with self.units.open() as unit:
                await queries.renew_seats(
                    unit.session, sids[start : start + AT_ONCE], unit.now + SEAT_LEASE
                )

    async def _one(self, verb: Callable[[Unit, str], Awaitable[None]], which: str) -> bool:
        """Do one due thing in a unit of its own, so that none stops the others; say if it went."""
        try:
            async with self.units.open() as unit:
                await verb(unit, which)
        except ServiceError as refused:
            log.warning("put off", worker="calls", verb=verb.__name__, code=refused.code)
            return False
        except Exception:
            log.exception("crash", worker="calls", verb=verb.__name__)
            return False
        return True

    async def _pause(self) -> float:
        async with self.units.database.reading() as session:
            due = await queries.next_due(session)
        if due is None:
            return LONGEST_SLEEP
        left = (due - self.units.clock()).total_seconds()
        return min(max(left, SHORTEST_SLEEP), LONGEST_SLEEP)

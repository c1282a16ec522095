"""The timers of calls: seats' leases and stills; everything due stands in the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from server.calls import queries
from server.calls.rules import SEAT_LEASE
from server.calls.service import Calls
from server.db.unit import Units
from server.errors import ServiceError

log = structlog.get_logger("kuayu.calls")
LONGEST_SLEEP = 1.0
SHORTEST_SLEEP = 0.05
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
            except asyncio.CancelledError:
                raise
            except ServiceError:
                # Someone else moved it first: there is nothing left to do for us.
                pause = SHORTEST_SLEEP
            except Exception:
                log.exception("crash", worker="calls")
                pause = LONGEST_SLEEP
            await asyncio.sleep(pause)

    async def tick(self) -> float:
        """Do what is due now; return for how many seconds nothing will be."""
        now = self.units.clock()
        if self.renewed_at is None or now - self.renewed_at >= RENEW_EVERY:
            self.renewed_at = now
            if sids := self.sockets():
                async with self.units.open() as unit:
                    await queries.renew_seats(unit.session, sids, unit.now + SEAT_LEASE)
        async with self.units.database.reading() as session:
            due = await queries.next_due(session)
        if due is None:
            return LONGEST_SLEEP
        if due > now:
            return min(max((due - now).total_seconds(), SHORTEST_SLEEP), LONGEST_SLEEP)
        async with self.units.open() as unit:
            await self.calls.run_timers(unit)
        return SHORTEST_SLEEP

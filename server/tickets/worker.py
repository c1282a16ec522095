"""The queue's timers: everything due stands in the database, so a restart loses none of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from server.db.unit import Unit, Units
from server.errors import ServiceError
from server.tickets import queries
from server.tickets.rules import LEASE_LASTS, RENEW_EVERY
from server.tickets.service import Tickets

log = structlog.get_logger("kuayu.tickets")
LONGEST_SLEEP = 1.0
SHORTEST_SLEEP = 0.05
AT_ONCE = 1000


@dataclass(slots=True)
class TicketWorker:
    """Runs what is due; several processes may, for every move is settled in its WHERE clause."""

    units: Units
    tickets: Tickets
    present: Callable[[], set[str]]
    renewed_at: datetime | None = None

    async def run(self) -> None:
        """Work until cancelled; a failure is logged and the next round tries again."""
        while True:
            try:
                pause = await self.tick()
            except Exception:
                log.exception("crash", worker="tickets")
                pause = LONGEST_SLEEP
            await asyncio.sleep(pause)

    async def tick(self) -> float:
        """Do what is due now; return for how many seconds nothing will be."""
        now = self.units.clock()
        await self._renew(now)
        async with self.units.database.reading() as session:
            offers = await queries.due_offers(session, now)
            gone = await queries.stale_agents(session, now)
            wrapped_up = await queries.wrapped_up_agents(session, now)
        done = [await self._one(self.tickets.miss, offer_id) for offer_id in offers]
        done += [await self._one(self.tickets.lapse, clerk_id) for clerk_id in gone]
        done += [await self._one(self.tickets.end_wrap_up, clerk_id) for clerk_id in wrapped_up]
        async with self.units.database.reading() as session:
            regions = [
                region
                for region in await queries.regions_to_match(session, now)
                if await self.tickets.pairs(session, region, now)
            ]
        done += [await self._one(self.tickets.match, region) for region in regions]
        return await self._pause() if all(done) else LONGEST_SLEEP

    async def _renew(self, now: datetime) -> None:
        if self.renewed_at is not None and abs(now - self.renewed_at) < RENEW_EVERY:
            return
        self.renewed_at = now
        present = sorted(self.present())
        for start in range(0, len(present), AT_ONCE):
            async with self.units.open() as unit:
                await queries.renew_leases(
                    unit.session, present[start : start + AT_ONCE], unit.now + LEASE_LASTS
                )

    async def _one(self, verb: Callable[[Unit, str], Awaitable[None]], which: str) -> bool:
        """Do one due thing in a unit of its own, so that none stops the others; say if it went."""
        try:
            async with self.units.open() as unit:
                await verb(unit, which)
        except ServiceError as refused:
            log.warning("put off", worker="tickets", verb=verb.__name__, code=refused.code)
            return False
        except Exception:
            log.exception("crash", worker="tickets", verb=verb.__name__)
            return False
        return True

    async def _pause(self) -> float:
        async with self.units.database.reading() as session:
            due = await queries.next_due(session)
        if due is None:
            return LONGEST_SLEEP
        left = (due - self.units.clock()).total_seconds()
        return min(max(left, SHORTEST_SLEEP), LONGEST_SLEEP)

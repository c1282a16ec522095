"""The timers of calls: seats' leases, invitations and stills, and once a day old device checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from server.calls import guest_queries, queries
from server.calls.device_checks import drop_old_checks
from server.calls.rules import SEAT_LEASE
from server.calls.service import Calls
from server.cases.rules import china_day
from server.db.timers import Timers
from server.db.unit import Unit


@dataclass
class CallWorker(Timers):
    """Closes what nobody answers and calls whose clerk is gone; moves calls off lost workers."""

    name = "calls"
    calls: Calls
    sockets: Callable[[], set[str]]
    checks_dropped_on: date | None = field(default=None, kw_only=True)

    async def carry_out(self, now: datetime) -> list[bool]:
        """Do what is due now."""
        async with self.units.database.reading() as session:
            stills = await queries.due_stills(session, now)
            lapsed = await queries.stale_calls(session, now)
            guests = await guest_queries.stale_guests(session, now)
            asked = await guest_queries.due_invitations(session, now)
            loose = await queries.loose_calls(session)
        done = [await self.one(self.calls.miss_still, still_id) for still_id in stills]
        done += [await self.one(self.calls.lapse, call_id) for call_id in lapsed]
        done += [await self.one(self.calls.lapse_guest, seat_id) for seat_id in guests]
        done += [await self.one(self.calls.miss_invitation, which) for which in asked]
        done += [await self.one(self.calls.settle, call_id) for call_id in loose]
        return [*done, await self._drop_old_checks(china_day(now))]

    async def _drop_old_checks(self, today: date) -> bool:
        if self.checks_dropped_on != today and await self.one(drop_old_checks, today.isoformat()):
            self.checks_dropped_on = today
        return self.checks_dropped_on == today

    def holders(self) -> set[str]:
        """Return this process's sockets."""
        return self.sockets()

    async def renew(self, unit: Unit, holders: Sequence[str]) -> None:
        """Let the seats of present sockets stay."""
        await queries.renew_seats(unit.session, holders, unit.now + SEAT_LEASE)

    async def next_due(self, session: AsyncSession) -> datetime | None:
        """Return when the next still or lease runs out."""
        return await queries.next_due(session)

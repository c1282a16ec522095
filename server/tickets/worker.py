"""The queue's timers: offers, wrap-ups, and the leases of agents and of counters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from server.db.timers import Timers
from server.db.unit import Unit
from server.tickets import agent_queries, presence_queries, queries
from server.tickets.presence import Presence
from server.tickets.rules import COUNTER_LEASE, LEASE_LASTS
from server.tickets.service import Tickets


@dataclass
class TicketWorker(Timers):
    """Passes unanswered offers on, ends wrap-ups, takes absent agents out, matches again.

    Tickets of counters that were left are paused before anything is matched.
    """

    name = "tickets"
    tickets: Tickets
    present: Callable[[], set[str]]

    async def carry_out(self, now: datetime) -> list[bool]:
        """Do what is due now."""
        async with self.units.database.reading() as session:
            offers = await queries.due_offers(session, now)
            gone = await agent_queries.stale_agents(session, now)
            wrapped_up = await agent_queries.wrapped_up_agents(session, now)
        done = [await self.one(self.tickets.miss, offer_id) for offer_id in offers]
        done += [await self.one(self.tickets.lapse, clerk_id) for clerk_id in gone]
        done += [await self.one(self.tickets.end_wrap_up, clerk_id) for clerk_id in wrapped_up]
        done += await self._look_at_counters(now)
        async with self.units.database.reading() as session:
            regions = [
                region
                for region in await queries.regions_to_match(session, now)
                if await self.tickets.pairs(session, region, now)
            ]
        return done + [await self.one(self.tickets.match, region) for region in regions]

    async def _look_at_counters(self, now: datetime) -> list[bool]:
        presence = Presence(self.tickets)
        async with self.units.database.reading() as session:
            changed = await presence_queries.changed(session, now)
        done = []
        for ticket in changed:
            if ticket.away_since is None:
                verb = presence.pause
            else:
                verb = presence.resume if ticket.present_until > now else presence.lapse
            done.append(await self.one(verb, ticket.id))
        return done

    def holders(self) -> set[str]:
        """Return the clerks with a socket on this process."""
        return self.present()

    async def renew(self, unit: Unit, holders: Sequence[str]) -> None:
        """Let present agents stay, and the tickets of present counters ring."""
        await agent_queries.renew_leases(unit.session, holders, unit.now + LEASE_LASTS)
        await presence_queries.renew_counters(unit.session, holders, unit.now + COUNTER_LEASE)

    async def next_due(self, session: AsyncSession) -> datetime | None:
        """Return when the next timer of the queue runs out."""
        found = await queries.next_due(session), await presence_queries.next_change(session)
        return min((moment for moment in found if moment is not None), default=None)

"""Tickets whose counter nobody is at: they keep their place and ring at nobody's."""

from __future__ import annotations

from dataclasses import dataclass

from server.cases.queries import state_before_line
from server.cases.record import Entry
from server.db.unit import Unit
from server.regions.rules import last_closing
from server.texts import COUNTER_LEFT
from server.tickets import presence_queries, queries
from server.tickets.models import Ticket
from server.tickets.service import Tickets


@dataclass(frozen=True, slots=True)
class Presence:
    """What becomes of a waiting ticket when the clerk who took it goes away, and comes back.

    The clerk has the call's seat, so it is the clerk who must be there: a facing screen that is
    left on overnight does not count. Each verb changes nothing if it is no longer true.
    """

    tickets: Tickets

    async def pause(self, unit: Unit, ticket_id: str) -> None:
        """Let a ticket ring no longer; it lapses with nobody back when the hall closes."""
        found = await self._begin(unit, ticket_id)
        if found is None:
            return
        entry, ticket = found
        hall = self.tickets.reader.catalogue.halls[entry.case.counter_hall]
        until = last_closing(hall, unit.now)
        if await presence_queries.pause(unit.session, ticket_id, unit.now, until):
            await entry.append("ticket.paused", {"ticket_id": ticket_id})
            await self._tell(unit, entry, ticket)

    async def resume(self, unit: Unit, ticket_id: str) -> None:
        """Let a ticket ring again, by the place it has had all the time."""
        found = await self._begin(unit, ticket_id)
        if found is None:
            return
        entry, ticket = found
        if await presence_queries.resume(unit.session, ticket_id, unit.now):
            await entry.append("ticket.resumed", {"ticket_id": ticket_id})
            await self.tickets.tell_board(unit, entry.case.counter_region)
            await self.tickets.offer_next(unit, ticket.region)

    async def lapse(self, unit: Unit, ticket_id: str) -> None:
        """Give up a ticket for which nobody came back; the case is as before it was taken."""
        found = await self._begin(unit, ticket_id)
        if found is None:
            return
        entry, ticket = found
        if await presence_queries.lapse(unit.session, ticket_id, unit.now):
            await self.tickets.leave_line(entry, ticket)
            entry.move(await state_before_line(unit.session, ticket.case_id))
            data = {"ticket_id": ticket_id}
            await entry.append("ticket.abandoned", data, private={"why": COUNTER_LEFT})
            await self._tell(unit, entry, ticket)

    async def _begin(self, unit: Unit, ticket_id: str) -> tuple[Entry, Ticket] | None:
        ticket = await queries.find_ticket(unit.session, ticket_id)
        if ticket is None:
            return None
        await self.tickets.lock_lines(unit, ticket.case_id)
        return await self.tickets.records.begin_as_service(unit, ticket.case_id), ticket

    async def _tell(self, unit: Unit, entry: Entry, ticket: Ticket) -> None:
        await self.tickets.tell_board(unit, entry.case.counter_region)
        await self.tickets.tell_line(unit, ticket.region)

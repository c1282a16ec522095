"""The verbs of the queue, and the moves that calls are made of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Action, Actor, Relation, Subject, authorize
from server.cases.models import Case
from server.cases.queries import find_case, state_before_line
from server.cases.record import Entry
from server.cases.rules import CaseState
from server.db.base import new_id
from server.db.unit import Unit
from server.errors import ServiceError
from server.items.rules import Owner
from server.items.service import refuse_unrecognised
from server.regions.service import refuse_closed
from server.rooms import clerk as clerk_room
from server.tickets import agent_queries, queries
from server.tickets import messages as wire
from server.tickets.line import Line
from server.tickets.models import Offer, Ticket, TicketPeriod
from server.tickets.rules import (
    COUNTER_LEASE,
    FREE_TO_CHOOSE,
    LEASE_LASTS,
    OFFER_LASTS,
    AgentState,
    IdleAgent,
    OfferState,
    TicketState,
    Waiting,
    pair,
    place_since,
    unknown_as,
)

RequireComplete = Callable[[AsyncSession, Case, Owner], Awaitable[None]]
INVITED = "invited"
ENGAGEABLE = (AgentState.READY, AgentState.OFFERED, AgentState.WRAP_UP)


@dataclass(frozen=True, slots=True)
class Tickets(Line):
    """Keeps the lines of all jurisdictions; each verb is one command in the unit it is given."""

    require_complete: RequireComplete

    async def lock_lines(self, unit: Unit, case_id: str) -> None:
        """Lock the lines of both halls of a case, before the case itself is locked."""
        case = await find_case(unit.session, case_id)
        if case is not None:
            await queries.lock_lines(unit.session, {case.jurisdiction, case.counter_region})

    async def take_ticket(self, unit: Unit, actor: Actor, case_id: str) -> wire.Ticket:
        """Put a complete case in its jurisdiction's line; a returned one keeps the day's place.

        Refuses certificate.unrecognised, hall.closed, materials.missing and case.incomplete
        before anyone has waited, and call.live while the call in which it was returned goes on.
        """
        await self.lock_lines(unit, case_id)
        entry = await self.records.begin(unit, actor, case_id, Action.TAKE_TICKET)
        case, catalogue = entry.case, self.reader.catalogue
        item = self.reader.item_of(case)
        refuse_unrecognised(catalogue, item, case.counter_region, case.jurisdiction)
        refuse_closed(catalogue, case.jurisdiction, unit.now)
        await self.require_complete(unit.session, entry.case, Owner.LOCAL)
        if await queries.live_ticket(unit.session, case_id) is not None:
            raise ServiceError("call.live")
        returned = entry.case.state is CaseState.RETURNED
        before = await queries.last_place(unit.session, case_id) if returned else None
        ticket = Ticket(
            id=new_id(),
            case_id=case_id,
            region=entry.case.jurisdiction,
            item_code=entry.case.item_code,
            state=TicketState.WAITING,
            priority=0,
            taken_at=place_since(before, unit.now),
            taken_by=actor.id,
            present_until=unit.now + COUNTER_LEASE,
        )
        unit.session.add(ticket)
        await unit.session.flush()
        unit.session.add(
            TicketPeriod(
                ticket_id=ticket.id, region=ticket.region, state=TicketState.WAITING,
                began_at=unit.now, who=actor.id,
            )
        )  # fmt: skip
        entry.move(CaseState.WAITING)
        await entry.append("ticket.taken", {"ticket_id": ticket.id})
        await self.tell_board(unit, entry.case.counter_region)
        await self.offer_next(unit, ticket.region)
        await unit.session.refresh(ticket)
        return await self.show(unit.session, ticket)

    async def abandon(self, unit: Unit, actor: Actor, ticket_id: str, reason: str) -> wire.Ticket:
        """Give a place up; the case is as before. Refuses ticket.gone once the place is no more."""
        ticket = await queries.find_ticket(unit.session, ticket_id)
        if ticket is None:
            raise ServiceError("ticket.unknown")
        await self.lock_lines(unit, ticket.case_id)
        with unknown_as("ticket.unknown"):
            entry = await self.records.begin(unit, actor, ticket.case_id, Action.ABANDON_TICKET)
        await self.leave_line(entry, ticket)
        entry.move(await state_before_line(unit.session, ticket.case_id))
        await entry.append("ticket.abandoned", {"ticket_id": ticket_id}, private={"why": reason})
        await self.tell_board(unit, entry.case.counter_region)
        await self.offer_next(unit, ticket.region)
        return await self.show(unit.session, ticket)

    async def leave_line(self, entry: Entry, ticket: Ticket) -> None:
        """Take a waiting or offered ticket out of its line; refuses ticket.gone."""
        unit = entry.unit
        gone = await queries.move_ticket(
            unit.session, ticket, queries.IN_LINE, TicketState.ABANDONED,
            who=entry.actor.id, now=unit.now,
        )  # fmt: skip
        if not gone:
            raise ServiceError("ticket.gone")
        offer = await queries.open_offer_for(unit.session, ticket.id)
        if offer is not None and await self._close(unit, offer, OfferState.WITHDRAWN):
            await self._free(unit, offer.clerk_id, AgentState.READY, "withdrawn")

    async def set_state(self, unit: Unit, actor: Actor, wanted: wire.StateWanted) -> wire.Agent:
        """Be ready, on break or offline; refuses agent.busy in an offer or a call."""
        authorize(actor, Action.SET_AGENT_STATE)
        await queries.lock_lines(unit.session, {actor.region})
        agent = await agent_queries.enlist(
            unit.session, actor, now=unit.now, until=unit.now + LEASE_LASTS
        )
        if agent.state is not wanted.state:
            moved = await agent_queries.move_agent(
                unit.session, actor.id, FREE_TO_CHOOSE, wanted.state,
                now=unit.now, why=wanted.reason or None,
            )  # fmt: skip
            if not moved:
                raise ServiceError("agent.busy")
            await self.tell_agent(unit, actor.id)
            await self.offer_next(unit, actor.region)
        return await self.show_agent(unit.session, actor, unit.now)

    async def decline(self, unit: Unit, actor: Actor, offer_id: str, reason: str) -> wire.Agent:
        """Turn an offer down; the ticket goes to the next agent, its place unchanged."""
        offer = await self.own_offer(unit.session, actor, offer_id)
        await queries.lock_lines(unit.session, {offer.region})
        if not await self._close(unit, offer, OfferState.DECLINED, reason=reason):
            raise ServiceError("offer.gone")
        await self._free(unit, actor.id, AgentState.READY, "declined")
        await self._pass_on(unit, offer, "offer.declined", reason, actor)
        return await self.show_agent(unit.session, actor, unit.now)

    async def own_offer(self, session: AsyncSession, actor: Actor, offer_id: str) -> Offer:
        """Return an offer to whom it was made; anyone else does not learn that it exists."""
        offer = await queries.find_offer(session, offer_id)
        own = offer is not None and offer.clerk_id == actor.id
        relations = frozenset({Relation.OWN}) if own else frozenset[Relation]()
        subject = Subject(relations=relations, state="", unknown="offer.unknown")
        authorize(actor, Action.ANSWER_OFFER, subject)
        if offer is None:
            raise ServiceError("offer.unknown")
        return offer

    async def accept(self, unit: Unit, actor: Actor, offer: Offer) -> Ticket:
        """Win the offer's ticket for the agent; refuses offer.gone if it ran out or was taken.

        The caller has locked the case's lines.
        """
        closed = await self._close(unit, offer, OfferState.ACCEPTED, before=unit.now)
        ticket = await queries.find_ticket(unit.session, offer.ticket_id) if closed else None
        served = ticket is not None and await queries.move_ticket(
            unit.session, ticket, [TicketState.OFFERED], TicketState.SERVING,
            who=actor.id, now=unit.now,
        )  # fmt: skip
        if ticket is None or not served:
            raise ServiceError("offer.gone")
        await agent_queries.move_agent(
            unit.session, actor.id, [AgentState.OFFERED], AgentState.ON_CALL,
            now=unit.now, why="accepted",
        )  # fmt: skip
        await self.tell_agent(unit, actor.id)
        await self.tell_line(unit, ticket.region)
        return ticket

    async def put_back(self, unit: Unit, ticket: Ticket, who: str) -> None:
        """Put a served ticket back in its line with the place it had."""
        await queries.move_ticket(
            unit.session, ticket, [TicketState.SERVING], TicketState.WAITING, who=who, now=unit.now
        )

    async def finish(self, unit: Unit, ticket: Ticket, who: str) -> None:
        """End a served ticket."""
        await queries.move_ticket(
            unit.session, ticket, [TicketState.SERVING], TicketState.DONE, who=who, now=unit.now
        )

    async def engage(self, unit: Unit, clerk_id: str) -> None:
        """Offer nothing to a counter clerk, who may be an agent too, while they are in a call."""
        offer = await queries.open_offer_of(unit.session, clerk_id)
        if offer is not None and await self._close(unit, offer, OfferState.WITHDRAWN):
            ticket = await queries.find_ticket(unit.session, offer.ticket_id)
            if ticket is not None:
                await queries.move_ticket(
                    unit.session, ticket, [TicketState.OFFERED], TicketState.WAITING,
                    who=clerk_id, now=unit.now,
                )  # fmt: skip
            await self.offer_next(unit, offer.region)
        engaged = await agent_queries.move_agent(
            unit.session, clerk_id, ENGAGEABLE, AgentState.ON_CALL, now=unit.now, why="own_case"
        )
        if engaged:
            await self.tell_agent(unit, clerk_id)

    async def hold(self, unit: Unit, clerk_id: str) -> bool:
        """Put nothing before a ready agent who is asked into a call; say whether they are ready."""
        held = await agent_queries.move_agent(
            unit.session, clerk_id, [AgentState.READY], AgentState.OFFERED,
            now=unit.now, why=INVITED,
        )  # fmt: skip
        if held:
            await self.tell_agent(unit, clerk_id)
        return held

    async def unhold(self, unit: Unit, clerk_id: str, target: AgentState, why: str) -> None:
        """Free an agent who does not come into the call; theirs may be offers again."""
        await self._free(unit, clerk_id, target, why, because=INVITED)

    async def advise(self, unit: Unit, clerk_id: str) -> bool:
        """Have an agent who was asked be in the call; say whether they were free to come."""
        moved = await agent_queries.move_agent(
            unit.session, clerk_id, [AgentState.OFFERED], AgentState.ON_CALL,
            now=unit.now, why="advising", because=INVITED,
        )  # fmt: skip
        if moved:
            await self.tell_agent(unit, clerk_id)
        return moved

    async def release(self, unit: Unit, clerk_id: str) -> None:
        """Make a clerk ready again who was an agent before a call that is not their own to tidy."""
        released = await agent_queries.move_agent(
            unit.session, clerk_id, [AgentState.ON_CALL], AgentState.READY,
            now=unit.now, why="call_ended",
        )  # fmt: skip
        if released:
            await self.tell_agent(unit, clerk_id)

    async def wrap_up(self, unit: Unit, clerk_id: str, until: datetime) -> None:
        """Give an agent time for the paper work after a call."""
        wrapping = await agent_queries.move_agent(
            unit.session, clerk_id, [AgentState.ON_CALL], AgentState.WRAP_UP,
            now=unit.now, why="call_ended", wrap_up_until=until,
        )  # fmt: skip
        if wrapping:
            await self.tell_agent(unit, clerk_id)

    async def offer_next(self, unit: Unit, region: str) -> None:
        """Offer every waiting ticket of a region, oldest place first, while agents are ready.

        The caller has locked the region's line, and changed it: everyone is told.
        """
        for ticket_id, clerk_id in await self.pairs(unit.session, region, unit.now):
            await self._offer(unit, ticket_id, clerk_id)
        await self.tell_line(unit, region)

    async def pairs(
        self, session: AsyncSession, region: str, now: datetime
    ) -> list[tuple[str, str]]:
        """Return which tickets of a region are to be offered now, and to whom."""
        rows = await agent_queries.ready_agents(session, region, now)
        if not rows:
            return []
        idle = [IdleAgent(row.clerk_id, frozenset(row.items), row.idle_since) for row in rows]
        refusals = await queries.refusals_in(session, region)
        line = [
            Waiting(ticket.id, ticket.item_code, ticket.taken_by, refusals.get(ticket.id, {}))
            for ticket in await queries.waiting_line(session, region)
            if ticket.state is TicketState.WAITING
            and ticket.away_since is None
            and ticket.present_until > now
        ]
        return pair(line, idle, await agent_queries.busy_clerks(session, region), now)

    async def _offer(self, unit: Unit, ticket_id: str, clerk_id: str) -> None:
        ticket = await queries.find_ticket(unit.session, ticket_id)
        asked = ticket is not None and await agent_queries.move_agent(
            unit.session, clerk_id, [AgentState.READY], AgentState.OFFERED,
            now=unit.now, why="offered",
        )  # fmt: skip
        if ticket is None or not asked:
            return
        offered = await queries.move_ticket(
            unit.session, ticket, [TicketState.WAITING], TicketState.OFFERED,
            who=clerk_id, now=unit.now,
        )  # fmt: skip
        if not offered:
            await self._free(unit, clerk_id, AgentState.READY, "withdrawn")
            return
        offer = Offer(
            id=new_id(),
            ticket_id=ticket.id,
            case_id=ticket.case_id,
            region=ticket.region,
            clerk_id=clerk_id,
            made_at=unit.now,
            expires_at=unit.now + OFFER_LASTS,
            state=OfferState.OPEN,
        )
        unit.session.add(offer)
        entry = await self.records.begin_as_service(unit, ticket.case_id)
        await entry.append("offer.made", {"offer_id": offer.id, "clerk_id": clerk_id})
        shown = await self.show_offer(unit.session, offer, unit.now)
        unit.notify(clerk_room(clerk_id), "offer.made", shown.model_dump(mode="json"))
        await self.tell_agent(unit, clerk_id)

    async def _pass_on(
        self, unit: Unit, offer: Offer, kind: str, reason: str, actor: Actor | None
    ) -> None:
        """Put the ticket of an offer that came to nothing back in its place, and offer it on."""
        ticket = await queries.find_ticket(unit.session, offer.ticket_id)
        if ticket is not None:
            await queries.move_ticket(
                unit.session, ticket, [TicketState.OFFERED], TicketState.WAITING,
                who=offer.clerk_id, now=unit.now,
            )  # fmt: skip
        entry = await self.records.begin_as_service(unit, offer.case_id)
        if actor is not None:
            entry.actor = actor
        data = {"offer_id": offer.id, "clerk_id": offer.clerk_id}
        await entry.append(kind, data, private={"reason": reason})
        await self.offer_next(unit, offer.region)

    async def _close(
        self, unit: Unit, offer: Offer, how: OfferState, *, reason: str | None = None,
        before: datetime | None = None, after: datetime | None = None,
    ) -> bool:  # fmt: skip
        closed = await queries.close_offer(
            unit.session, offer.id, how, now=unit.now, reason=reason, before=before, after=after
        )
        if closed:
            news = {"id": offer.id, "why": how.value}
            unit.notify(clerk_room(offer.clerk_id), "offer.closed", news)
        return closed

    async def _free(
        self, unit: Unit, clerk_id: str, target: AgentState, why: str, *,
        because: str | None = None,
    ) -> None:  # fmt: skip
        await agent_queries.move_agent(
            unit.session, clerk_id, [AgentState.OFFERED], target,
            now=unit.now, why=why, because=because,
        )  # fmt: skip
        await self.tell_agent(unit, clerk_id)

    async def miss(self, unit: Unit, offer_id: str) -> None:
        """Pass on an offer that nobody answered in time; who let it ring is on break."""
        offer = await queries.find_offer(unit.session, offer_id)
        if offer is None:
            return
        await queries.lock_lines(unit.session, {offer.region})
        if await self._close(unit, offer, OfferState.MISSED, after=unit.now):
            await self._free(unit, offer.clerk_id, AgentState.BREAK, "missed")
            await self._pass_on(unit, offer, "offer.missed", "no_answer", None)

    async def lapse(self, unit: Unit, clerk_id: str) -> None:
        """Take an agent offline whose lease ran out; what was put before them is passed on."""
        agent = await agent_queries.find_agent(unit.session, clerk_id)
        if agent is None:
            return
        await queries.lock_lines(unit.session, {agent.region})
        offer = await queries.open_offer_of(unit.session, clerk_id)
        if not await agent_queries.lapse_agent(unit.session, clerk_id, unit.now):
            return
        await self.tell_agent(unit, clerk_id)
        if offer is not None and await self._close(unit, offer, OfferState.MISSED):
            await self._pass_on(unit, offer, "offer.missed", "gone", None)
        else:
            await self.tell_line(unit, agent.region)

    async def end_wrap_up(self, unit: Unit, clerk_id: str) -> None:
        """Make an agent ready whose time for paper work is over."""
        agent = await agent_queries.find_agent(unit.session, clerk_id)
        if agent is None:
            return
        await queries.lock_lines(unit.session, {agent.region})
        if await agent_queries.end_wrap_up(unit.session, clerk_id, unit.now):
            await self.tell_agent(unit, clerk_id)
            await self.offer_next(unit, agent.region)

    async def match(self, unit: Unit, region: str) -> None:
        """Offer what may be offered in a region now, such as a ticket that may ring again."""
        await queries.lock_lines(unit.session, {region})
        if await self.pairs(unit.session, region, unit.now):
            await self.offer_next(unit, region)

"""The verbs of the queue, and the moves that calls are made of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Action, Actor, Relation, Subject, authorize
from server.cases.models import Case
from server.cases.queries import find_case
from server.cases.reading import Reader
from server.cases.record import Entry, Records
from server.cases.rules import CaseState
from server.db.base import new_id
from server.db.unit import Unit
from server.errors import ServiceError
from server.items.rules import Owner
from server.rooms import board as board_room
from server.rooms import case as case_room
from server.rooms import clerk as clerk_room
from server.rooms import queue as queue_room
from server.tickets import messages as wire
from server.tickets import queries
from server.tickets.models import Agent, Offer, Ticket, TicketPeriod
from server.tickets.rules import (
    FREE_TO_CHOOSE,
    LEASE_LASTS,
    OFFER_LASTS,
    AgentState,
    IdleAgent,
    OfferState,
    TicketState,
    choose_agent,
    estimate_wait,
)

RequireComplete = Callable[[AsyncSession, Case, Owner], Awaitable[None]]
AT_WORK = (AgentState.READY, AgentState.OFFERED, AgentState.ON_CALL, AgentState.WRAP_UP)


@dataclass(frozen=True, slots=True)
class Tickets:
    """Keeps the lines of all jurisdictions; each verb is one command in the unit it is given."""

    records: Records
    reader: Reader
    require_complete: RequireComplete

    async def take_ticket(self, unit: Unit, actor: Actor, case_id: str) -> wire.Ticket:
        """Put a complete case in its jurisdiction's line.

        Refuses materials.missing and case.incomplete before anyone has waited.
        """
        entry = await self.records.begin(unit, actor, case_id, Action.TAKE_TICKET)
        await self.require_complete(unit.session, entry.case, Owner.LOCAL)
        ticket = Ticket(
            id=new_id(),
            case_id=case_id,
            region=entry.case.jurisdiction,
            item_code=entry.case.item_code,
            state=TicketState.WAITING,
            priority=0,
            taken_at=unit.now,
            taken_by=actor.id,
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
        await self.offer_next(unit, ticket.region)
        await unit.session.refresh(ticket)
        return await self.show(unit.session, ticket)

    async def abandon(self, unit: Unit, actor: Actor, ticket_id: str, reason: str) -> wire.Ticket:
        """Give a place up; the case is a draft again."""
        ticket = await queries.find_ticket(unit.session, ticket_id)
        if ticket is None:
            raise ServiceError("ticket.unknown")
        entry = await self.records.begin(unit, actor, ticket.case_id, Action.ABANDON_TICKET)
        await self.leave_line(entry, ticket)
        entry.move(CaseState.DRAFT)
        await entry.append("ticket.abandoned", {"ticket_id": ticket_id}, private={"why": reason})
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
        if offer is not None:
            await self._close(unit, offer, OfferState.WITHDRAWN)
            await self._free(unit, offer.clerk_id, AgentState.READY)

    async def set_state(self, unit: Unit, actor: Actor, wanted: wire.StateWanted) -> wire.Agent:
        """Be ready, on break or offline; refuses agent.busy in an offer or a call."""
        authorize(actor, Action.SET_AGENT_STATE)
        agent = await queries.find_agent(unit.session, actor.id)
        if agent is None:
            agent = Agent(
                clerk_id=actor.id, name=actor.name, region=actor.region, hall=actor.hall,
                items=sorted(actor.items), state=AgentState.OFFLINE, since=unit.now,
                idle_since=unit.now, lease_until=unit.now,
            )  # fmt: skip
            unit.session.add(agent)
            await unit.session.flush()
        agent.items, agent.name = sorted(actor.items), actor.name
        agent.region, agent.hall = actor.region, actor.hall
        agent.lease_until = unit.now + LEASE_LASTS
        if agent.state is not wanted.state:
            moved = await queries.move_agent(
                unit.session, actor.id, FREE_TO_CHOOSE, wanted.state,
                now=unit.now, why=wanted.reason or None,
            )  # fmt: skip
            if not moved:
                raise ServiceError("agent.busy")
            await self._tell_agent(unit, actor.id)
            await self.offer_next(unit, actor.region)
        return await self.show_agent(unit.session, actor, unit.now)

    async def decline(self, unit: Unit, actor: Actor, offer_id: str, reason: str) -> wire.Agent:
        """Turn an offer down; the ticket goes to the next agent, its place unchanged."""
        offer = await self.own_offer(unit.session, actor, offer_id)
        await self._turn_down(unit, offer, OfferState.DECLINED, AgentState.READY, reason)
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
        """Win the offer's ticket for the agent; refuses offer.gone if it ran out or was taken."""
        ticket = await queries.find_ticket(unit.session, offer.ticket_id)
        won = ticket is not None and await queries.close_offer(
            unit.session, offer.id, OfferState.ACCEPTED,
            now=unit.now, before=unit.now, clerk_id=actor.id,
        )  # fmt: skip
        served = won and ticket is not None and await queries.move_ticket(
            unit.session, ticket, [TicketState.OFFERED], TicketState.SERVING,
            who=actor.id, now=unit.now,
        )  # fmt: skip
        if ticket is None or not served:
            raise ServiceError("offer.gone")
        await queries.move_agent(
            unit.session, actor.id, [AgentState.OFFERED], AgentState.ON_CALL, now=unit.now
        )
        unit.notify(clerk_room(actor.id), "offer.closed", {"id": offer.id, "why": "accepted"})
        await self._tell_agent(unit, actor.id)
        await self._tell_line(unit, ticket.region)
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

    async def wrap_up(self, unit: Unit, clerk_id: str, until: datetime) -> None:
        """Give an agent time for the paper work after a call."""
        await queries.move_agent(
            unit.session, clerk_id, [AgentState.ON_CALL], AgentState.WRAP_UP,
            now=unit.now, wrap_up_until=until,
        )  # fmt: skip
        await self._tell_agent(unit, clerk_id)

    async def offer_next(self, unit: Unit, region: str) -> None:
        """Offer every waiting ticket of a region, oldest place first, while agents are ready."""
        rows = await queries.ready_agents(unit.session, region, unit.now)
        idle = [IdleAgent(row.clerk_id, frozenset(row.items), row.idle_since) for row in rows]
        for ticket in await queries.waiting_line(unit.session, region):
            if not idle:
                break
            if ticket.state is not TicketState.WAITING:
                continue
            turned_down = await queries.turned_down_by(unit.session, ticket.id)
            chosen = choose_agent(ticket.item_code, idle, turned_down)
            if chosen is not None and await self._offer(unit, ticket, chosen):
                idle.remove(chosen)
        await self._tell_line(unit, region)

    async def _offer(self, unit: Unit, ticket: Ticket, agent: IdleAgent) -> bool:
        taken = await queries.move_agent(
            unit.session, agent.clerk_id, [AgentState.READY], AgentState.OFFERED, now=unit.now
        )
        if not taken:
            return False
        offered = await queries.move_ticket(
            unit.session, ticket, [TicketState.WAITING], TicketState.OFFERED,
            who=agent.clerk_id, now=unit.now,
        )  # fmt: skip
        if not offered:
            await self._free(unit, agent.clerk_id, AgentState.READY)
            return False
        offer = Offer(
            id=new_id(),
            ticket_id=ticket.id,
            case_id=ticket.case_id,
            region=ticket.region,
            clerk_id=agent.clerk_id,
            made_at=unit.now,
            expires_at=unit.now + OFFER_LASTS,
            state=OfferState.OPEN,
        )
        unit.session.add(offer)
        entry = await self.records.begin_as_service(unit, ticket.case_id)
        await entry.append("offer.made", {"offer_id": offer.id, "clerk_id": agent.clerk_id})
        shown = await self.show_offer(unit.session, offer, unit.now)
        unit.notify(clerk_room(agent.clerk_id), "offer.made", shown.model_dump(mode="json"))
        await self._tell_agent(unit, agent.clerk_id)
        return True

    async def _turn_down(
        self, unit: Unit, offer: Offer, how: OfferState, then: AgentState, reason: str
    ) -> None:
        """Close an offer that came to nothing and put the ticket before the next agent."""
        if not await self._close(unit, offer, how, reason):
            raise ServiceError("offer.gone")
        ticket = await queries.find_ticket(unit.session, offer.ticket_id)
        if ticket is not None:
            await queries.move_ticket(
                unit.session, ticket, [TicketState.OFFERED], TicketState.WAITING,
                who=offer.clerk_id, now=unit.now,
            )  # fmt: skip
        entry = await self.records.begin_as_service(unit, offer.case_id)
        data = {"offer_id": offer.id, "clerk_id": offer.clerk_id}
        await entry.append(f"offer.{how.value}", data, private={"reason": reason})
        await self._free(unit, offer.clerk_id, then, why=how.value)
        await self.offer_next(unit, offer.region)

    async def _close(
        self, unit: Unit, offer: Offer, how: OfferState, reason: str | None = None
    ) -> bool:
        closed = await queries.close_offer(unit.session, offer.id, how, now=unit.now, reason=reason)
        if closed:
            news = {"id": offer.id, "why": how.value}
            unit.notify(clerk_room(offer.clerk_id), "offer.closed", news)
        return closed

    async def _free(
        self, unit: Unit, clerk_id: str, target: AgentState, why: str | None = None
    ) -> None:
        await queries.move_agent(
            unit.session, clerk_id, [AgentState.OFFERED], target, now=unit.now, why=why
        )
        await self._tell_agent(unit, clerk_id)

    async def run_timers(self, unit: Unit) -> None:
        """Do what is due: offers not answered, wrap-ups that are over, agents that are gone."""
        for offer in await queries.due_offers(unit.session, unit.now):
            await self._turn_down(unit, offer, OfferState.MISSED, AgentState.BREAK, "")
        for agent in await queries.stale_agents(unit.session, unit.now):
            offered = await queries.open_offer_of(unit.session, agent.clerk_id)
            if offered is not None:
                await self._turn_down(unit, offered, OfferState.MISSED, AgentState.OFFLINE, "")
            gone = await queries.move_agent(
                unit.session, agent.clerk_id, FREE_TO_CHOOSE, AgentState.OFFLINE,
                now=unit.now, why="gone",
            )  # fmt: skip
            if gone:
                await self._tell_agent(unit, agent.clerk_id)
                await self._tell_line(unit, agent.region)
        for agent in await queries.wrapped_up_agents(unit.session, unit.now):
            await queries.move_agent(
                unit.session, agent.clerk_id, [AgentState.WRAP_UP], AgentState.READY, now=unit.now
            )
            await self._tell_agent(unit, agent.clerk_id)
            await self.offer_next(unit, agent.region)

    async def show(self, session: AsyncSession, ticket: Ticket) -> wire.Ticket:
        """Return a ticket with its place and likely wait."""
        position = await queries.position_of(session, ticket)
        at_work = await queries.count_agents(session, ticket.region, AT_WORK)
        ready = await queries.count_agents(session, ticket.region, [AgentState.READY])
        seconds = await queries.serving_seconds(session, ticket.region)
        if seconds is None:
            item = self.reader.items.current(ticket.item_code)
            seconds = item.promised_minutes * 60
        ahead = max(position - 1, 0)
        return wire.Ticket(
            id=ticket.id,
            case_id=ticket.case_id,
            state=ticket.state,
            position=position,
            estimated_wait_seconds=estimate_wait(ahead, at_work, seconds),
            taken_at=ticket.taken_at,
            agents_ready=ready,
        )

    async def show_offer(self, session: AsyncSession, offer: Offer, now: datetime) -> wire.Offer:
        """Return an offer as the agent sees it: never the applicant."""
        case = await find_case(session, offer.case_id)
        ticket = await queries.find_ticket(session, offer.ticket_id)
        if case is None or ticket is None:
            raise ServiceError("offer.unknown")
        return wire.Offer(
            id=offer.id,
            ticket_id=offer.ticket_id,
            case_id=offer.case_id,
            number=case.number,
            item_name=self.reader.item_of(case).name,
            from_hall_name=self.reader.catalogue.halls[case.counter_hall].name,
            waited_seconds=int((now - ticket.taken_at).total_seconds()),
            made_at=offer.made_at,
            expires_at=offer.expires_at,
        )

    async def show_agent(
        self, session: AsyncSession, actor: Actor, now: datetime, call_id: str | None = None
    ) -> wire.Agent:
        """Return an agent's own standing, with the offer that rings."""
        agent = await queries.find_agent(session, actor.id)
        if agent is None:
            return wire.Agent(state=AgentState.OFFLINE, since=None)
        offer = await queries.open_offer_of(session, actor.id)
        shown = None if offer is None else await self.show_offer(session, offer, now)
        return wire.Agent(
            state=agent.state,
            since=agent.since,
            why=agent.why,
            wrap_up_until=agent.wrap_up_until,
            offer=shown,
            call_id=call_id,
        )

    async def show_queue(self, session: AsyncSession, region: str) -> wire.Queue:
        """Return a jurisdiction's line as a snapshot."""
        version = await queries.current_version(session, region)
        rows = []
        for place, ticket in enumerate(await queries.waiting_line(session, region), start=1):
            case = await find_case(session, ticket.case_id)
            if case is not None:
                rows.append(
                    wire.QueueRow(
                        ticket_id=ticket.id,
                        case_id=ticket.case_id,
                        number=case.number,
                        item_name=self.reader.item_of(case).name,
                        from_hall_name=self.reader.catalogue.halls[case.counter_hall].name,
                        taken_at=ticket.taken_at,
                        state=ticket.state,
                        position=place,
                    )
                )
        ready = await queries.count_agents(session, region, [AgentState.READY])
        return wire.Queue(region=region, version=version, waiting=rows, agents_ready=ready)

    async def _tell_agent(self, unit: Unit, clerk_id: str) -> None:
        agent = await queries.find_agent(unit.session, clerk_id)
        if agent is not None:
            news = {
                "state": agent.state.value, "since": agent.since.isoformat(), "why": agent.why,
            }  # fmt: skip
            unit.notify(clerk_room(clerk_id), "agent.changed", news)

    async def _tell_line(self, unit: Unit, region: str) -> None:
        """Tell a region's staff that the line changed, and each waiting counter its place."""
        news = {"region": region, "version": await queries.next_version(unit.session, region)}
        unit.notify(queue_room(region), "queue.changed", news)
        unit.notify(board_room(region), "board.changed", news)
        for ticket in await queries.waiting_line(unit.session, region):
            shown = await self.show(unit.session, ticket)
            place = {
                "case_id": ticket.case_id, "ticket_id": ticket.id, "state": ticket.state.value,
                "position": shown.position,
                "estimated_wait_seconds": shown.estimated_wait_seconds,
            }  # fmt: skip
            unit.notify(case_room(ticket.case_id), "ticket.moved", place)

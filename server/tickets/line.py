"""What is seen of the queue, and who is told when it changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Actor
from server.cases.queries import find_case
from server.cases.reading import Reader
from server.cases.record import Records
from server.db.unit import Unit
from server.errors import ServiceError
from server.rooms import boards
from server.rooms import case as case_room
from server.rooms import clerk as clerk_room
from server.rooms import queue as queue_room
from server.tickets import agent_queries, queries
from server.tickets import messages as wire
from server.tickets.models import Offer, Ticket
from server.tickets.rules import AgentState, estimate_wait

AT_WORK = (AgentState.READY, AgentState.OFFERED, AgentState.ON_CALL, AgentState.WRAP_UP)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a region's line moves; `serving_seconds` is None before its first call."""

    at_work: int
    ready: int
    serving_seconds: float | None


@dataclass(frozen=True, slots=True)
class Line:
    """Reads the lines of all jurisdictions and tells who waits in them, and who works on them."""

    records: Records
    reader: Reader

    async def show(self, session: AsyncSession, ticket: Ticket) -> wire.Ticket:
        """Return a ticket with its place and likely wait."""
        position = await queries.position_of(session, ticket)
        return self._shown(ticket, position, await self._pace(session, ticket.region))

    async def _pace(self, session: AsyncSession, region: str) -> Pace:
        return Pace(
            at_work=await agent_queries.count_agents(session, region, AT_WORK),
            ready=await agent_queries.count_agents(session, region, [AgentState.READY]),
            serving_seconds=await queries.serving_seconds(session, region),
        )

    def _shown(self, ticket: Ticket, position: int, pace: Pace) -> wire.Ticket:
        seconds = pace.serving_seconds
        if seconds is None:
            seconds = self.reader.items.current(ticket.item_code).promised_minutes * 60
        ahead = max(position - 1, 0)
        return wire.Ticket(
            id=ticket.id,
            case_id=ticket.case_id,
            state=ticket.state,
            position=position,
            estimated_wait_seconds=estimate_wait(ahead, pace.at_work, seconds),
            taken_at=ticket.taken_at,
            away=ticket.away_since is not None,
            agents_ready=pace.ready,
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
        agent = await agent_queries.find_agent(session, actor.id)
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
        for place, ticket in _numbered(await queries.waiting_line(session, region)):
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
                        away=ticket.away_since is not None,
                    )
                )
        ready = await agent_queries.count_agents(session, region, [AgentState.READY])
        return wire.Queue(region=region, version=version, waiting=rows, agents_ready=ready)

    async def tell_agent(self, unit: Unit, clerk_id: str) -> None:
        """Tell a clerk what they are to the queue now."""
        agent = await agent_queries.find_agent(unit.session, clerk_id)
        if agent is not None:
            news = {
                "state": agent.state.value, "since": agent.since.isoformat(), "why": agent.why,
            }  # fmt: skip
            unit.notify(clerk_room(clerk_id), "agent.changed", news)

    async def tell_board(self, unit: Unit, *regions: str) -> None:
        """Tell the supervisors of these regions, whose lines the caller has locked."""
        for region in sorted(set(regions)):
            version = await queries.next_version(unit.session, region)
            self._tell_boards(unit, {"region": region, "version": version})

    def _tell_boards(self, unit: Unit, news: dict[str, object]) -> None:
        for room in sorted(boards(str(news["region"]))):
            unit.notify(room, "board.changed", news)

    async def tell_line(self, unit: Unit, region: str) -> None:
        """Tell a region's staff that the line changed, and each waiting counter its place."""
        version = await queries.next_version(unit.session, region)
        news: dict[str, object] = {"region": region, "version": version}
        unit.notify(queue_room(region), "queue.changed", news)
        self._tell_boards(unit, news)
        line = await queries.waiting_line(unit.session, region)
        if not line:
            return
        pace = await self._pace(unit.session, region)
        for position, ticket in _numbered(line):
            shown = self._shown(ticket, position, pace)
            place = {
                "case_id": ticket.case_id, "ticket_id": ticket.id, "state": ticket.state.value,
                "position": position, "away": shown.away,
                "estimated_wait_seconds": shown.estimated_wait_seconds,
            }  # fmt: skip
            unit.notify(case_room(ticket.case_id), "ticket.moved", place)


def _numbered(line: Iterable[Ticket]) -> Iterator[tuple[int, Ticket]]:
    """Return each ticket of a line with its place, as `queries.position_of` counts it."""
    place = 1
    for ticket in line:
        yield place, ticket
        if ticket.away_since is None:
            place += 1

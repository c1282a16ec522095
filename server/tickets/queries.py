"""Every SQL statement on the queue. Races are settled in the WHERE clauses."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import and_, case, func, literal, or_, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from server.db.base import UtcTime
from server.db.insert import insert_for
from server.errors import ServiceError
from server.tickets.models import Agent, Offer, QueueVersion, Ticket, TicketPeriod
from server.tickets.rules import AgentState, OfferState, Refusals, TicketState

IN_LINE = (TicketState.WAITING, TicketState.OFFERED)
LIVE = (*IN_LINE, TicketState.SERVING)
RECENT = 20
LONGEST_LINE = 500
LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's SQLSTATE


async def find_ticket(session: AsyncSession, ticket_id: str) -> Ticket | None:
    """Return a ticket as it is now."""
    return await session.get(Ticket, ticket_id, populate_existing=True)


async def live_ticket(session: AsyncSession, case_id: str) -> Ticket | None:
    """Return the case's ticket that is waiting, offered or being served."""
    statement = select(Ticket).where(Ticket.case_id == case_id, Ticket.state.in_(LIVE))
    return (
        await session.scalars(statement, execution_options={"populate_existing": True})
    ).one_or_none()


async def last_place(session: AsyncSession, case_id: str) -> datetime | None:
    """Return when the place of the case's last served ticket was taken."""
    served = (Ticket.case_id == case_id, Ticket.state == TicketState.DONE)
    return await session.scalar(select(func.max(Ticket.taken_at)).where(*served))


async def move_ticket(
    session: AsyncSession, ticket: Ticket, current: Collection[TicketState], target: TicketState,
    *, who: str, now: datetime,
) -> bool:  # fmt: skip
    """Move a ticket on, unless someone else already has; say whether we did.

    The state is part of the WHERE clause: of two agents who accept at once, the database lets
    one through.
    """
    moved = update(Ticket).where(Ticket.id == ticket.id, Ticket.state.in_(current))
    row = await session.execute(moved.values(state=target).returning(Ticket.id))
    if row.one_or_none() is None:
        return False
    await close_period(session, ticket.id, now)
    session.add(
        TicketPeriod(
            ticket_id=ticket.id, region=ticket.region, state=target, began_at=now, who=who,
            ended_at=now if target in {TicketState.DONE, TicketState.ABANDONED} else None,
        )
    )  # fmt: skip
    await session.flush()
    await session.refresh(ticket)
    return True


async def close_period(session: AsyncSession, ticket_id: str, now: datetime) -> None:
    """End the ticket's running interval; it never ends before it began, whatever the clock did."""
    end = case((TicketPeriod.began_at > now, TicketPeriod.began_at), else_=literal(now, UtcTime()))
    await session.execute(
        update(TicketPeriod)
        .where(TicketPeriod.ticket_id == ticket_id, TicketPeriod.ended_at.is_(None))
        .values(ended_at=end)
        .execution_options(synchronize_session=False)
    )


async def waiting_line(session: AsyncSession, region: str) -> Sequence[Ticket]:
    """Return a jurisdiction's line, the next to be offered first."""
    statement = (
        select(Ticket)
        .where(Ticket.region == region, Ticket.state.in_(IN_LINE))
        .order_by(Ticket.priority.desc(), Ticket.taken_at, Ticket.id)
        .limit(LONGEST_LINE)
    )
    return (await session.scalars(statement, execution_options={"populate_existing": True})).all()


async def position_of(session: AsyncSession, ticket: Ticket) -> int:
    """Return a ticket's place, 1 for the next, 0 once in no line; paused ones do not count."""
    if ticket.state not in IN_LINE:
        return 0
    before = or_(
        Ticket.priority > ticket.priority,
        and_(Ticket.priority == ticket.priority, Ticket.taken_at < ticket.taken_at),
        and_(
            Ticket.priority == ticket.priority,
            Ticket.taken_at == ticket.taken_at,
            Ticket.id < ticket.id,
        ),
    )
    statement = select(func.count()).where(
        Ticket.region == ticket.region,
        Ticket.state.in_(IN_LINE),
        Ticket.away_since.is_(None),
        before,
    )
    return (await session.execute(statement)).scalar_one() + 1


async def serving_seconds(session: AsyncSession, region: str) -> float | None:
    """Return how long a region's last calls took on average, in seconds; None without any."""
    statement = (
        select(TicketPeriod.began_at, TicketPeriod.ended_at)
        .where(
            TicketPeriod.region == region,
            TicketPeriod.state == TicketState.SERVING,
            TicketPeriod.ended_at.is_not(None),
        )
        .order_by(TicketPeriod.began_at.desc())
        .limit(RECENT)
    )
    rows = (await session.execute(statement)).all()
    if not rows:
        return None
    seconds = [float((row.ended_at - row.began_at).total_seconds()) for row in rows]
    return sum(seconds) / len(seconds)


async def regions_to_match(session: AsyncSession, now: datetime) -> Sequence[str]:
    """Return the regions in which tickets wait, not paused, and agents are ready."""
    statement = (
        select(Ticket.region)
        .distinct()
        .join(Agent, Agent.region == Ticket.region)
        .where(
            Ticket.state == TicketState.WAITING,
            Ticket.away_since.is_(None),
            Agent.state == AgentState.READY,
            Agent.lease_until > now,
        )
        .order_by(Ticket.region)
    )
    return (await session.scalars(statement)).all()


async def find_offer(session: AsyncSession, offer_id: str) -> Offer | None:
    """Return an offer as it is now."""
    return await session.get(Offer, offer_id, populate_existing=True)


async def open_offer_of(session: AsyncSession, clerk_id: str) -> Offer | None:
    """Return what is put before an agent now."""
    statement = select(Offer).where(Offer.clerk_id == clerk_id, Offer.state == OfferState.OPEN)
    return (await session.scalars(statement)).one_or_none()


async def open_offer_for(session: AsyncSession, ticket_id: str) -> Offer | None:
    """Return the open offer of a ticket."""
    statement = select(Offer).where(Offer.ticket_id == ticket_id, Offer.state == OfferState.OPEN)
    return (await session.scalars(statement)).one_or_none()


async def refusals_in(session: AsyncSession, region: str) -> Mapping[str, Mapping[str, Refusals]]:
    """Return for each ticket waiting in a region who has declined it or let it ring."""
    turned_down = [OfferState.DECLINED, OfferState.MISSED]
    statement = (
        select(
            Offer.ticket_id,
            Offer.clerk_id,
            func.count().label("times"),
            func.max(Offer.closed_at, type_=UtcTime()).label("last_at"),
        )
        .join(Ticket, Ticket.id == Offer.ticket_id)
        .where(
            Ticket.region == region,
            Ticket.state == TicketState.WAITING,
            Offer.state.in_(turned_down),
        )
        .group_by(Offer.ticket_id, Offer.clerk_id)
    )
    found: dict[str, dict[str, Refusals]] = {}
    for row in await session.execute(statement):
        found.setdefault(row.ticket_id, {})[row.clerk_id] = Refusals(row.times, row.last_at)
    return found


async def close_offer(
    session: AsyncSession, offer_id: str, target: OfferState, *, now: datetime,
    reason: str | None = None, before: datetime | None = None, after: datetime | None = None,
) -> bool:  # fmt: skip
    """Close an open offer, unless someone else already has; say whether we did.

    `before`: only while it has not run out by then; `after`: only once it has. So an answer and
    the end of the time for it never both count, even at the same instant.
    """
    conditions = [Offer.id == offer_id, Offer.state == OfferState.OPEN]
    if before is not None:
        conditions.append(Offer.expires_at > before)
    if after is not None:
        conditions.append(Offer.expires_at <= after)
    statement = update(Offer).where(*conditions)
    closed = statement.values(state=target, closed_at=now, reason=reason).returning(Offer.id)
    return (await session.execute(closed)).one_or_none() is not None


async def due_offers(session: AsyncSession, now: datetime) -> Sequence[str]:
    """Return open offers that nobody answered in time."""
    statement = select(Offer.id).where(Offer.state == OfferState.OPEN, Offer.expires_at <= now)
    return (await session.scalars(statement)).all()


async def next_due(session: AsyncSession) -> datetime | None:
    """Return when the next timer of the queue runs out."""
    offers = select(func.min(Offer.expires_at)).where(Offer.state == OfferState.OPEN)
    agents = select(func.min(Agent.wrap_up_until)).where(Agent.state == AgentState.WRAP_UP)
    leases = select(func.min(Agent.lease_until)).where(
        Agent.state.not_in([AgentState.OFFLINE, AgentState.ON_CALL])
    )
    found = [
        (await session.execute(statement)).scalar_one() for statement in (offers, agents, leases)
    ]
    return min((moment for moment in found if moment is not None), default=None)


async def lock_lines(session: AsyncSession, regions: Collection[str]) -> None:
    """Take the row locks of these regions' lines, always in the same order.

    Whoever offers tickets locks the rows of several cases. Two such commands would stop each
    other for good (and the database end one of them) if the line's row did not come first.
    Refuses server.busy when a line is not free within the database's lock timeout.
    """
    for region in sorted(set(regions)):
        insert = insert_for(session, QueueVersion).values(region=region, version=0)
        statement = insert.on_conflict_do_update(
            index_elements=["region"], set_={"version": QueueVersion.version}
        )
        try:
            await session.execute(statement)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                raise
            raise ServiceError("server.busy") from None


async def next_version(session: AsyncSession, region: str) -> int:
    """Count a change of a region's line."""
    insert = insert_for(session, QueueVersion).values(region=region, version=1)
    statement = insert.on_conflict_do_update(
        index_elements=["region"], set_={"version": QueueVersion.version + 1}
    ).returning(QueueVersion.version)
    return (await session.execute(statement)).scalar_one()


async def current_version(session: AsyncSession, region: str) -> int:
    """Return how often a region's line has changed."""
    statement = select(QueueVersion.version).where(QueueVersion.region == region)
    return (await session.execute(statement)).scalar_one_or_none() or 0

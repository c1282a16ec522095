"""Reads over all domains; nothing here is ever written.

A region's supervisors see what is theirs, those of a province what is of any place in it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from server.access import places_of
from server.calls.models import Call, DeviceCheck, Seat
from server.calls.rules import CallState, Outlook, SeatSide
from server.cases.models import Case, CaseEvent
from server.tickets.models import Agent, QueueVersion, Ticket, TicketPeriod
from server.tickets.rules import TicketState

MOST = 500


def _within(place: InstrumentedAttribute[str], region: str) -> ColumnElement[bool]:
    """Say that a row's place is one that an office of a region sees to."""
    places = places_of(region)
    if places == region:
        return place == region
    return place.startswith(places, autoescape=True)


async def version(session: AsyncSession, region: str) -> int:
    """Return how often the lines have changed that a region's board shows."""
    statement = select(func.coalesce(func.sum(QueueVersion.version), 0)).where(
        _within(QueueVersion.region, region)
    )
    return (await session.execute(statement)).scalar_one()


async def waiting(session: AsyncSession, region: str) -> list[tuple[Ticket, Case]]:
    """Return the cases that wait for a region or were sent from it, the oldest first."""
    statement = (
        select(Ticket, Case)
        .join(Case, Case.id == Ticket.case_id)
        .where(
            Ticket.state.in_([TicketState.WAITING, TicketState.OFFERED]),
            or_(_within(Case.jurisdiction, region), _within(Case.counter_region, region)),
        )
        .order_by(Ticket.priority.desc(), Ticket.taken_at)
        .limit(MOST)
    )
    return [(row[0], row[1]) for row in await session.execute(statement)]


async def live_calls(session: AsyncSession, region: str) -> list[tuple[Call, Case]]:
    """Return the live calls of either side of a region."""
    statement = (
        select(Call, Case)
        .join(Case, Case.id == Call.case_id)
        .where(
            Call.state != CallState.ENDED,
            or_(_within(Case.jurisdiction, region), _within(Case.counter_region, region)),
        )
        .order_by(Call.started_at)
        .limit(MOST)
    )
    return [(row[0], row[1]) for row in await session.execute(statement)]


async def device_checks(
    session: AsyncSession, call_ids: Collection[str]
) -> dict[tuple[str, SeatSide], Outlook]:
    """Return what the device checks say that are kept with calls, by call and side."""
    statement = (
        select(Seat.call_id, Seat.side, DeviceCheck.outlook)
        .join(DeviceCheck, DeviceCheck.id == Seat.device_check_id)
        .where(Seat.call_id.in_(call_ids))
    )
    return {(row[0], row[1]): row[2] for row in await session.execute(statement)}


async def agents(session: AsyncSession, region: str) -> Sequence[Agent]:
    """Return a region's agents by name."""
    statement = select(Agent).where(_within(Agent.region, region)).order_by(Agent.name).limit(MOST)
    return (await session.scalars(statement)).all()


async def waits_since(session: AsyncSession, region: str, since: datetime) -> list[float]:
    """Return how long each ticket answered since then had waited, in seconds."""
    answered = (
        select(TicketPeriod.ticket_id, func.min(TicketPeriod.began_at).label("at"))
        .where(
            _within(TicketPeriod.region, region),
            TicketPeriod.state == TicketState.SERVING,
            TicketPeriod.began_at >= since,
        )
        .group_by(TicketPeriod.ticket_id)
        .subquery()
    )
    # Not the ticket's place: a case that was returned keeps the place of before it was called.
    began = func.min(TicketPeriod.began_at)
    statement = (
        select(began.label("began"), answered.c.at)
        .join(answered, answered.c.ticket_id == TicketPeriod.ticket_id)
        .group_by(TicketPeriod.ticket_id, answered.c.at)
    )
    rows = (await session.execute(statement)).all()
    return [float((row.at - row.began).total_seconds()) for row in rows]


async def abandoned_since(session: AsyncSession, region: str, since: datetime) -> int:
    """Return how many tickets were given up since then."""
    statement = select(func.count()).where(
        _within(TicketPeriod.region, region),
        TicketPeriod.state == TicketState.ABANDONED,
        TicketPeriod.began_at >= since,
    )
    return (await session.execute(statement)).scalar_one()


async def certificates_since(session: AsyncSession, region: str, since: datetime) -> int:
    """Return how many certificates a region's authorities have issued since then."""
    statement = (
        select(func.count())
        .select_from(CaseEvent)
        .join(Case, Case.id == CaseEvent.case_id)
        .where(
            CaseEvent.kind == "certificate.issued",
            CaseEvent.at >= since,
            _within(Case.jurisdiction, region),
        )
    )
    return (await session.execute(statement)).scalar_one()

"""Every SQL statement on who is at the counters of waiting tickets."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.tickets.models import Ticket
from server.tickets.queries import LIVE
from server.tickets.rules import TicketState

_WAITING = Ticket.state == TicketState.WAITING
_PAUSED, _RUNNING = Ticket.away_since.is_not(None), Ticket.away_since.is_(None)


async def renew_counters(
    session: AsyncSession, clerk_ids: Collection[str], until: datetime
) -> None:
    """Keep alive the tickets that present clerks took, in one statement that waits for nobody."""
    theirs = (
        select(Ticket.id)
        .where(Ticket.taken_by.in_(clerk_ids), Ticket.state.in_(LIVE))
        .with_for_update(skip_locked=True)
    )
    await session.execute(
        update(Ticket)
        .where(Ticket.id.in_(theirs))
        .values(present_until=until)
        .execution_options(synchronize_session=False)
    )


async def changed(session: AsyncSession, now: datetime) -> Sequence[Ticket]:
    """Return the waiting tickets whose counter was left, was come back to, or is given up."""
    left = and_(_RUNNING, Ticket.present_until <= now)
    other = and_(_PAUSED, or_(Ticket.present_until > now, Ticket.lapses_at <= now))
    statement = select(Ticket).where(_WAITING, or_(left, other)).order_by(Ticket.taken_at)
    return (await session.scalars(statement)).all()


async def next_change(session: AsyncSession) -> datetime | None:
    """Return when the next lease of a counter or the next paused ticket runs out."""
    leases = select(func.min(Ticket.present_until)).where(_WAITING, _RUNNING)
    ends = select(func.min(Ticket.lapses_at)).where(_WAITING, _PAUSED)
    found = [(await session.execute(statement)).scalar_one() for statement in (leases, ends)]
    return min((moment for moment in found if moment is not None), default=None)


async def pause(session: AsyncSession, ticket_id: str, now: datetime, until: datetime) -> bool:
    """Mark a waiting ticket as left, unless the clerk is back; say whether we did."""
    statement = (
        update(Ticket)
        .where(Ticket.id == ticket_id, _WAITING, _RUNNING, Ticket.present_until <= now)
        .values(away_since=now, lapses_at=until)
    )
    return (await session.execute(statement.returning(Ticket.id))).one_or_none() is not None


async def resume(session: AsyncSession, ticket_id: str, now: datetime) -> bool:
    """Clear the mark of a paused ticket whose clerk is back; say whether we did."""
    statement = (
        update(Ticket)
        .where(Ticket.id == ticket_id, _WAITING, _PAUSED, Ticket.present_until > now)
        .values(away_since=None, lapses_at=None)
    )
    return (await session.execute(statement.returning(Ticket.id))).one_or_none() is not None


async def lapse(session: AsyncSession, ticket_id: str, now: datetime) -> bool:
    """Claim a paused ticket whose time is over, unless the clerk is back; say whether we did."""
    statement = (
        update(Ticket)
        .where(
            Ticket.id == ticket_id, _WAITING, _PAUSED,
            Ticket.present_until <= now, Ticket.lapses_at <= now,
        )
        .values(lapses_at=None)
    )  # fmt: skip
    return (await session.execute(statement.returning(Ticket.id))).one_or_none() is not None

"""Every SQL statement on guests of calls and on what asks them in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.calls.models import Call, Invitation, Seat
from server.calls.rules import GUESTS, CallState, InvitationState, SeatSide


async def last_seat(session: AsyncSession, call_id: str, holder: str) -> Seat | None:
    """Return the seat that somebody has or had in a call."""
    statement = select(Seat).where(Seat.call_id == call_id, Seat.holder == holder)
    return (
        await session.scalars(statement, execution_options={"populate_existing": True})
    ).one_or_none()


async def orders(session: AsyncSession, call_id: str) -> Sequence[int]:
    """Return the orders that seats of a call have or had."""
    return (await session.scalars(select(Seat.place).where(Seat.call_id == call_id))).all()


async def end_seat(
    session: AsyncSession, seat_id: str, now: datetime, *, lapsed: bool = False
) -> bool:
    """End a guest's seat, unless it has ended already; say whether we did.

    `lapsed`: only if its lease has run out by now.
    """
    conditions = [Seat.id == seat_id, Seat.side.in_(GUESTS), Seat.left_at.is_(None)]
    if lapsed:
        conditions.append(Seat.lease_until <= now)
    statement = (
        update(Seat)
        .where(*conditions)
        .values(left_at=now, sid=None, leg_id=None, media_up=False)
        .returning(Seat.id)
    )
    return (await session.execute(statement)).one_or_none() is not None


async def stale_guests(session: AsyncSession, now: datetime) -> Sequence[str]:
    """Return guests' seats in live calls whose lease has run out."""
    statement = (
        select(Seat.id)
        .join(Call, Call.id == Seat.call_id)
        .where(
            Seat.side.in_(GUESTS),
            Seat.left_at.is_(None),
            Seat.lease_until <= now,
            Call.state != CallState.ENDED,
        )
    )
    return (await session.scalars(statement)).all()


async def observers_of(session: AsyncSession, call_ids: Sequence[str]) -> dict[str, list[str]]:
    """Return who observes each of these calls, in the order of their seats."""
    statement = (
        select(Seat.call_id, Seat.name)
        .where(
            Seat.call_id.in_(call_ids), Seat.side == SeatSide.OBSERVER, Seat.left_at.is_(None)
        )
        .order_by(Seat.place)
    )  # fmt: skip
    names: dict[str, list[str]] = {}
    for call_id, name in await session.execute(statement):
        names.setdefault(call_id, []).append(name)
    return names


async def find_invitation(session: AsyncSession, invitation_id: str) -> Invitation | None:
    """Return an invitation as it is now."""
    return await session.get(Invitation, invitation_id, populate_existing=True)


async def open_invitation_to(session: AsyncSession, clerk_id: str) -> Invitation | None:
    """Return what a clerk is asked now."""
    statement = select(Invitation).where(
        Invitation.clerk_id == clerk_id, Invitation.state == InvitationState.OPEN
    )
    return (await session.scalars(statement)).one_or_none()


async def open_invitations(session: AsyncSession, call_id: str) -> Sequence[Invitation]:
    """Return who is asked into a call now, in the order in which they were asked."""
    statement = (
        select(Invitation)
        .where(Invitation.call_id == call_id, Invitation.state == InvitationState.OPEN)
        .order_by(Invitation.made_at, Invitation.id)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).all()


async def close_invitation(
    session: AsyncSession, invitation_id: str, target: InvitationState, *, now: datetime,
    reason: str | None = None, before: datetime | None = None, after: datetime | None = None,
) -> bool:  # fmt: skip
    """Close an open invitation, unless someone else already has; say whether we did.

    `before`: only while it has not run out by then; `after`: only once it has.
    """
    conditions = [Invitation.id == invitation_id, Invitation.state == InvitationState.OPEN]
    if before is not None:
        conditions.append(Invitation.expires_at > before)
    if after is not None:
        conditions.append(Invitation.expires_at <= after)
    statement = (
        update(Invitation)
        .where(*conditions)
        .values(state=target, closed_at=now, reason=reason)
        .returning(Invitation.id)
    )
    return (await session.execute(statement)).one_or_none() is not None


async def due_invitations(session: AsyncSession, now: datetime) -> Sequence[str]:
    """Return open invitations that nobody answered in time."""
    statement = select(Invitation.id).where(
        Invitation.state == InvitationState.OPEN, Invitation.expires_at <= now
    )
    return (await session.scalars(statement)).all()

"""Every SQL statement on calls. Races are settled in the WHERE clauses."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Actor, Role, Sitting
from server.calls.models import Call, DeviceCheck, Invitation, Seat, Still
from server.calls.rules import (
    ATTENDED,
    GUESTS,
    HALLS,
    Attendance,
    CallState,
    EndReason,
    InvitationState,
    SeatSide,
    StillState,
    attend,
)
from server.cases.models import Case, CaseEvent
from server.cases.rules import CaseState
from server.relays.models import MediaLeg, MediaWorker
from server.staff.models import Clerk

_SITS = Seat.left_at.is_(None)


async def find_call(session: AsyncSession, call_id: str) -> Call | None:
    """Return a call as it is now."""
    return await session.get(Call, call_id, populate_existing=True)


async def live_call(session: AsyncSession, case_id: str) -> Call | None:
    """Return the case's call that has not ended."""
    statement = select(Call).where(Call.case_id == case_id, Call.state != CallState.ENDED)
    return (
        await session.scalars(statement, execution_options={"populate_existing": True})
    ).one_or_none()


async def live_call_of(session: AsyncSession, holder: str) -> Call | None:
    """Return the live call in which somebody has a seat."""
    statement = (
        select(Call)
        .join(Seat, Seat.call_id == Call.id)
        .where(Seat.holder == holder, _SITS, Call.state != CallState.ENDED)
        .order_by(Call.started_at.desc())
        .limit(1)
    )
    return (await session.scalars(statement)).one_or_none()


async def end_call(
    session: AsyncSession, call_id: str, reason: EndReason, now: datetime, *, lapsed: bool = False
) -> bool:
    """End a call, unless someone else already has; say whether we did.

    `lapsed`: only if a clerk's seat in it has run out by now.
    """
    conditions: list[ColumnElement[bool]] = [
        Call.id == call_id,
        Call.state != CallState.ENDED,
    ]
    if lapsed:
        run_out = (Seat.call_id == Call.id, Seat.side.in_(HALLS), Seat.lease_until <= now)
        conditions.append(exists().where(*run_out))
    statement = (
        update(Call)
        .where(*conditions)
        .values(state=CallState.ENDED, ended_at=now, end_reason=reason)
        .returning(Call.id)
        .execution_options(synchronize_session=False)
    )
    return (await session.execute(statement)).one_or_none() is not None


async def find_clerk(session: AsyncSession, clerk_id: str) -> Clerk | None:
    """Return a clerk's account as it is now."""
    return await session.get(Clerk, clerk_id, populate_existing=True)


async def newest_check(session: AsyncSession, clerk_id: str, day: date) -> str | None:
    """Return a clerk's last device check of a day."""
    statement = (
        select(DeviceCheck.id)
        .where(DeviceCheck.clerk_id == clerk_id, DeviceCheck.day == day)
        .order_by(DeviceCheck.at.desc(), DeviceCheck.id)
        .limit(1)
    )
    return (await session.scalars(statement)).one_or_none()


async def drop_checks(session: AsyncSession, before: date) -> None:
    """Delete the device checks of the days before, but for those that are kept with a call."""
    kept = select(Seat.device_check_id).where(Seat.device_check_id.is_not(None))
    await session.execute(
        delete(DeviceCheck).where(DeviceCheck.day < before, DeviceCheck.id.not_in(kept))
    )


async def vacate(session: AsyncSession, call_id: str) -> None:
    """Take every socket and leg off the seats of a call that has ended."""
    await session.execute(
        update(Seat).where(Seat.call_id == call_id).values(sid=None, leg_id=None, media_up=False)
    )


async def list_seats(session: AsyncSession, call_id: str) -> Sequence[Seat]:
    """Return a call's seats in their order, without those that guests have left."""
    statement = select(Seat).where(Seat.call_id == call_id, _SITS).order_by(Seat.place)
    return (await session.scalars(statement, execution_options={"populate_existing": True})).all()


async def find_seat(session: AsyncSession, call_id: str, holder: str) -> Seat | None:
    """Return somebody's seat in a call, unless they have left it."""
    statement = select(Seat).where(Seat.call_id == call_id, Seat.holder == holder, _SITS)
    return (
        await session.scalars(statement, execution_options={"populate_existing": True})
    ).one_or_none()


async def seats_at(session: AsyncSession, sid: str) -> Sequence[str]:
    """Return the seats that a socket holds in live calls."""
    statement = (
        select(Seat.id)
        .join(Call, Call.id == Seat.call_id)
        .where(Seat.sid == sid, Call.state != CallState.ENDED)
    )
    return (await session.scalars(statement)).all()


async def seat_by_id(session: AsyncSession, seat_id: str) -> Seat | None:
    """Return a seat as it is now."""
    return await session.get(Seat, seat_id, populate_existing=True)


async def leave_seat(session: AsyncSession, seat_id: str, sid: str, lease_until: datetime) -> bool:
    """Take a gone socket off its seat, unless another has taken the seat since."""
    statement = (
        update(Seat)
        .where(Seat.id == seat_id, Seat.sid == sid)
        .values(sid=None, media_up=False, lease_until=lease_until)
        .returning(Seat.id)
    )
    return (await session.execute(statement)).one_or_none() is not None


async def note_media(session: AsyncSession, seat_id: str, sid: str, *, up: bool) -> bool:
    """Note whether media flows at a seat, unless another socket has it now; say whether we did."""
    statement = (
        update(Seat).where(Seat.id == seat_id, Seat.sid == sid).values(media_up=up)
    ).returning(Seat.id)
    return (await session.execute(statement)).one_or_none() is not None


async def renew_seats(session: AsyncSession, sids: Collection[str], until: datetime) -> None:
    """Let the seats of present sockets stay, in one statement.

    It waits for nobody, so it is in nobody's way: a seat just being moved is renewed next time.
    """
    held = select(Seat.id).where(Seat.sid.in_(sids)).with_for_update(skip_locked=True)
    await session.execute(
        update(Seat)
        .where(Seat.id.in_(held))
        .values(lease_until=until)
        .execution_options(synchronize_session=False)
    )


async def stale_calls(session: AsyncSession, now: datetime) -> Sequence[str]:
    """Return live calls in which a clerk's seat has run out."""
    statement = (
        select(Call.id)
        .distinct()
        .join(Seat, Seat.call_id == Call.id)
        .where(Seat.lease_until <= now, Seat.side.in_(HALLS), Call.state != CallState.ENDED)
    )
    return (await session.scalars(statement)).all()


_LEGS = select(MediaLeg.id)


async def loose_calls(session: AsyncSession) -> Sequence[str]:
    """Return live calls whose worker, or a leg of one of whose seats, is no more."""
    workers = select(MediaWorker.id)
    lost_leg = exists().where(
        Seat.call_id == Call.id, Seat.leg_id.is_not(None), Seat.leg_id.not_in(_LEGS)
    )
    statement = select(Call.id).where(
        Call.state != CallState.ENDED,
        Call.worker_id.is_not(None),
        Call.worker_id.not_in(workers) | lost_leg,
    )
    return (await session.scalars(statement)).all()


async def direct_calls(session: AsyncSession) -> Sequence[str]:
    """Return the live calls that no worker carries."""
    statement = select(Call.id).where(Call.worker_id.is_(None), Call.state != CallState.ENDED)
    return (await session.scalars(statement)).all()


async def direct_calls_at(session: AsyncSession, leg_id: str) -> Sequence[str]:
    """Return those in which the socket of a leg holds a seat."""
    statement = (
        select(Call.id)
        .join(Seat, Seat.call_id == Call.id)
        .join(MediaLeg, MediaLeg.sid == Seat.sid)
        .where(MediaLeg.id == leg_id, Call.worker_id.is_(None), Call.state != CallState.ENDED)
    )
    return (await session.scalars(statement)).all()


async def calls_on(session: AsyncSession, worker_id: str) -> Sequence[str]:
    """Return the live calls of a worker."""
    statement = select(Call.id).where(Call.worker_id == worker_id, Call.state != CallState.ENDED)
    return (await session.scalars(statement)).all()


async def drop_lost_legs(session: AsyncSession, call_id: str) -> bool:
    """Take the seats of a call off legs that are no more; say whether there were any."""
    statement = (
        update(Seat)
        .where(Seat.call_id == call_id, Seat.leg_id.is_not(None), Seat.leg_id.not_in(_LEGS))
        .values(leg_id=None)
        .returning(Seat.id)
        .execution_options(synchronize_session=False)
    )
    return bool((await session.scalars(statement)).all())


async def is_seated(session: AsyncSession, leg_id: str) -> bool:
    """Say whether a seat of a live call is on a leg."""
    statement = (
        select(Seat.id)
        .join(Call, Call.id == Seat.call_id)
        .where(Seat.leg_id == leg_id, Call.state != CallState.ENDED)
        .limit(1)
    )
    return (await session.scalars(statement)).one_or_none() is not None


_ISSUED_ON = (CaseState.CERTIFIED, CaseState.SETTLED)


async def find_sitting(session: AsyncSession, actor: Actor, case: Case) -> Sitting:
    """Return what seat an actor has in the case's live call.

    With the jurisdiction after the call, its party is the agent whom the case is with and who had
    a hall's seat in an ended call on it; once it is certified, the same agent is a former one.
    """
    if Role.DEVICE in actor.roles or Role.CITIZEN in actor.roles:
        return Sitting.NONE
    seats = (
        select(Seat.side)
        .join(Call, Call.id == Seat.call_id)
        .where(Call.case_id == case.id, Seat.holder == actor.id, _SITS)
    )
    # Left with the jurisdiction, the case may be finished by its agent after the call.
    finishing = case.state is CaseState.WITH_JURISDICTION and case.agent_id == actor.id
    statement = seats if finishing else seats.where(Call.state != CallState.ENDED)
    sides = set((await session.scalars(statement)).all())
    if sides & HALLS:
        return Sitting.PARTY
    if SeatSide.ADVISER in sides and not finishing:
        return Sitting.ADVISER
    if case.state in _ISSUED_ON and case.agent_id == actor.id:
        sat = set((await session.scalars(seats)).all())
        return Sitting.FORMER if sat & HALLS else Sitting.NONE
    return Sitting.NONE


async def attendance(session: AsyncSession, case_id: str) -> Attendance:
    """Return what a case's log says of who sits at the counter."""
    statement = (
        select(CaseEvent.kind, CaseEvent.at)
        .where(CaseEvent.case_id == case_id, CaseEvent.kind.in_(ATTENDED))
        .order_by(CaseEvent.seq)
    )
    return attend((kind, at) for kind, at in (await session.execute(statement)).all())


async def find_still(session: AsyncSession, still_id: str) -> Still | None:
    """Return a still as it is now."""
    return await session.get(Still, still_id, populate_existing=True)


async def move_still(
    session: AsyncSession, still_id: str, current: Collection[StillState], target: StillState,
    *, material_id: str | None = None, due: datetime | None = None,
) -> bool:  # fmt: skip
    """Close a still that was asked for, unless someone else already has; say whether we did.

    `due`: only once its time has run out by then.
    """
    conditions = [Still.id == still_id, Still.state.in_(current)]
    if due is not None:
        conditions.append(Still.expires_at <= due)
    statement = (
        update(Still)
        .where(*conditions)
        .values(state=target, material_id=material_id)
        .returning(Still.id)
    )
    return (await session.execute(statement)).one_or_none() is not None


async def due_stills(session: AsyncSession, now: datetime) -> Sequence[str]:
    """Return stills that nobody answered in time."""
    statement = select(Still.id).where(Still.state == StillState.ASKED, Still.expires_at <= now)
    return (await session.scalars(statement)).all()


async def next_due(session: AsyncSession) -> datetime | None:
    """Return when the next timer of calls runs out."""
    stills = select(func.min(Still.expires_at)).where(Still.state == StillState.ASKED)
    leases = (
        select(func.min(Seat.lease_until))
        .join(Call, Call.id == Seat.call_id)
        .where(Call.state != CallState.ENDED, Seat.side.in_(HALLS | GUESTS), _SITS)
    )
    asked = select(func.min(Invitation.expires_at)).where(Invitation.state == InvitationState.OPEN)
    statements = (stills, leases, asked)
    found = [(await session.execute(statement)).scalar_one() for statement in statements]
    return min((moment for moment in found if moment is not None), default=None)

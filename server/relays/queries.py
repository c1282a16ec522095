"""Every SQL statement on workers and legs. Races are settled in the WHERE clauses."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.relays.models import MediaLeg, MediaWorker
from server.relays.rules import LegState, Load, Tab
from server.staff.models import Login


async def find_worker(session: AsyncSession, worker_id: str) -> MediaWorker | None:
    """Return a worker as it is now."""
    return await session.get(MediaWorker, worker_id, populate_existing=True)


async def worker_at(session: AsyncSession, sid: str) -> MediaWorker | None:
    """Return the worker whose socket this is."""
    return (await session.scalars(select(MediaWorker).where(MediaWorker.sid == sid))).one_or_none()


async def hold_worker(session: AsyncSession, worker_id: str, now: datetime) -> MediaWorker | None:
    """Return a live worker that stays until the unit ends, or None if it is no more.

    Whoever takes it away waits for us and then sees what we did.
    """
    statement = (
        select(MediaWorker)
        .where(MediaWorker.id == worker_id, MediaWorker.lease_until > now)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).one_or_none()


async def loads(session: AsyncSession, now: datetime) -> list[Load]:
    """Return what each live worker can take and has."""
    statement = (
        select(MediaWorker.id, MediaWorker.capacity, func.count(MediaLeg.id))
        .outerjoin(MediaLeg, MediaLeg.worker_id == MediaWorker.id)
        .where(MediaWorker.lease_until > now)
        .group_by(MediaWorker.id, MediaWorker.capacity)
    )
    return [Load(*row) for row in await session.execute(statement)]


async def drop_worker(
    session: AsyncSession, condition: ColumnElement[bool]
) -> tuple[str, Sequence[MediaLeg]] | None:
    """Take away the one worker that fits, with its legs; return its id and what legs it had."""
    held = select(MediaWorker).where(condition).with_for_update()
    worker = (await session.scalars(held)).one_or_none()
    if worker is None:
        return None
    legs = await drop_legs(session, MediaLeg.worker_id == worker.id)
    await session.execute(delete(MediaWorker).where(MediaWorker.id == worker.id))
    return worker.id, legs


async def lapsed_workers(session: AsyncSession, now: datetime) -> Sequence[str]:
    """Return workers that have not reported for the length of their lease."""
    statement = select(MediaWorker.id).where(MediaWorker.lease_until <= now)
    return (await session.scalars(statement)).all()


async def lapsed_legs(session: AsyncSession, now: datetime) -> Sequence[str]:
    """Return legs whose socket is gone with its process, or that never came about."""
    statement = select(MediaLeg.id).where(MediaLeg.lease_until <= now)
    return (await session.scalars(statement)).all()


async def find_leg(session: AsyncSession, leg_id: str) -> MediaLeg | None:
    """Return a leg as it is now."""
    return await session.get(MediaLeg, leg_id, populate_existing=True)


async def legs_of(session: AsyncSession, worker_id: str) -> Sequence[MediaLeg]:
    """Return the legs that a worker should have."""
    return (await session.scalars(select(MediaLeg).where(MediaLeg.worker_id == worker_id))).all()


async def newest_leg(
    session: AsyncSession,
    *,
    now: datetime,
    holder: str | None = None,
    sid: str | None = None,
    worker_id: str | None = None,
) -> MediaLeg | None:
    """Return the newest connected leg of somebody, or of one socket, on a live worker."""
    conditions: list[ColumnElement[bool]] = [
        MediaLeg.state == LegState.CONNECTED, MediaWorker.lease_until > now,
    ]  # fmt: skip
    if holder is not None:
        conditions.append(MediaLeg.holder == holder)
    if sid is not None:
        conditions.append(MediaLeg.sid == sid)
    if worker_id is not None:
        conditions.append(MediaLeg.worker_id == worker_id)
    statement = (
        select(MediaLeg)
        .join(MediaWorker, MediaWorker.id == MediaLeg.worker_id)
        .where(*conditions)
        .order_by(MediaLeg.opened_at.desc(), MediaLeg.id)
        .limit(1)
    )
    return (await session.scalars(statement)).one_or_none()


async def adopt_leg(
    session: AsyncSession, leg_id: str, tab: Tab, until: datetime
) -> MediaLeg | None:
    """Give a connected leg to a later socket of the login that opened it, if it is still there."""
    statement = (
        update(MediaLeg)
        .where(
            MediaLeg.id == leg_id,
            MediaLeg.login_id == tab.login_id,
            MediaLeg.holder == tab.holder,
            MediaLeg.state == LegState.CONNECTED,
        )
        .values(sid=tab.sid, lease_until=until)
        .returning(MediaLeg)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).one_or_none()


async def connect_leg(session: AsyncSession, leg_id: str, worker_id: str, until: datetime) -> bool:
    """Note that a worker's leg is connected; say whether it still was wanted."""
    statement = (
        update(MediaLeg)
        .where(MediaLeg.id == leg_id, MediaLeg.worker_id == worker_id)
        .values(state=LegState.CONNECTED, lease_until=until)
        .returning(MediaLeg.id)
    )
    return (await session.execute(statement)).one_or_none() is not None


async def drop_legs(session: AsyncSession, *conditions: ColumnElement[bool]) -> Sequence[MediaLeg]:
    """Take away every leg that fits; return what they were."""
    statement = (
        delete(MediaLeg)
        .where(*conditions)
        .returning(MediaLeg)
        .execution_options(synchronize_session=False)
    )
    return (await session.scalars(statement)).all()


def without_login(sid: str) -> tuple[ColumnElement[bool], ...]:
    """Say of a socket's legs that the login of staff that opened them has ended."""
    ended = select(Login.id).where(Login.ended_at.is_not(None))
    return MediaLeg.sid == sid, MediaLeg.login_id.in_(ended)


async def renew_legs(session: AsyncSession, sids: Collection[str], until: datetime) -> None:
    """Let the connected legs of present sockets stay, in one statement that waits for nobody."""
    held = (
        select(MediaLeg.id)
        .where(MediaLeg.sid.in_(sids), MediaLeg.state == LegState.CONNECTED)
        .with_for_update(skip_locked=True)
    )
    await session.execute(
        update(MediaLeg)
        .where(MediaLeg.id.in_(held))
        .values(lease_until=until)
        .execution_options(synchronize_session=False)
    )


async def leave_legs(session: AsyncSession, sid: str, until: datetime) -> None:
    """Let the connected legs of a socket that is gone stay for a while."""
    await session.execute(
        update(MediaLeg)
        .where(MediaLeg.sid == sid, MediaLeg.state == LegState.CONNECTED)
        .values(lease_until=until)
        .execution_options(synchronize_session=False)
    )


async def extend_all(
    session: AsyncSession, now: datetime, *, workers: timedelta, legs: timedelta
) -> None:
    """Let everything that is there stay at least that long from now."""
    for table, lasts in ((MediaWorker, workers), (MediaLeg, legs)):
        await session.execute(
            update(table)
            .where(table.lease_until < now + lasts)
            .values(lease_until=now + lasts)
            .execution_options(synchronize_session=False)
        )


async def next_due(session: AsyncSession) -> datetime | None:
    """Return when the next lease runs out."""
    moments = [
        (await session.execute(select(func.min(table.lease_until)))).scalar_one()
        for table in (MediaWorker, MediaLeg)
    ]
    return min((moment for moment in moments if moment is not None), default=None)

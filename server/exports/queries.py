"""Every SQL statement on exports. Races are settled in the WHERE clause."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, and_, delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.cases.models import CaseEvent
from server.exports.models import Export, ExportOrder
from server.exports.rules import CURRENT, ExportState
from server.recordings.models import Recording

PAGE = 50
_MARKS = ("recording.gap", "recording.paused", "recording.resumed")


async def find(session: AsyncSession, export_id: str) -> Export | None:
    """Return an export as it is now."""
    return await session.get(Export, export_id, populate_existing=True)


async def current_of(session: AsyncSession, call_id: str) -> Export | None:
    """Return the export of a call that is under way or can be taken away."""
    statement = (
        select(Export)
        .where(Export.call_id == call_id, Export.state.in_(CURRENT))
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).one_or_none()


async def newest_of(session: AsyncSession, call_id: str) -> Export | None:
    """Return the newest export of a call, whatever became of it."""
    statement = (
        select(Export)
        .where(Export.call_id == call_id)
        .order_by(Export.asked_at.desc(), Export.id)
        .limit(1)
    )
    return (await session.scalars(statement)).one_or_none()


async def has_ordered(session: AsyncSession, export_id: str, clerk_id: str) -> bool:
    """Say whether a clerk asked for an export."""
    return await session.get(ExportOrder, (export_id, clerk_id)) is not None


async def orderers(session: AsyncSession, export_id: str) -> Sequence[str]:
    """Return who asked for an export."""
    statement = select(ExportOrder.clerk_id).where(ExportOrder.export_id == export_id)
    return sorted((await session.scalars(statement)).all())


async def withdraw(session: AsyncSession, export_id: str, clerk_id: str) -> None:
    """Forget that a clerk asked for an export."""
    mine = and_(ExportOrder.export_id == export_id, ExportOrder.clerk_id == clerk_id)
    await session.execute(delete(ExportOrder).where(mine))


async def waiting(session: AsyncSession) -> Sequence[Export]:
    """Return what waits to be composed, the oldest first."""
    statement = (
        select(Export)
        .where(Export.state == ExportState.QUEUED)
        .order_by(Export.asked_at, Export.id)
        .limit(PAGE)
    )
    return (await session.scalars(statement)).all()


async def claim(session: AsyncSession, export_id: str, **values: object) -> bool:
    """Take a waiting export up, unless somebody else has; say whether we did."""
    return await _move(session, and_(Export.id == export_id, Export.state == ExportState.QUEUED),
                       state=ExportState.COMPOSING, **values)  # fmt: skip


async def change(session: AsyncSession, export_id: str, claimed: str, **values: object) -> bool:
    """Change an export that this attempt composes; say whether it still does."""
    mine = and_(
        Export.id == export_id, Export.claim == claimed, Export.state == ExportState.COMPOSING
    )
    return await _move(session, mine, **values)


async def leave(
    session: AsyncSession, export_id: str, before: Sequence[ExportState], **values: object
) -> bool:
    """Change an export that is in one of these states; say whether it was."""
    return await _move(session, and_(Export.id == export_id, Export.state.in_(before)), **values)


async def _move(session: AsyncSession, where: Any, **values: object) -> bool:  # noqa: ANN401
    found = await session.execute(
        update(Export).where(where).values(**values),
        execution_options={"synchronize_session": False},
    )
    assert isinstance(found, CursorResult)  # noqa: S101 (it is what an UPDATE gives)
    return found.rowcount == 1


async def unheard(session: AsyncSession, since: datetime) -> Sequence[str]:
    """Return exports whose composer has given no sign since then."""
    statement = select(Export.id).where(
        Export.state == ExportState.COMPOSING, Export.heard_at <= since
    )
    return (await session.scalars(statement)).all()


async def overdue(session: AsyncSession, now: datetime) -> Sequence[str]:
    """Return films whose time is over, and those of which a part has been purged."""
    purged = exists().where(
        Recording.call_id == Export.call_id, Recording.purged_at > Export.asked_at
    )
    statement = (
        select(Export.id)
        .where(Export.state == ExportState.READY, or_(Export.expires_at <= now, purged))
        .limit(PAGE)
    )
    return (await session.scalars(statement)).all()


async def to_empty(session: AsyncSession, silent_since: datetime) -> Sequence[str]:
    """Return exports that came to nothing or are over, and whose files may be there.

    Who composes one that is cancelled hears of it with its next sign, and may write until then.
    """
    statement = (
        select(Export.id)
        .where(
            Export.state.in_((ExportState.FAILED, ExportState.CANCELLED, ExportState.EXPIRED)),
            Export.emptied_at.is_(None),
            or_(Export.heard_at.is_(None), Export.heard_at <= silent_since),
        )
        .limit(PAGE)
    )
    return (await session.scalars(statement)).all()


async def note_emptied(session: AsyncSession, export_id: str, now: datetime) -> None:
    """Note that an export's files are gone."""
    await session.execute(update(Export).where(Export.id == export_id).values(emptied_at=now))


async def next_overdue(session: AsyncSession) -> datetime | None:
    """Return when the next film's time is over."""
    statement = select(func.min(Export.expires_at)).where(Export.state == ExportState.READY)
    return (await session.execute(statement)).scalar_one()


async def marks_of(session: AsyncSession, case_id: str) -> Sequence[CaseEvent]:
    """Return what a case's log says of gaps and pauses."""
    statement = (
        select(CaseEvent)
        .where(CaseEvent.case_id == case_id, CaseEvent.kind.in_(_MARKS))
        .order_by(CaseEvent.seq)
    )
    return (await session.scalars(statement)).all()

"""Every SQL statement on recordings. Races are settled under the case's lock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.calls.models import Call
from server.recordings.models import Recording, RecordingChunk, RecordingOrder
from server.recordings.rules import LIVE, PartState


async def find(session: AsyncSession, recording_id: str) -> Recording | None:
    """Return a part as it is now."""
    return await session.get(Recording, recording_id, populate_existing=True)


async def find_order(session: AsyncSession, call_id: str) -> RecordingOrder | None:
    """Return whether a call is to be recorded."""
    return await session.get(RecordingOrder, call_id, populate_existing=True)


async def parts_of(session: AsyncSession, call_id: str) -> Sequence[Recording]:
    """Return every part of a call's recording, each seat's in their order."""
    statement = (
        select(Recording)
        .where(Recording.call_id == call_id)
        .order_by(Recording.seat_id, Recording.part)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).all()


async def last_call(session: AsyncSession, case_id: str) -> Call | None:
    """Return the newest call of a case."""
    statement = (
        select(Call).where(Call.case_id == case_id).order_by(Call.started_at.desc()).limit(1)
    )
    return (await session.scalars(statement)).one_or_none()


async def find_chunk(
    session: AsyncSession, recording_id: str, number: int
) -> RecordingChunk | None:
    """Return a chunk that has come."""
    return await session.get(RecordingChunk, (recording_id, number))


async def numbers_of(session: AsyncSession, recording_id: str) -> Sequence[int]:
    """Return the numbers of the chunks that have come."""
    statement = select(RecordingChunk.number).where(RecordingChunk.recording_id == recording_id)
    return (await session.scalars(statement)).all()


_AWAITED = (PartState.RECORDING, PartState.CUT)


async def silent(session: AsyncSession, since: datetime) -> Sequence[str]:
    """Return the parts that should have given a sign after `since`."""
    statement = select(Recording.id).where(
        Recording.state.in_(_AWAITED), Recording.heard_at <= since
    )
    return (await session.scalars(statement)).all()


async def oldest_sign(session: AsyncSession) -> datetime | None:
    """Return the oldest last sign of a part that is awaited."""
    statement = select(func.min(Recording.heard_at)).where(Recording.state.in_(_AWAITED))
    return (await session.execute(statement)).scalar_one()


async def live(session: AsyncSession) -> Sequence[Recording]:
    """Return every part that goes on."""
    return (await session.scalars(select(Recording).where(Recording.state.in_(LIVE)))).all()

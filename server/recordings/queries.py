"""Every SQL statement on recordings. Races are settled under the case's lock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.access import places_of
from server.calls.models import Call, Seat
from server.calls.rules import HALLS, SeatSide
from server.cases.models import Case
from server.cases.rules import CaseState
from server.recordings.models import Recording, RecordingChunk, RecordingOrder
from server.recordings.rules import LIVE, Light, PartState, light_of


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


async def lights_of(session: AsyncSession, call_ids: Sequence[str]) -> dict[str, Light]:
    """Return what the light of each of these live calls shows, if it ever was on."""
    statement = (
        select(Recording.call_id, Recording.seat_id, Recording.state)
        .where(Recording.call_id.in_(call_ids))
        .order_by(Recording.part)
    )
    newest: dict[str, dict[str, PartState]] = {}
    for call_id, seat_id, state in await session.execute(statement):
        newest.setdefault(call_id, {})[seat_id] = state
    return {call_id: light_of(seats.values()) for call_id, seats in newest.items()}


async def chunks_of(session: AsyncSession, recording_id: str) -> Sequence[RecordingChunk]:
    """Return the chunks of a part that have come, in their order."""
    statement = (
        select(RecordingChunk)
        .where(RecordingChunk.recording_id == recording_id)
        .order_by(RecordingChunk.number)
    )
    return (await session.scalars(statement)).all()


async def beginnings(session: AsyncSession, call_id: str) -> dict[str, datetime]:
    """Return when each part of a call that has a first chunk began to hear something."""
    statement = (
        select(RecordingChunk.recording_id, RecordingChunk.began_at)
        .join(Recording, Recording.id == RecordingChunk.recording_id)
        .where(Recording.call_id == call_id, RecordingChunk.number == 0)
    )
    return {row[0]: row[1] for row in await session.execute(statement)}


class Kept(NamedTuple):
    """What is kept of a call: its parts, how many of them are purged, bytes, and until when."""

    parts: int
    purged: int
    size: int
    retain_until: datetime


async def recorded_calls(
    session: AsyncSession, region: str, *, number: str, before: datetime | None, limit: int
) -> list[tuple[Call, Case, Kept]]:
    """Return the newest recorded calls of either side of a region, or of its places.

    A draft is its counter's alone, whatever was recorded before it became one again.
    """
    if not region:
        return []
    kept = (
        select(
            Recording.call_id,
            func.count().label("parts"),
            func.count(Recording.purged_at).label("purged"),
            func.sum(Recording.size).label("size"),
            func.max(Recording.retain_until).label("retain_until"),
        )
        .group_by(Recording.call_id)
        .subquery()
    )
    places = places_of(region)
    statement = (
        select(Call, Case, kept.c.parts, kept.c.purged, kept.c.size, kept.c.retain_until)
        .join(kept, kept.c.call_id == Call.id)
        .join(Case, Case.id == Call.case_id)
        .where(
            or_(
                and_(
                    Case.jurisdiction.startswith(places, autoescape=True),
                    Case.state != CaseState.DRAFT,
                ),
                Case.counter_region.startswith(places, autoescape=True),
            ),
            Case.number.startswith(number, autoescape=True),
        )
        .order_by(Call.started_at.desc(), Call.id)
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(Call.started_at < before)
    rows = await session.execute(statement)
    return [(row[0], row[1], Kept(row[2], row[3], row[4], row[5])) for row in rows]


async def names_of(
    session: AsyncSession, call_ids: Sequence[str]
) -> dict[tuple[str, SeatSide], str]:
    """Return who sat for either hall in each of these calls."""
    statement = select(Seat.call_id, Seat.side, Seat.name).where(
        Seat.call_id.in_(call_ids), Seat.side.in_(HALLS)
    )
    return {(row[0], row[1]): row[2] for row in await session.execute(statement)}


async def seats_of(session: AsyncSession, call_id: str) -> Sequence[Seat]:
    """Return the halls' seats of a call and every other that was recorded, if it was left too."""
    recorded = select(Recording.seat_id).where(Recording.call_id == call_id)
    statement = (
        select(Seat)
        .where(Seat.call_id == call_id, or_(Seat.side.in_(HALLS), Seat.id.in_(recorded)))
        .order_by(Seat.place)
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


PAGE = 50
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


async def overdue(session: AsyncSession, now: datetime) -> Sequence[str]:
    """Return parts whose time is over and whose key is there."""
    statement = (
        select(Recording.id)
        .where(
            Recording.retain_until <= now,
            Recording.purged_at.is_(None),
            Recording.state.not_in(LIVE),
        )
        .limit(PAGE)
    )
    return (await session.scalars(statement)).all()


async def half_purged(session: AsyncSession) -> Sequence[str]:
    """Return parts whose key is destroyed and whose files may be there."""
    statement = (
        select(Recording.id)
        .where(Recording.purged_at.is_not(None), Recording.emptied_at.is_(None))
        .order_by(Recording.purged_at, Recording.id)
        .limit(PAGE)
    )
    return (await session.scalars(statement)).all()


async def note_emptied(session: AsyncSession, recording_id: str, now: datetime) -> None:
    """Note that a purged part's files are gone."""
    await session.execute(
        update(Recording)
        .where(Recording.id == recording_id, Recording.purged_at.is_not(None))
        .values(emptied_at=now)
    )


async def next_overdue(session: AsyncSession) -> datetime | None:
    """Return when the next part's time is over."""
    statement = select(func.min(Recording.retain_until)).where(
        Recording.purged_at.is_(None), Recording.state.not_in(LIVE)
    )
    return (await session.execute(statement)).scalar_one()

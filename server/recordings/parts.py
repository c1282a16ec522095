"""What becomes of parts once they run: their chunks, their gaps, their ends and their failures."""

from __future__ import annotations

from dataclasses import dataclass

from server.calls.queries import list_seats
from server.calls.rules import SeatSide
from server.cases.record import Entry, Records
from server.db.unit import Unit
from server.errors import ServiceError
from server.media import messages as media
from server.recordings import messages as wire
from server.recordings import queries
from server.recordings.models import Recording, RecordingChunk
from server.recordings.rules import (
    MOST_CHUNKS,
    PASSING,
    SILENCE,
    EndedFor,
    PartState,
    missing_numbers,
)
from server.relays.queries import worker_at
from server.rooms import boards
from server.rooms import case as case_room
from server.rooms import clerk as clerk_room
from server.rooms import counter as counter_room


@dataclass(frozen=True, slots=True)
class Parts:
    """Keeps account of parts; each verb works in the unit it is given."""

    records: Records

    async def keep(
        self, unit: Unit, recording_id: str, number: int, given: wire.ChunkGiven, *,
        size: int, file_name: str,
    ) -> wire.ChunkKept:  # fmt: skip
        """Enter a chunk whose file is there; the same again changes nothing.

        Refuses recording.unknown, and chunk.taken for another one under this number.
        """
        entry, part = await self._entry(unit, recording_id)
        known = await queries.find_chunk(unit.session, part.id, number)
        if known is not None:
            if known.sha256 != given.sha256:
                raise ServiceError("chunk.taken")
            return wire.ChunkKept(number=number, sha256=known.sha256)
        if number >= MOST_CHUNKS or part.sealed_key is None:
            raise ServiceError("recording.unknown")
        unit.session.add(RecordingChunk(
            recording_id=part.id, number=number, sha256=given.sha256, size=size,
            file_name=file_name, began_at=given.began_at, ended_at=given.ended_at,
        ))  # fmt: skip
        part.chunks, part.size, part.heard_at = part.chunks + 1, part.size + size, unit.now
        data = {"recording_id": part.id, "number": number, "sha256": given.sha256, "size": size}
        await entry.append("recording.chunk", data)
        if part.state is PartState.FAILED and part.ended_for in PASSING:
            part.state, part.ended_for, part.ended_at = PartState.RECORDING, None, None
            await entry.append("recording.resumed", part.named)
            await self._tell(entry, part.call_id)
        return wire.ChunkKept(number=number, sha256=given.sha256)

    async def note_unkept(self, unit: Unit, recording_id: str) -> None:
        """Raise the alarm for a part whose chunk could not be put away; the next one ends it."""
        entry, part = await self._entry(unit, recording_id)
        if part.state is PartState.RECORDING:
            await self._fail(entry, part, EndedFor.UNKEPT)

    async def note_gap(self, unit: Unit, sid: str, said: media.RecordingGap) -> None:
        """Mark what was lost on a part's line."""
        found = await self._said_of(unit, sid, said.recording_id)
        if found is not None:
            entry, part = found
            lost = {"at": round(said.at, 3), "track": said.track, "packets": said.packets}
            await entry.append("recording.gap", {**part.named, "reason": "line", **lost})

    async def note_end(self, unit: Unit, sid: str, said: media.RecordingEnded) -> None:
        """Note how much a part was; chunks that have not come are marked as a gap."""
        found = await self._said_of(unit, sid, said.recording_id)
        if found is None or found[1].told_chunks is not None:
            return
        entry, part = found
        part.told_chunks, part.frames = said.chunks, said.frames
        lacking = missing_numbers(await queries.numbers_of(unit.session, part.id), said.chunks)
        if lacking:
            data = {**part.named, "reason": "chunks_missing", "numbers": lacking[:100]}
            await entry.append("recording.gap", data)

    async def note_failure(self, unit: Unit, sid: str, said: media.RecordingFailed) -> None:
        """Raise the alarm for a part that cannot go on."""
        found = await self._said_of(unit, sid, said.recording_id)
        if found is not None and found[1].state is not PartState.FAILED:
            await self._fail(*found, EndedFor(said.reason))

    async def hush(self, unit: Unit, recording_id: str) -> None:
        """Raise the alarm for a part that gives no sign, unless it has given one meanwhile."""
        entry, part = await self._entry(unit, recording_id)
        awaited = part.state in {PartState.RECORDING, PartState.CUT}
        if awaited and part.heard_at <= unit.now - SILENCE:
            await self._fail(entry, part, part.ended_for or EndedFor.SILENT)

    async def come_back(self, unit: Unit) -> None:
        """Give every part its time anew, for nobody could bring a chunk while we were away."""
        for part in await queries.live(unit.session):
            part.heard_at = unit.now

    async def _fail(self, entry: Entry, part: Recording, why: EndedFor) -> None:
        part.state, part.ended_for = PartState.FAILED, why
        part.ended_at = part.ended_at or entry.unit.now
        data = {**part.named, "call_id": part.call_id, "reason": why.value}
        await entry.append("recording.failed", data)
        news = {"call_id": part.call_id, "case_id": part.case_id, "reason": why.value}
        for room in await self._rooms(entry, part.call_id):
            entry.unit.notify(room, "recording.failed", news)
        await self._tell(entry, part.call_id)

    async def _entry(self, unit: Unit, recording_id: str) -> tuple[Entry, Recording]:
        part = await queries.find(unit.session, recording_id)
        if part is None:
            raise ServiceError("recording.unknown")
        entry = await self.records.begin_as_service(unit, part.case_id)
        await unit.session.refresh(part)
        return entry, part

    async def _said_of(
        self, unit: Unit, sid: str, recording_id: str
    ) -> tuple[Entry, Recording] | None:
        """Return the part of which its own worker speaks."""
        part = await queries.find(unit.session, recording_id)
        worker = await worker_at(unit.session, sid)
        if part is None or worker is None or part.worker_id != worker.id:
            return None
        return await self._entry(unit, recording_id)

    async def _tell(self, entry: Entry, call_id: str) -> None:
        news = {"call_id": call_id, "case_id": entry.case.id}
        for room in await self._rooms(entry, call_id):
            entry.unit.notify(room, "recording.changed", news)

    async def _rooms(self, entry: Entry, call_id: str) -> list[str]:
        seats = await list_seats(entry.unit.session, call_id)
        case = entry.case
        rooms = {clerk_room(s.holder) for s in seats if s.side is not SeatSide.CITIZEN}
        rooms |= boards(case.jurisdiction, case.counter_region)
        return sorted(rooms | {case_room(case.id), counter_room(case.counter)})

"""What does not fit together among recordings: rows, chunks, files, keys, and what the log says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from server.db.engine import Database
from server.files import FileStore
from server.recordings.films import Films
from server.recordings.models import Recording, RecordingChunk
from server.recordings.queries import chunks_of
from server.recordings.rules import FOLDER, LIVE
from server.supervision import audit_queries as queries
from server.vault import CaseKey, Vault, VaultError

# So long after a part's end its last chunks may still be on their way to their rows.
ON_ITS_WAY: Final = timedelta(minutes=10)


class Finding(NamedTuple):
    """One fault: its code, what it is about, and words."""

    code: str
    about: str
    says: str = ""


@dataclass(frozen=True, slots=True)
class RecordingAudit:
    """Walks every part: each chunk is opened and held against the log.

    The session may be on a copy: what is missing or too much in the folder is held against `live`.
    """

    session: AsyncSession
    files: FileStore
    vault: Vault
    now: datetime
    live: Database

    async def parts(self) -> AsyncIterator[tuple[Recording, list[Finding]]]:
        """Yield every part with what is wrong with it."""
        async for part in queries.every(self.session, Recording, Recording.id):
            yield part, [one async for one in self._part(part)]

    async def _part(self, part: Recording) -> AsyncIterator[Finding]:
        logged = await queries.logged_chunks(self.session, part.case_id, part.id)
        chunks = await chunks_of(self.session, part.id)
        if part.chunks != len(chunks):
            yield Finding("recording.miscounted", part.id, f"{len(chunks)} of {part.chunks} chunks")
        for number in sorted(logged.keys() - {chunk.number for chunk in chunks}):
            yield Finding("chunk.missing", f"{part.id} #{number}", "the log has it")
        for chunk in chunks:
            finding = _compare(chunk, logged)
            if finding is not None:
                yield finding
        async for finding in self._contents(part, list(chunks)):
            yield finding

    async def _contents(
        self, part: Recording, chunks: list[RecordingChunk]
    ) -> AsyncIterator[Finding]:
        if part.sealed_key is None:
            if part.purged_at is None or not await queries.is_purged(self.session, part):
                yield Finding("recording.locked", part.id, "its key is gone, and no log says why")
            return
        try:
            key = self.vault.open_key(part.sealed_key, part.id)
        except VaultError:
            yield Finding("recording.locked", part.id, "its key does not open")
            return
        for chunk in chunks:
            finding = await self._open(key, chunk)
            if finding is not None:
                yield finding

    async def _open(self, key: CaseKey, chunk: RecordingChunk) -> Finding | None:
        about = f"{chunk.recording_id} #{chunk.number}"
        try:
            content = await Films(self.files, self.vault).open(key, chunk)
        except FileNotFoundError:
            if await self._is_purged_by_now(chunk.recording_id):
                return None
            return Finding("chunk.lost", about, "its file is not there")
        if content is None:
            return Finding("chunk.altered", about, "it is not what was recorded")
        if len(content) != chunk.size:
            return Finding("chunk.resized", about, f"{len(content)} bytes, not {chunk.size}")
        return None

    async def strays(self) -> AsyncIterator[Finding]:
        """Yield the files of no chunk, but those that may be on their way to their row."""
        parts: dict[str, tuple[bool, set[str]]] = {}
        for name in await self.files.names(FOLDER):
            recording_id = name.split("/")[1]
            if recording_id not in parts:
                # Whoever puts a file has its part in the database before.
                async with self.live.reading() as session:
                    parts[recording_id] = await self._names_of(session, recording_id)
            is_open, known = parts[recording_id]
            if is_open or name in known:
                continue
            # A purge may have removed it since.
            if name in await self.files.names(f"{FOLDER}/{recording_id}"):
                yield Finding("file.stray", name)

    async def _is_purged_by_now(self, recording_id: str) -> bool:
        async with self.live.reading() as session:
            part = await session.get(Recording, recording_id)
            return part is not None and part.purged_at is not None

    async def _names_of(self, session: AsyncSession, recording_id: str) -> tuple[bool, set[str]]:
        part = await session.get(Recording, recording_id)
        if part is None:
            return False, set()
        if part.purged_at is not None:
            # A purge that is not through yet goes on by itself.
            return part.emptied_at is None, set()
        recent = part.ended_at is not None and self.now - part.ended_at < ON_ITS_WAY
        chunks = await chunks_of(session, recording_id)
        return part.state in LIVE or recent, {chunk.file_name for chunk in chunks}


def _compare(chunk: RecordingChunk, logged: Mapping[int, list[str]]) -> Finding | None:
    about = f"{chunk.recording_id} #{chunk.number}"
    hashes = logged.get(chunk.number, [])
    if len(hashes) != 1:
        return Finding("chunk.unlogged", about, f"{len(hashes)} events")
    if hashes[0] != chunk.sha256:
        return Finding("chunk.rewritten", about, f"the log says {hashes[0]}")
    return None

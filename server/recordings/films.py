"""Parts as films: opened chunk by chunk, each by its hash, under a head that can be sought."""

from __future__ import annotations

import asyncio
import hashlib
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from server.errors import ServiceError
from server.files import FileStore
from server.recordings.models import Recording, RecordingChunk
from server.recordings.rules import chunk_context
from server.recordings.webm import Scan
from server.vault import CaseKey, Vault, VaultError

MOST_KEPT: Final = 64


@dataclass(frozen=True, slots=True)
class Run:
    """So many bytes of the film stand so in the chunks: after one another, from `start` on."""

    at: int
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Film:
    """What is known of a part's file: its head, and where the rest of it stands.

    Chunks that are not there or not as they were recorded are left out, and named.
    """

    head: bytes
    runs: tuple[Run, ...]
    chunks: tuple[RecordingChunk, ...]
    starts: tuple[int, ...]
    size: int
    seconds: float
    lost: tuple[int, ...]
    altered: tuple[int, ...]


@dataclass(slots=True)
class Films:
    """Opens parts; what it learns of them it keeps for the next question, their bytes never."""

    files: FileStore
    vault: Vault
    _known: OrderedDict[tuple[str, int], Film] = field(default_factory=OrderedDict)

    async def film(self, part: Recording, chunks: Sequence[RecordingChunk]) -> Film:
        """Return the film of a part; refuses recording.purged when its key is destroyed."""
        self._key(part)
        name = part.id, len(chunks)
        known = self._known.get(name)
        if known is None:
            return await self.look_through(part, chunks)
        self._known.move_to_end(name)
        return known

    async def look_through(self, part: Recording, chunks: Sequence[RecordingChunk]) -> Film:
        """Return the film of a part as its chunks are now, whatever was known of them."""
        found = await self._scan(self._key(part), chunks)
        name = part.id, len(chunks)
        self._known[name] = found
        self._known.move_to_end(name)
        while len(self._known) > MOST_KEPT:
            self._known.popitem(last=False)
        return found

    async def read(self, part: Recording, film: Film, first: int, count: int) -> bytes:
        """Return so many bytes of a film; refuses recording.altered for a chunk that changed."""
        key = self._key(part)
        found = film.head[first : first + count]
        at = first + len(found)
        while len(found) < count and at < film.size:
            piece = await self._piece(key, film, at, count - len(found))
            found += piece
            at += len(piece)
        return found

    async def _piece(self, key: CaseKey, film: Film, at: int, most: int) -> bytes:
        """Return bytes from one chunk: up to its end, or to that of the run that they are in."""
        run = film.runs[bisect_right(film.runs, at, key=lambda one: one.at) - 1]
        place = run.start + at - run.at
        number = bisect_right(film.starts, place) - 1
        content = await self.open(key, film.chunks[number])
        if content is None:
            raise ServiceError("recording.altered")
        begins = place - film.starts[number]
        return content[begins : begins + min(most, run.at + run.size - at)]

    async def open(self, key: CaseKey, chunk: RecordingChunk) -> bytes | None:
        """Return what a chunk says; None if it is not what was recorded.

        FileNotFoundError if it is not there.
        """
        sealed = await self.files.get(chunk.file_name)
        return await asyncio.to_thread(_open, key, sealed, chunk)

    def _key(self, part: Recording) -> CaseKey:
        if part.sealed_key is None:
            raise ServiceError("recording.purged")
        return self.vault.open_key(part.sealed_key, part.id)

    async def _scan(self, key: CaseKey, chunks: Sequence[RecordingChunk]) -> Film:
        scan, there, starts = Scan(), [], []
        lost, altered = [], []
        at, expected = 0, 0
        for chunk in chunks:
            try:
                content = await self.open(key, chunk)
                if content is None:
                    altered.append(chunk.number)
            except FileNotFoundError:
                content = None
                lost.append(chunk.number)
            if content is None or chunk.number != expected:
                scan.skip()
            expected = chunk.number + 1
            if content is not None:
                there.append(chunk)
                starts.append(at)
                at += len(content)
                await asyncio.to_thread(scan.feed, content)
        head = scan.head()
        runs: list[Run] = []
        size = len(head)
        for one in scan.clusters:
            if runs and runs[-1].start + runs[-1].size == one.start:
                runs[-1] = Run(runs[-1].at, runs[-1].start, runs[-1].size + one.size)
            else:
                runs.append(Run(size, one.start, one.size))
            size += one.size
        ended = max((one.ended for one in scan.clusters), default=0)
        return Film(
            head=head, runs=tuple(runs), chunks=tuple(there), starts=tuple(starts), size=size,
            seconds=ended / 1000, lost=tuple(lost), altered=tuple(altered),
        )  # fmt: skip


def _open(key: CaseKey, sealed: bytes, chunk: RecordingChunk) -> bytes | None:
    try:
        content = key.open_bytes(sealed, chunk_context(chunk.recording_id, chunk.number))
    except VaultError:
        return None
    return content if hashlib.sha256(content).hexdigest() == chunk.sha256 else None

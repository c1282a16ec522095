"""Recordings over HTTP: the agent's commands, and the workers' chunks."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Any

from server.access import Action, authorize
from server.calls.routes import CALL
from server.errors import ServiceError
from server.files import FileStore
from server.recordings import messages as wire
from server.recordings import queries
from server.recordings.films import Films
from server.recordings.rules import FOLDER, MOST_CHUNK_BYTES, chunk_context
from server.recordings.service import Recordings
from server.recordings.viewing import Viewings
from server.vault import CaseKey
from server.web.http import Ask, Empty, FileAnswer, Route, Upload
from server.web.login import Audience
from server.web.ranges import read_range

# A player has enough to do with so much, and asks for the rest by and by.
MOST_AT_ONCE = 1 << 20
FILM = "/api/viewings/{viewing_id:[0-9a-f]{32}}/recordings/{recording_id:[0-9a-f]{32}}/film"
CHUNK = "/api/media/recordings/{recording_id:[0-9a-f]{32}}/chunks/{number:[0-9]{1,5}}"


@dataclass(frozen=True, slots=True)
class _Handlers:
    recordings: Recordings
    viewings: Viewings
    films: Films
    files: FileStore

    async def start_recording(self, ask: Ask[Empty]) -> wire.CallRecording:
        return await ask.command(
            lambda unit: self.recordings.start(unit, ask.actor, ask.path["call_id"])
        )

    async def pause_recording(self, ask: Ask[wire.Pause]) -> wire.CallRecording:
        return await ask.command(
            lambda unit: self.recordings.pause(
                unit, ask.actor, ask.path["call_id"], ask.said.reason
            )
        )

    async def read_recording(self, ask: Ask[Empty]) -> wire.CallRecording:
        async with ask.database.reading() as session:
            return await self.recordings.read(session, ask.actor, ask.path["call_id"])

    async def read_shown_recording(self, ask: Ask[Empty]) -> wire.CallRecording:
        return await self.read_recording(ask)

    async def list_recordings(self, ask: Ask[wire.RecordedQuery]) -> wire.RecordedCalls:
        async with ask.database.reading() as session:
            return await self.viewings.find(session, ask.actor, ask.said)

    async def open_viewing(self, ask: Ask[wire.ViewingReason]) -> wire.Viewing:
        """Look through every chunk, then open the recording: what cannot be played is known."""
        call_id = ask.path["call_id"]
        async with ask.database.reading() as session:
            parts = await self.viewings.parts(session, ask.actor, call_id)
        films = {part.id: await self.films.look_through(part, chunks) for part, chunks in parts}
        return await ask.command(
            lambda unit: self.viewings.open(unit, ask.actor, call_id, ask.said.reason, films)
        )

    async def stream_film(self, ask: Ask[Empty]) -> FileAnswer:
        """Give the asked range of a film that was opened before."""
        async with ask.database.reading() as session:
            part, chunks = await self.viewings.opened(
                session, ask.actor, ask.path["viewing_id"], ask.path["recording_id"],
                ask.units.clock(),
            )  # fmt: skip
        film = await self.films.film(part, chunks)
        first, count = read_range(ask.range, film.size, MOST_AT_ONCE)
        try:
            content = await self.films.read(part, film, first, count)
        except FileNotFoundError:
            raise ServiceError("recording.altered") from None
        return FileAnswer(
            content, "video/webm", f"{part.id}.webm", attachment=False, first=first, of=film.size
        )

    async def keep_chunk(self, ask: Ask[wire.ChunkGiven]) -> wire.ChunkKept:
        """Seal a chunk and put it away, then enter it: no row is without its file."""
        authorize(ask.actor, Action.FILE_CHUNK)
        recording_id, number = ask.path["recording_id"], int(ask.path["number"])
        async with ask.database.reading() as session:
            part = await queries.find(session, recording_id)
        if part is None or part.sealed_key is None:
            raise ServiceError("recording.unknown")
        key = self.recordings.records.vault.open_key(part.sealed_key, part.id)
        context = chunk_context(recording_id, number)
        sealed = await asyncio.to_thread(_seal, key, ask.content, ask.said.sha256, context)
        name = f"{FOLDER}/{recording_id}/{number:05d}-{ask.said.sha256}"
        try:
            await self.files.put(name, sealed)
        except OSError:
            # A full disk is no secret until the chunks are overdue: it is told now.
            async with ask.units.open() as unit:
                await self.recordings.note_unkept(unit, recording_id)
            raise
        try:
            return await ask.command(
                lambda unit: self.recordings.keep(
                    unit, recording_id, number, ask.said, size=len(ask.content), file_name=name
                )
            )
        except ServiceError:
            await self.files.remove(name)
            raise


def _seal(key: CaseKey, content: bytes, sha256: str, context: str) -> bytes:
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ServiceError("chunk.altered")
    return key.seal_bytes(content, context)


def routes(recordings: Recordings, files: FileStore) -> list[Route[Any]]:
    """Return this domain's lines of the API."""
    records = recordings.records
    viewings = Viewings(records, recordings.reader)
    on = _Handlers(recordings, viewings, Films(files, records.vault), files)
    return [
        Route("POST", CALL + "/recording", Action.RECORD_CALL, Empty, on.start_recording,
              wire.CallRecording, "Record the call, or go on after a pause"),
        Route("POST", CALL + "/recording/pause", Action.RECORD_CALL, wire.Pause,
              on.pause_recording, wire.CallRecording, "Keep nothing for a while, and say why"),
        Route("GET", CALL + "/recording", Action.READ_RECORDING, Empty, on.read_recording,
              wire.CallRecording, "Whether the call is recorded, and every part of it"),
        Route("GET", "/api/facing/calls/{call_id:[0-9a-f]{32}}/recording", Action.READ_RECORDING,
              Empty, on.read_shown_recording, wire.CallRecording,
              "Whether the call that a facing screen shows is recorded",
              audience=Audience.DEVICE),
        Route("GET", "/api/recordings", Action.LIST_RECORDINGS, wire.RecordedQuery,
              on.list_recordings, wire.RecordedCalls, "The newest recorded calls of my region"),
        Route("POST", CALL + "/viewings", Action.VIEW_RECORDING, wire.ViewingReason,
              on.open_viewing, wire.Viewing, "Open a call's recording, and say why"),
        Route("GET", FILM, Action.VIEW_RECORDING, Empty, on.stream_film, None,
              "A range of a part's film, which was opened before"),
        Route("PUT", CHUNK, Action.FILE_CHUNK, wire.ChunkGiven, on.keep_chunk, wire.ChunkKept,
              "Bring a chunk of a recording", audience=Audience.WORKER,
              upload=Upload(MOST_CHUNK_BYTES, ("video/webm",))),
    ]  # fmt: skip

"""Exports over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from server.access import Action
from server.calls.routes import CALL
from server.cases.reading import Reader
from server.errors import ServiceError
from server.exports import messages as wire
from server.exports import queries
from server.exports.making import Making, room_for
from server.exports.rules import SUFFIXES
from server.recordings.viewing import Viewings
from server.web.http import Ask, Empty, Route, StreamAnswer

EXPORT = "/api/exports/{export_id:[0-9a-f]{32}}"


@dataclass(frozen=True, slots=True)
class _Handlers:
    making: Making
    viewings: Viewings

    async def request_export(self, ask: Ask[wire.ExportReason]) -> wire.ExportJob:
        """Refuse what cannot be opened, and disk.full; then order the film."""
        call_id, exports = ask.path["call_id"], self.making.exports
        async with ask.database.reading() as session:
            parts = await self.viewings.parts(session, ask.actor, call_id)
            is_there = await queries.current_of(session, call_id) is not None
        if not any(chunks for _, chunks in parts):
            raise ServiceError("recording.missing")
        if not is_there and await self.making.files.room() < room_for(parts):
            raise ServiceError("disk.full")
        return await ask.command(
            lambda unit: exports.request(unit, ask.actor, call_id, ask.said.reason)
        )

    async def read_export(self, ask: Ask[Empty]) -> wire.ExportJob | None:
        async with ask.database.reading() as session:
            return await self.making.exports.newest(session, ask.actor, ask.path["call_id"])

    async def cancel_export(self, ask: Ask[Empty]) -> wire.ExportJob:
        return await ask.command(
            lambda unit: self.making.exports.cancel(unit, ask.actor, ask.path["export_id"])
        )

    async def take_export(self, ask: Ask[Empty]) -> StreamAnswer:
        exports = self.making.exports
        async with ask.database.reading() as session:
            row = await exports.film(session, ask.actor, ask.path["export_id"], ask.units.clock())
        if not await self.making.is_there(row):
            raise ServiceError("export.altered")
        async with ask.units.open() as unit:
            number = await exports.note_taken(unit, ask.actor, row)
        media_type = row.media_type or ""
        name = f"录音录像-{number}-{row.call_id[:8]}.{SUFFIXES[media_type]}"
        return StreamAnswer(self.making.read(row), row.size or 0, media_type, name)


def routes(making: Making, reader: Reader) -> list[Route[Any]]:
    """Return this domain's lines of the API."""
    on = _Handlers(making, Viewings(making.exports.records, reader))
    action = Action.EXPORT_RECORDING
    return [
        Route("POST", CALL + "/export", action, wire.ExportReason, on.request_export,
              wire.ExportJob, "Have a call's recording made into one film, and say why"),
        Route("GET", CALL + "/export", action, Empty, on.read_export, wire.ExportJob,
              "The newest export of a call", nullable=True),
        Route("POST", EXPORT + "/cancel", action, Empty, on.cancel_export, wire.ExportJob,
              "Give an export up that I asked for"),
        Route("GET", EXPORT + "/file", action, Empty, on.take_export, None,
              "The film, for those who asked for it"),
    ]  # fmt: skip

"""What media workers say of recordings over their socket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from server.db.unit import Units
from server.media import messages as media
from server.recordings.service import Recordings
from server.web.socket import Heard, SocketEvent


@dataclass(frozen=True, slots=True)
class _Handlers:
    recordings: Recordings
    units: Units

    async def gap(self, heard: Heard[media.RecordingGap]) -> None:
        async with self.units.open() as unit:
            await self.recordings.note_gap(unit, heard.connection.sid, heard.said)

    async def end(self, heard: Heard[media.RecordingEnded]) -> None:
        async with self.units.open() as unit:
            await self.recordings.note_end(unit, heard.connection.sid, heard.said)

    async def failure(self, heard: Heard[media.RecordingFailed]) -> None:
        async with self.units.open() as unit:
            await self.recordings.note_failure(unit, heard.connection.sid, heard.said)


def worker_events(recordings: Recordings, units: Units) -> list[SocketEvent[Any]]:
    """Return what a media worker may say of recordings."""
    on = _Handlers(recordings, units)
    return [
        SocketEvent("recording.gap", media.RecordingGap, on.gap),
        SocketEvent("recording.ended", media.RecordingEnded, on.end),
        SocketEvent("recording.failed", media.RecordingFailed, on.failure),
    ]

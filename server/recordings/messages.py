"""Recordings on the wire; what media workers say is in `server.media.messages`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints, field_validator

from server.calls.rules import SeatSide
from server.recordings.models import Recording
from server.recordings.rules import EndedFor, PartState
from server.web.http import Message

LATEST = 4_102_444_800.0


class ChunkGiven(Message):
    """What comes with a chunk: the SHA-256 of its bytes, and when it began and ended (UNIX)."""

    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    began: Annotated[float, Field(ge=0, le=LATEST, allow_inf_nan=False)]
    ended: Annotated[float, Field(ge=0, le=LATEST, allow_inf_nan=False)]

    @property
    def began_at(self) -> datetime:
        """When it began."""
        return datetime.fromtimestamp(self.began, UTC)

    @property
    def ended_at(self) -> datetime:
        """When it ended."""
        return datetime.fromtimestamp(self.ended, UTC)


class ChunkKept(Message):
    """A chunk that is kept."""

    number: int
    sha256: str


class Pause(Message):
    """Why nothing is kept for a while."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=200)]

    @field_validator("reason")
    @classmethod
    def _says_something(cls, reason: str) -> str:
        if not reason.strip():
            raise ValueError("expected a reason")
        return reason


class Part(Message):
    """One part of what a seat sent."""

    id: str
    seat_id: str
    side: SeatSide
    part: int
    state: PartState
    ended_for: EndedFor | None
    began_at: datetime
    ended_at: datetime | None
    chunks: int
    frames: int | None
    size: int

    @classmethod
    def of(cls, row: Recording) -> Part:
        """Build from a row."""
        return cls(
            id=row.id, seat_id=row.seat_id, side=row.side, part=row.part, state=row.state,
            ended_for=row.ended_for, began_at=row.began_at, ended_at=row.ended_at,
            chunks=row.chunks, frames=row.frames, size=row.size,
        )  # fmt: skip


class CallRecording(Message):
    """Whether a call is recorded now (the red light), and every part so far."""

    call_id: str
    light: Literal["off", "recording", "paused", "failed"]
    parts: list[Part]


class RecordingChanged(Message):
    """A call's recording is not as it was: ask again."""

    call_id: str
    case_id: str


class RecordingFailed(RecordingChanged):
    """The alarm: something of a call is not recorded."""

    reason: EndedFor


NOTICES: dict[str, type[BaseModel]] = {
    "recording.changed": RecordingChanged,
    "recording.failed": RecordingFailed,
}

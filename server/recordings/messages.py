"""Recordings on the wire; what media workers say is in `server.media.messages`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, field_validator

from server.calls.rules import SeatSide
from server.recordings.models import Recording
from server.recordings.rules import EndedFor, Light, PartState
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


class ViewingReason(Pause):
    """Why somebody opens a recording."""


class RecordedQuery(Message):
    """Which recorded calls: those whose case's number begins so, before that time."""

    number: Annotated[str, StringConstraints(max_length=40)] = ""
    before: AwareDatetime | None = None


class RecordedCall(Message):
    """One recorded call in a list."""

    call_id: str
    case_id: str
    number: str
    item_name: str
    local_name: str
    agent_name: str
    started_at: datetime
    ended_at: datetime | None
    parts: int
    size: int
    retain_until: datetime
    purged: bool


class RecordedCalls(Message):
    """The newest recorded calls of a region."""

    calls: list[RecordedCall]
    more: bool


class ViewedSeat(Message):
    """Whose picture it is."""

    id: str
    side: SeatSide
    name: str
    office: str


class ViewedPart(Message):
    """A part as it can be played: from when on, how long, and which chunks of it cannot be."""

    id: str
    seat_id: str
    part: int
    began_at: datetime
    seconds: float
    chunks: int
    lost: list[int]
    altered: list[int]
    purged: bool


class Viewing(Message):
    """A call's recording, opened to one login until it expires."""

    id: str
    expires_at: datetime
    call_id: str
    case_id: str
    number: str
    item_code: str
    item_version: str
    item_name: str
    started_at: datetime
    ended_at: datetime | None
    seats: list[ViewedSeat]
    parts: list[ViewedPart]


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
    light: Light
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

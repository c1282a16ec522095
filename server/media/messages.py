"""What a worker and the service say to each other; `docs/protocol.md` says when."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

Id = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Sdp = Annotated[str, Field(min_length=1, max_length=64 * 1024)]
Name = Annotated[str, Field(max_length=64)]
Reason = Annotated[str, Field(pattern=r"^[a-z]{1,16}$")]
MOST_LEGS: Final = 1000
LONGEST_PROBE: Final = 10


class Message(BaseModel):
    """One message; what it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LegOffered(Message):
    """A browser's offer."""

    leg_id: Id
    n: int
    sdp: Sdp


class LegAnswered(Message):
    """The worker's answer to offer `n`."""

    leg_id: Id
    n: int
    sdp: Sdp


class LegRefused(Message):
    """Offer `n` cannot be answered."""

    leg_id: Id
    n: int
    code: Name


class LegResumed(Message):
    """The leg's tab has a new socket and must hear again what comes into its slots."""

    leg_id: Id


class LegProbed(Message):
    """The leg's tab wants to hear itself for so many seconds, to measure its way here."""

    leg_id: Id
    seconds: Annotated[int, Field(ge=1, le=LONGEST_PROBE)]


class LegMeasured(Message):
    """A probe is over: so many packets came from the tab, and so many got lost on the way."""

    leg_id: Id
    packets: Annotated[int, Field(ge=0)]
    lost: Annotated[int, Field(ge=0)]


class LegClosed(Message):
    """The leg is wanted no more."""

    leg_id: Id


class LegChanged(Message):
    """What became of a leg's connection."""

    leg_id: Id
    state: Literal["connected", "failed", "closed"]


class NegotiationWanted(Message):
    """How many slots of each kind the leg's browser must have.

    `again`: it offers even if it has them, for the answer will be another one.
    """

    leg_id: Id
    audio: int
    video: int
    again: bool = False


class MappedStream(Message):
    """Whose stream comes into a slot."""

    mid: Name
    seat_id: Id
    kind: Literal["camera", "screen", "document"]


class StreamsMapped(Message):
    """All that comes into a leg's slots from now on."""

    leg_id: Id
    call_id: Id
    streams: list[MappedStream]


class ArrangedSeat(Message):
    """One seat of a call: its leg, whose streams it gets, and which recording it goes into."""

    seat_id: Id
    leg_id: Id
    hears: list[Id]
    record: Id | None = None
    paused: bool = False


class CallArranged(Message):
    """The whole of a call on this worker; without seats it is over."""

    call_id: Id
    version: int
    seats: list[ArrangedSeat]


class CallsTold(Message):
    """A worker has been told every call of its own since it came onto this line."""


class WorkerReported(Message):
    """That a worker is there, what it can take and what it has: its legs.

    A thousand legs are more than a core can carry, and still fit into one frame. `dropped` counts
    the packets that it threw away since its last report, by reason.
    """

    worker_id: Id
    name: Name
    capacity: Annotated[int, Field(ge=0, le=MOST_LEGS)]
    legs: Annotated[list[Id], Field(max_length=MOST_LEGS)]
    dropped: Annotated[dict[Reason, Annotated[int, Field(gt=0)]], Field(max_length=32)] = Field(
        default_factory=dict
    )


class RecordingGap(Message):
    """So many packets of a track were lost for good, the first one at this UNIX time."""

    recording_id: Id
    at: float
    track: Literal["audio", "video"]
    packets: Annotated[int, Field(ge=1)]


class RecordingEnded(Message):
    """All chunks of a recording have been brought: how many they are, and frames in them."""

    recording_id: Id
    chunks: Annotated[int, Field(ge=0)]
    frames: Annotated[int, Field(ge=0)]


class RecordingFailed(Message):
    """A recording cannot go on: chunks pile up, are refused, or the recorder broke."""

    recording_id: Id
    reason: Literal["overflow", "refused", "broken"]

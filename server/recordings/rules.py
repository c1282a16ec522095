"""The rules of recordings: what a part's states are, and when silence is a failure."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final

from server.calls.rules import HALLS, SeatSide

# Chunks come every five seconds; two may be late before it is called a failure.
SILENCE: Final = timedelta(seconds=15)
MOST_CHUNK_BYTES: Final = 8 * 1024 * 1024
MOST_CHUNKS: Final = 100_000
# Where their files are.
FOLDER: Final = "recordings"
# What is opened with a reason stays open so long: a long call and a second look at it.
VIEWING_LASTS: Final = timedelta(hours=2)
# The facing screen sends nothing, and who only observes is not of the case.
RECORDED: Final = frozenset({*HALLS, SeatSide.ADVISER})


class PartState(enum.StrEnum):
    """Where a part of a seat's recording stands.

    A part that is cut ended before its call did, and no other has followed it yet.
    """

    RECORDING = "recording"
    PAUSED = "paused"
    CUT = "cut"
    ENDED = "ended"
    FAILED = "failed"


class EndedFor(enum.StrEnum):
    """Why a part ended."""

    CALL_ENDED = "call_ended"
    LEG_LOST = "leg_lost"
    WORKER_LOST = "worker_lost"
    SEAT_MOVED = "seat_moved"
    SEAT_LEFT = "seat_left"
    CONSENT_MISSING = "consent_missing"
    SILENT = "silent"
    UNKEPT = "unkept"
    OVERFLOW = "overflow"
    REFUSED = "refused"
    BROKEN = "broken"


# A part that failed so goes on with the next chunk of it that is kept.
PASSING: Final = frozenset({EndedFor.SILENT, EndedFor.UNKEPT})
LIVE: Final = (PartState.RECORDING, PartState.PAUSED, PartState.CUT)


class Light(enum.StrEnum):
    """What a call's red light shows."""

    OFF = "off"
    RECORDING = "recording"
    PAUSED = "paused"
    FAILED = "failed"


def light_of(newest: Iterable[PartState]) -> Light:
    """Return what the light of a live call shows, by the state of each seat's newest part.

    Of several the worst that somebody must know of: a failure, then that it is being recorded.
    """
    states = set(newest)
    shown = (Light.FAILED, Light.RECORDING, Light.PAUSED)
    return next((light for light in shown if light.value in states), Light.OFF)


def is_kept(newest: Mapping[SeatSide, tuple[PartState, EndedFor | None, int]]) -> bool:
    """Say whether both halls are recorded, by the newest part of each: state, end and chunks."""
    return all(side in newest and _is_good(*newest[side]) for side in HALLS)


def _is_good(state: PartState, ended_for: EndedFor | None, chunks: int) -> bool:
    over = state is PartState.ENDED and ended_for is EndedFor.CALL_ENDED
    return chunks > 0 and (state is PartState.RECORDING or over)


def chunk_context(recording_id: str, number: int) -> str:
    """Return what a chunk's ciphertext is bound to."""
    return f"recording:{recording_id}:{number}"


def missing_numbers(numbers: Iterable[int], count: int) -> list[int]:
    """Return which of so many chunks have not come."""
    return sorted(set(range(count)) - set(numbers))

"""The rules of exports: a job's states, how long its film is kept, and what may still come."""

from __future__ import annotations

import enum
from datetime import datetime, timedelta
from typing import Final

from server.recordings.rules import LIVE, EndedFor, PartState

# Where their files are.
FOLDER: Final = "exports"
# A film is made to be taken away; it can be made again as long as its recording is kept.
EXPORT_LASTS: Final = timedelta(days=7)
# Who composes gives a sign every few seconds; after so long without one another takes it up.
LEASE: Final = timedelta(seconds=60)
SIGN_EVERY: Final = timedelta(seconds=5)
# What broke its process so often will break it again.
MOST_TRIES: Final = 3
# The last chunks of a part are on their way for so long after its end.
LAST_CHUNKS: Final = timedelta(seconds=60)
# Room on the disk that belongs to the recordings of calls that go on.
RESERVE: Final = 256 * 1024 * 1024
# Picture and sound of any film of ours need less.
MOST_BYTES_A_SECOND: Final = 1_000_000
# How often, in pages of its film, who composes looks whether there is still room.
LOOK_EVERY: Final = 16
DONE: Final = 100
# What a film can be, and how its name ends then.
SUFFIXES: Final = {"video/mp4": "mp4", "video/webm": "webm"}


class ExportState(enum.StrEnum):
    """Where an export stands."""

    QUEUED = "queued"
    COMPOSING = "composing"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class ExportFailure(enum.StrEnum):
    """Why there is no film; each is also a code that callers know."""

    ALTERED = "recording.altered"
    PURGED = "recording.purged"
    MISSING = "recording.missing"
    DISK_FULL = "disk.full"
    BROKEN = "export.broken"
    INTERRUPTED = "export.interrupted"


# Of these a call has one at most: who asks again is given it.
CURRENT: Final = (ExportState.QUEUED, ExportState.COMPOSING, ExportState.READY)
UNDER_WAY: Final = (ExportState.QUEUED, ExportState.COMPOSING)
# A part that ended so will bring nothing more.
_NOBODY_LEFT: Final = frozenset({EndedFor.WORKER_LOST, EndedFor.REFUSED, EndedFor.BROKEN})


def may_still_grow(
    state: PartState, ended_for: EndedFor | None, ended_at: datetime | None, *,
    chunks: int, told: int | None, now: datetime,
) -> bool:  # fmt: skip
    """Say whether chunks of a part may still be on their way."""
    if state in LIVE:
        return True
    if told is not None and chunks >= told:
        return False
    if ended_at is None or ended_for in _NOBODY_LEFT:
        return False
    return now - ended_at < LAST_CHUNKS


def percent(seconds: float, of: float) -> int:
    """Return how much is done, never all of it before it is."""
    return min(DONE - 1, max(0, int(seconds * DONE / of))) if of > 0 else 0


def pages_of(recorded: int, seconds: float, page: int) -> int:
    """Return how many pages a film has at most: it is smaller than its recording, as a rule."""
    return 16 + (2 * recorded + int(seconds * MOST_BYTES_A_SECOND)) // page


def page_name(export_id: str, claim: str, number: int) -> str:
    """Return under which name a page of a film is kept: another attempt never touches it."""
    return f"{FOLDER}/{export_id}/{claim}-{number:06d}"


def page_context(export_id: str, claim: str, number: int) -> str:
    """Return what a page's ciphertext is bound to."""
    return f"export:{export_id}:{claim}:{number}"

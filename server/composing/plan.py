"""What a film of a call is to be made of: lanes of clips on one line of time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Clip:
    """A part of what a seat sent: from when on it plays, in seconds, and how long its file is."""

    lane: int
    at: float
    seconds: float
    size: int


@dataclass(frozen=True, slots=True)
class Hole:
    """Where a lane has nothing to show, in seconds, and why."""

    lane: int
    began: float
    ended: float
    words: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A film: when it begins, how long it is, who is in which lane, and what plays there.

    `font` is a TrueType file, `title` stands beside the time in every picture.
    """

    title: str
    began_at: datetime
    seconds: float
    captions: tuple[str, ...]
    clips: tuple[Clip, ...]
    holes: tuple[Hole, ...]
    font: str


@dataclass(frozen=True, slots=True)
class Made:
    """What came of it: a media type, how many bytes of which the first so many came last."""

    media_type: str
    size: int
    held: int

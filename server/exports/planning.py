"""What a call's film is made of: who is in which lane, what plays when, and why nothing does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources

from server.calls.models import Seat
from server.cases.models import CaseEvent
from server.composing.plan import Clip, Hole, Plan
from server.recordings.films import Film
from server.recordings.models import Recording
from server.texts import GAP_WORDS, PAUSED_WORDS, PURGED_WORDS, SIDE_WORDS

# What is shorter is between two parts that follow each other.
_SHORTEST_HOLE = 0.5


@dataclass(frozen=True, slots=True)
class Sources:
    """All that is known of a call's recording."""

    call_id: str
    number: str
    seats: Sequence[Seat]
    parts: Sequence[Recording]
    begins: Mapping[str, datetime]
    films: Mapping[str, Film]
    marks: Sequence[CaseEvent]


def plan_of(sources: Sources) -> tuple[Plan, list[Recording]] | None:
    """Return the plan of a call's film, and the part of each clip; None if there is nothing."""
    playable = [
        part for part in sources.parts
        if part.id in sources.films and sources.films[part.id].seconds > 0
    ]  # fmt: skip
    if not playable:
        return None
    began = {part.id: sources.begins.get(part.id, part.began_at) for part in sources.parts}
    start = min(began[part.id] for part in playable)
    lanes = {seat.id: lane for lane, seat in enumerate(sources.seats)}
    clips = tuple(
        Clip(
            lane=lanes[part.seat_id], at=(began[part.id] - start).total_seconds(),
            seconds=sources.films[part.id].seconds, size=sources.films[part.id].size,
        )
        for part in playable
    )  # fmt: skip
    seconds = max(clip.at + clip.seconds for clip in clips)
    holes = [*_pauses(sources, start, seconds, len(lanes))]
    for seat_id, lane in lanes.items():
        mine = [(part, clip) for part, clip in zip(playable, clips, strict=True)
                if part.seat_id == seat_id]  # fmt: skip
        holes += _holes(sources, lane, mine, seconds)
    plan = Plan(
        title=f"办件 {sources.number}",
        began_at=start,
        seconds=seconds,
        captions=tuple(
            f"{SIDE_WORDS.get(seat.side.value, '')}　{seat.name} · {seat.office}"
            for seat in sources.seats
        ),
        clips=clips,
        holes=tuple(holes),
        # The wheel carries it for the certificates.
        font=str(resources.files("docs_gen") / "font_files" / "NotoSansSC_400Regular.ttf"),
    )
    return plan, playable


def _holes(
    sources: Sources, lane: int, mine: Sequence[tuple[Recording, Clip]], seconds: float
) -> list[Hole]:
    """Return where a seat has no film, and the log's reason where it gives one."""
    found, at = [], 0.0
    for part, clip in sorted(mine, key=lambda one: one[1].at):
        if clip.at - at > _SHORTEST_HOLE:
            found.append(Hole(lane, at, clip.at, _reason(sources, part)))
        at = max(at, clip.at + clip.seconds)
    if seconds > at:
        found.append(Hole(lane, at, seconds, _last_reason(sources, lane)))
    return found


def _reason(sources: Sources, after: Recording) -> str:
    reasons = (
        str(mark.data.get("reason")) for mark in sources.marks
        if mark.data.get("recording_id") == after.id and "after" in mark.data
    )  # fmt: skip
    return GAP_WORDS.get(next(reasons, ""), GAP_WORDS[""])


def _last_reason(sources: Sources, lane: int) -> str:
    """Return why a seat's film ends before the others: what ended its newest part."""
    seat = sources.seats[lane]
    parts = [part for part in sources.parts if part.seat_id == seat.id]
    if parts and parts[-1].sealed_key is None:
        return PURGED_WORDS
    why = parts[-1].ended_for if parts else None
    return GAP_WORDS.get("" if why is None else why.value, GAP_WORDS[""])


def _pauses(sources: Sources, start: datetime, seconds: float, lanes: int) -> list[Hole]:
    spans, since = [], None
    for mark in sources.marks:
        if mark.data.get("call_id") != sources.call_id:
            continue
        at = (mark.at - start).total_seconds()
        if mark.kind == "recording.paused":
            since = at if since is None else since
        elif mark.kind == "recording.resumed" and since is not None:
            spans.append((since, at))
            since = None
    if since is not None:
        spans.append((since, seconds))
    return [
        Hole(lane, begun, ended, PAUSED_WORDS) for lane in range(lanes) for begun, ended in spans
    ]

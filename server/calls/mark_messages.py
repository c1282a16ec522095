"""What is drawn by hand on a shared picture, on the wire: seen at once, and kept nowhere."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from server.calls.rules import MOST_POINTS
from server.web.http import Message, RowId

Sheet = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}:(screen|document)$")]
Stroke = Annotated[str, StringConstraints(pattern=r"^[0-9a-z]{1,16}$")]
Part = Annotated[float, Field(ge=0, le=1)]
Points = Annotated[list[tuple[Part, Part]], Field(min_length=1, max_length=MOST_POINTS)]


class MarkDrawn(Message):
    """The next points of a stroke on a stream, from 0 to 1; a new stroke has another name."""

    call_id: RowId
    stream: Sheet
    stroke: Stroke
    points: Points


class MarksCleared(Message):
    """Nothing is drawn on a stream any more, whoever drew it."""

    call_id: RowId
    stream: Sheet


class MarkSeen(Message):
    """What another seat draws."""

    call_id: str
    seat_id: Annotated[str, Field(alias="from")]
    stream: str
    stroke: str
    points: list[tuple[float, float]]


class MarksGone(Message):
    """Another seat has cleared what was drawn on a stream."""

    call_id: str
    seat_id: Annotated[str, Field(alias="from")]
    stream: str


NOTICES: dict[str, type[Message]] = {"mark.drawn": MarkSeen, "marks.cleared": MarksGone}

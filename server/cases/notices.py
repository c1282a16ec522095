"""What goes over the socket about a case: watching it, typing in it, and that it changed."""

from __future__ import annotations

from server.cases.messages import Name
from server.web.http import Message, RowId


class CaseWatched(Message):
    """Which case."""

    case_id: RowId


class Watching(Message):
    """Up to where the log goes now."""

    seq: int


class FieldEdited(Message):
    """Who is about to change a field."""

    case_id: RowId
    name: Name
    editing: bool


class Editor(Message):
    """Who edits."""

    id: str
    name: str


class FieldBeingEdited(FieldEdited):
    """What the others hear of that."""

    by: Editor


class CaseChanged(Message):
    """The log goes up to here; a hint to ask for the events since the last known."""

    case_id: str
    seq: int
    kind: str


class FacingChanged(Message):
    """What this counter's facing screen shows is no longer so."""

    counter: str


NOTICES: dict[str, type[Message]] = {
    "case.changed": CaseChanged,
    "field.edited": FieldBeingEdited,
    "facing.changed": FacingChanged,
}

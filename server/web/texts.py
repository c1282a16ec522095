"""What holds for every piece of text that comes in, whatever message it is in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pydantic import BaseModel

from server.errors import ServiceError

PLACE_LENGTH = 100
# No database keeps NUL or one half of a surrogate pair.
_UNKEPT = re.compile("[\x00\ud800-\udfff]")

Steps = tuple[object, ...]


def place_of(steps: Iterable[object]) -> str:
    """Return where in a message something is, in few enough characters to be shown."""
    return ".".join(str(step) for step in steps)[:PLACE_LENGTH]


def check_text(said: BaseModel) -> None:
    """Refuse text.bad_characters for text that no database keeps."""
    for steps, text in _texts(said.model_dump(), ()):
        if _UNKEPT.search(text):
            raise ServiceError("text.bad_characters", field=place_of(steps))


def _texts(value: object, steps: Steps) -> Iterator[tuple[Steps, str]]:
    match value:
        case str():
            yield steps, value
        case dict():
            for name, inner in value.items():
                yield from _texts(name, steps)
                yield from _texts(inner, (*steps, name))
        case list() | tuple():
            for place, inner in enumerate(value):
                yield from _texts(inner, (*steps, place))
        case _:
            pass

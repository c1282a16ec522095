"""regions.toml with places: every fault is named by line, key and what was expected."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import EllipsisType
from typing import Any, Final, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from server.errors import ToldError
from server.regions.places import Key, locate

Shape = TypeVar("Shape", bound=BaseModel)
Step = str | int | EllipsisType
EACH: Final = ...
LONGEST_SHOWN: Final = 60
_PLACE: Final = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong with the file."""

    line: int
    key: str
    expected: str


class CatalogueError(ToldError):
    """A regions.toml that the service does not start with; lists every fault found."""

    def __init__(self, path: Path, faults: Iterable[Fault]) -> None:
        """Name each fault as path:line: key: what was expected, in the file's order."""
        self.faults = sorted(set(faults))
        super().__init__("\n".join(f"{path}:{f.line}: {f.key}: {f.expected}" for f in self.faults))


@dataclass(slots=True)
class Document:
    """A parsed TOML file that still knows on which line each key stands.

    Its readers collect what is wrong with `fault` and go on; `refuse_faults` tells it all at once.
    """

    path: Path
    data: dict[str, Any]
    lines: Mapping[Key, int]
    faults: list[Fault] = field(default_factory=list)

    def fault(self, key: Key, expected: str) -> None:
        """Note a fault at `key`, on its line or that of the nearest table around it."""
        at = key
        while at and at not in self.lines:
            at = at[:-1]
        self.faults.append(Fault(self.lines.get(at, 1), spell(key), expected))

    def refuse_faults(self) -> None:
        """Raise CatalogueError if a fault was noted."""
        if self.faults:
            raise CatalogueError(self.path, self.faults)

    def select(self, *steps: Step) -> Iterator[tuple[Key, Any]]:
        """Return key and value of everything at a path; EACH stands for every element of an array.

        What is not there or has another shape is left out: `fit` has named it.
        """
        found: list[tuple[Key, Any]] = [((), self.data)]
        for step in steps:
            found = [inner for key, value in found for inner in _inside(key, value, step)]
        yield from found

    def fit(self, shape: type[Shape], key: Key = ()) -> Shape | None:
        """Return the table at `key` as `shape`, or None with a fault for all that does not fit."""
        for _, table in self.select(*key):
            try:
                return shape.model_validate(table)
            except ValidationError as error:
                for found in error.errors(include_url=False):
                    steps = tuple(step for step in found["loc"] if step != "[key]")
                    self.fault(key + steps, f"expected {_expected(shape, found)}")
        return None

    def fit_each(self, shape: type[Shape], name: str) -> dict[int, Shape]:
        """Return those tables of [[name]] that fit `shape`, by their place in the file."""
        tables = (key for key, value in self.select(name, EACH) if isinstance(value, dict))
        fitted = ((key[-1], self.fit(shape, key)) for key in tables)
        return {int(place): part for place, part in fitted if part is not None}

    def require_unique(self, found: Iterable[tuple[Key, Any]], within: int = 0) -> None:
        """Note a fault for each repeated value; `within` is how much of the key must be shared."""
        first: dict[tuple[Key, Hashable], Key] = {}
        for key, value in found:
            if isinstance(value, Hashable):
                other = first.setdefault((key[:within], value), key)
                if other != key:
                    taken = f"taken by {spell(other)} in line {self.lines.get(other, 1)}"
                    self.fault(key, f"expected a value of its own; found {show(value)}, {taken}")


def read_document(path: Path) -> Document:
    """Read a TOML file; CatalogueError names why it cannot be read, or the line that is no TOML."""
    try:
        # Editors on Windows put a byte order mark in front, and TOML has none.
        text = path.read_text(encoding="utf-8-sig")
        data = tomllib.loads(text, parse_float=Decimal)
        return Document(path, data, locate(text))
    except OSError as error:
        fault = Fault(1, "file", f"expected a file that can be read; found {error.strerror}")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        fault = Fault(line, "file", "expected UTF-8 text; found bytes of another encoding")
    except RecursionError:
        fault = Fault(1, "file", "expected TOML; found brackets that are nested too deeply")
    except ValueError as error:  # TOMLDecodeError, and numbers of thousands of digits.
        place = _PLACE.search(str(error))
        last = len(text.splitlines()) or 1
        line, column = (int(place[1]), f", column {place[2]}") if place and place[1] else (last, "")
        fault = Fault(line, f"file{column}", f"expected TOML; found: {_PLACE.sub('', str(error))}")
    raise CatalogueError(path, [fault])


def spell(key: Key) -> str:
    """Return a key as people write it: items[1].fields[3].type."""
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part if _BARE.fullmatch(part) else json.dumps(part, ensure_ascii=False)}"
    return text.removeprefix(".") or "file"


def show(value: object) -> str:
    """Return a value as TOML writes it, cut where it gets long."""
    match value:
        case dict():
            return "a table"
        case list() | tuple():
            return "an array"
        case str() | bool():
            text = json.dumps(value, ensure_ascii=False)
        case date():
            text = value.isoformat()
        case _:
            text = str(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _inside(key: Key, value: object, step: Step) -> Iterator[tuple[Key, Any]]:
    match value:
        case list() if step is EACH:
            yield from (((*key, place), inner) for place, inner in enumerate(value))
        case list() if isinstance(step, int) and step < len(value):
            yield (*key, step), value[step]
        case dict() if isinstance(step, str) and step in value:
            yield (*key, step), value[step]
        case _:
            pass


# What pydantic calls an error, in words for whoever writes the file.
_WORDS: Final = {
    "string_type": "text in quotes",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "date_type": "a date without quotes, such as 2027-01-01",
    "tuple_type": "an array",
    "dict_type": "a table",
    "model_type": "a table",
    "string_too_short": "text of at least {min_length} characters",
    "string_too_long": "text of at most {max_length} characters",
    "finite_number": "a finite number",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
}


def _expected(shape: type[BaseModel], found: ErrorDetails) -> str:
    """Say what was expected in place of what was found."""
    context = found.get("ctx", {})
    shown = f"; found {show(found['input'])}"
    match found["type"]:
        case "missing":
            return "this key, which is missing"
        case "extra_forbidden":
            return f"one of the keys {', '.join(_keys(shape, found['loc']))}"
        case "enum" | "literal_error":
            choices = str(context["expected"]).replace("'", "").replace(" or ", ", ")
            return f"one of {choices}{shown}"
        case kind if kind in _WORDS:
            return _WORDS[kind].format(**context) + shown
        case _:
            return found["msg"] + shown


def _keys(shape: type[BaseModel], place: tuple[str | int, ...]) -> list[str]:
    """Return the keys that the table around `place` may have."""
    for step in place[:-1]:
        if isinstance(step, str):
            shape = _shape_in(shape.model_fields[step].annotation) or shape
    return list(shape.model_fields)


def _shape_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in get_args(annotation) if (found := _shape_in(arg))), None)

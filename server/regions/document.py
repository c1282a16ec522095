"""regions.toml with places: every fault is named by line, key and what was expected."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

Key = tuple[str | int, ...]
Shape = TypeVar("Shape", bound=BaseModel)
_HEADER = re.compile(r"\s*\[(\[)?\s*([A-Za-z0-9_.\-\"' ]+?)\s*\]\]?\s*(#.*)?$")
_ASSIGNMENT = re.compile(r"\s*([A-Za-z0-9_\-\"'.]+)\s*=")
_LINE_OF_ERROR = re.compile(r"\(at line (\d+), column \d+\)")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with the file."""

    line: int
    key: str
    expected: str


class CatalogueError(Exception):
    """A regions.toml that the service does not start with; lists every fault found."""

    def __init__(self, path: Path, faults: Sequence[Fault]) -> None:
        """Name each fault as path:line: key: what was expected."""
        self.faults = sorted(faults, key=lambda fault: fault.line)
        lines = [f"{path}:{f.line}: {f.key}: {f.expected}" for f in self.faults]
        super().__init__("\n".join(lines))


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed TOML file that still knows on which line each key stands."""

    path: Path
    data: dict[str, Any]
    lines: dict[Key, int]

    def fault(self, key: Key, expected: str) -> Fault:
        """Return a fault at `key`, on its line or that of the nearest table around it."""
        at = key
        while at and at not in self.lines:
            at = at[:-1]
        return Fault(self.lines.get(at, 1), spell(key), expected)

    def parse(self, shape: type[Shape]) -> Shape:
        """Return the file as `shape`; CatalogueError names everything that does not fit."""
        try:
            return shape.model_validate(self.data)
        except ValidationError as error:
            faults = [
                self.fault(tuple(found["loc"]), _expected(found["msg"], found.get("input")))
                for found in error.errors(include_url=False)
            ]
            raise CatalogueError(self.path, faults) from None


def read_document(path: Path) -> Document:
    """Read a TOML file; CatalogueError names the line that is no TOML."""
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise CatalogueError(path, [Fault(1, "file", f"expected UTF-8 text: {error}")]) from None
    except tomllib.TOMLDecodeError as error:
        found = _LINE_OF_ERROR.search(str(error))
        line = int(found.group(1)) if found else len(text.splitlines())
        raise CatalogueError(path, [Fault(line, "syntax", str(error))]) from None
    return Document(path, data, locate(text))


def locate(text: str) -> dict[Key, int]:
    """Return the line of every table and key of a TOML text that is known to be valid.

    Keys inside inline tables and inside multi-line values are not found; their faults are named
    by the key around them.
    """
    lines: dict[Key, int] = {}
    counts: dict[Key, int] = {}
    table: Key = ()
    inside: str | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if inside is not None:
            inside = None if inside in line else inside
            continue
        header = _HEADER.match(line)
        if header is not None and not _ASSIGNMENT.match(line):
            table = _enter(_parts(header.group(2)), counts, is_array=header.group(1) is not None)
            lines.setdefault(table, number)
            continue
        assignment = _ASSIGNMENT.match(line)
        if assignment is not None:
            lines.setdefault(table + tuple(_parts(assignment.group(1))), number)
            inside = _opened(line)
    return lines


def _enter(parts: list[str], counts: dict[Key, int], *, is_array: bool) -> Key:
    """Return the path of a table header, with the running index of each array of tables in it."""
    path: Key = ()
    for depth, part in enumerate(parts):
        path = (*path, part)
        last = depth == len(parts) - 1
        if last and is_array:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _parts(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in dotted.split(".")]


def _opened(line: str) -> str | None:
    """Return the quotes of a multi-line string that this line opens and does not close."""
    for quotes in ('"""', "'''"):
        if line.count(quotes) == 1:
            return quotes
    return None


def spell(key: Key) -> str:
    """Return a key as people write it: items[1].fields[3].type."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".") or "file"


def _expected(message: str, found: object) -> str:
    shown = repr(found) if isinstance(found, str | int | float | bool) else type(found).__name__
    return f"{message[0].lower()}{message[1:]}; found {shown[:80]}"

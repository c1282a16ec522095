"""On which line of a TOML text each key stands.

tomllib does not keep this, nor does tomlkit (its issue 55), so the text is walked once more. It has
been accepted by tomllib before: the walk follows the grammar (TOML 1.0) and never judges.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from typing import Final

Key = tuple[str | int, ...]

_GAP: Final = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_BLANKS: Final = re.compile(r"[ \t]*")
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_STRING: Final = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[^\s,\]}#]*"  # A blank may part a date from its time.
    r"|[^\s,\]}#]+"
)


def locate(text: str) -> dict[Key, int]:
    """Return the line, counted from 1, of every table, key and array element of a TOML text.

    The text must be valid and its lines must end in a line feed alone. A key written in several
    places, such as a table with tables below it, has the line of the first.
    """
    walk = _Walk(text)
    walk.document()
    return walk.lines


class _Walk:
    """One walk over one text, from `at` onwards."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Key, int] = {}
        self._ends = [found.start() for found in re.finditer("\n", text)]
        self._last_of: dict[Key, int] = {}

    def document(self) -> None:
        """Walk every header and every assignment."""
        table: Key = ()
        self._take(_GAP)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._assignment(table)
            self._take(_GAP)

    def _header(self) -> Key:
        """Walk [a.b] or [[a.b]]; return the path of the table that it opens."""
        line = self._line()
        brackets = 2 if self.text.startswith("[[", self.at) else 1
        self.at += brackets
        parts = self._dotted_key()
        self.at += brackets
        path: Key = ()
        for depth, part in enumerate(parts, start=1):
            path = (*path, part)
            self.lines.setdefault(path, line)
            if depth == len(parts) and brackets > 1:
                self._last_of[path] = self._last_of.get(path, -1) + 1
            if path in self._last_of:
                path = (*path, self._last_of[path])
                self.lines.setdefault(path, line)
        return path

    def _assignment(self, table: Key) -> None:
        """Walk a.b = value; the dotted key may make tables on its way."""
        line = self._line()
        path = table
        for part in self._dotted_key():
            path = (*path, part)
            self.lines.setdefault(path, line)
        self.at += 1  # The equals sign.
        self._take(_BLANKS)
        self._value(path)

    def _value(self, path: Key) -> None:
        match self.text[self.at]:
            case "[":
                self._array(path)
            case "{":
                self._inline_table(path)
            case '"' | "'":
                self._take(_STRING)
            case _:
                self._take(_SCALAR)

    def _array(self, path: Key) -> None:
        index = 0
        while self._next_until("]"):
            self.lines[*path, index] = self._line()
            self._value((*path, index))
            index += 1

    def _inline_table(self, path: Key) -> None:
        while self._next_until("}"):
            self._assignment(path)

    def _next_until(self, closing: str) -> bool:
        """Step over an opening bracket or a comma; say whether something comes before `closing`."""
        if self.text[self.at] in "[{,":
            self.at += 1
        self._take(_GAP)
        if self.text[self.at] == ",":
            return self._next_until(closing)
        if self.text[self.at] != closing:
            return True
        self.at += 1
        return False

    def _dotted_key(self) -> list[str]:
        """Walk the parts of a key and the blanks around them."""
        parts = []
        while True:
            self._take(_BLANKS)
            quoted = self.text[self.at] in "\"'"
            raw = self._take(_STRING if quoted else _BARE_KEY)
            parts.append(str(tomllib.loads(f"key = {raw}")["key"]) if quoted else raw)
            self._take(_BLANKS)
            if self.text[self.at] != ".":
                return parts
            self.at += 1

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise ValueError(f"no TOML at character {self.at}")
        self.at = found.end()
        return found.group()

    def _line(self) -> int:
        return bisect_left(self._ends, self.at) + 1

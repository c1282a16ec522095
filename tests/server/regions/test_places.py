from __future__ import annotations

import string
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.regions.places import Key, locate
from tests.support.catalogue import SMALL


def keys_of(value: object, key: Key = ()) -> Iterator[Key]:
    """Every key of a parsed document, at whatever depth."""
    if key:
        yield key
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from keys_of(inner, (*key, name))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from keys_of(inner, (*key, place))


def leaves_of(value: object, key: Key = ()) -> Iterator[tuple[Key, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves_of(inner, (*key, name))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from leaves_of(inner, (*key, place))
    else:
        yield key, value


def test_every_key_of_a_file_has_its_line() -> None:
    lines = locate(SMALL)
    assert set(lines) == set(keys_of(tomllib.loads(SMALL)))
    written = SMALL.splitlines()
    assert written[lines["regions", 1, "code"] - 1] == 'code = "341522"'
    assert written[lines["regions", 0, "halls", 0, "counters", 1, "id"] - 1].endswith(
        '"pingwang-2"'
    )
    assert "huoqiu-1" in written[lines["regions", 1, "halls", 0, "counters", 0, "name"] - 1]


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ('a = """\n[b]\nc = 1"""\nd = 2', ("d",), 4),
        ("a = '''\n'''''\nd = 2", ("d",), 3),
        ('a = """x\\""" y"""\nd = 2', ("d",), 2),
        ('a = """x"""""\nd = 2', ("d",), 2),
        ('a = "# \\" ["\nd = 2', ("d",), 2),
        ("a = 'C:\\'\nd = 2", ("d",), 2),
        ('a = [\n  1, # "[\n  [\n 2,\n],\n]\nd = 2', ("a", 1, 0), 4),
        ('a = [\n  ["x"]\n]\nd = 2', ("d",), 4),
        ("a = 2027-01-01 07:00:00 # [b]\nd = 2", ("d",), 2),
        ('[ "x.y" . z ] # note\nd = 2', ("x.y", "z", "d"), 2),
        ('"\\u0061" = 1', ("a",), 1),
        ("'' = 1", ("",), 1),
        ("a.b.c = 1\na.b.d = 2", ("a", "b", "d"), 2),
        ("[[a]]\n[a.b]\n[[a.b.c]]\nd = 1\n[[a]]\n[[a.b.c]]\nd = 2", ("a", 1, "b", "c", 0, "d"), 7),
        ("[a.b]\n[a]\nd = 1", ("a", "d"), 3),
        ("a = { b = { c = [ 1,\n 2 ] } }", ("a", "b", "c", 1), 2),
        ("a = { b.c = 1, b.d = 2 }", ("a", "b", "d"), 1),
        ("\r\na = 1\r\n".replace("\r", ""), ("a",), 2),
    ],
)
def test_a_key_is_found_on_its_line_however_it_is_written(text: str, key: Key, line: int) -> None:
    lines = locate(text)
    assert set(lines) == set(keys_of(tomllib.loads(text)))
    assert lines[key] == line


@dataclass
class Writer:
    """Writes TOML in any of its ways; every value carries a mark that says where it was put."""

    draw: st.DrawFn
    lines: list[str] = field(default_factory=lambda: [""])
    marks: int = 0

    def put(self, text: str) -> None:
        first, *rest = text.split("\n")
        self.lines[-1] += first
        self.lines.extend(rest)

    def one_of(self, *choices: str) -> str:
        return self.draw(st.sampled_from(choices))

    def name(self) -> str:
        self.marks += 1
        bare = f"k{self.marks}"
        return self.one_of(bare, f'"{bare} [x]. = #"', f"'{bare}\\.'", f'"{bare} \\" 县"')

    def value(self, depth: int) -> None:
        kind = self.draw(st.sampled_from(["scalar", "array", "inline"] if depth else ["scalar"]))
        if kind == "scalar":
            self.scalar()
        elif kind == "array":
            self.put("[")
            for _ in range(self.draw(st.integers(0, 3))):
                self.put(self.one_of("", " ", "\n", '\n # ] "\n '))
                self.value(depth - 1)
                self.put(self.one_of(",", " ,", "\n,", ", # [\n"))
            self.put("]")
        else:
            self.put("{")
            for place in range(self.draw(st.integers(0, 3))):
                self.put(("," if place else "") + self.one_of("", " "))
                self.put(self.name() + self.one_of("", f".{self.name()}") + self.one_of("=", " = "))
                self.value(depth - 1)
            self.put(" }")

    def scalar(self) -> None:
        self.marks += 1
        mark = f"v{self.marks}_"
        junk = self.draw(st.text(string.ascii_letters + "[]{}=,#' .县", max_size=6))
        quiet = junk.replace("'", "")
        self.put(
            self.one_of(
                f'"{mark}{junk}"',
                f'"{mark}\\"{junk}\\\\"',
                f"'{mark}{quiet}\"\\'",
                f'"""{mark}{junk}\n[{junk}]\n= ""\\""""',
                f"'''{mark}{quiet}\n[[{quiet}]]\n'''''",
            )
        )

    def body(self) -> None:
        for _ in range(self.draw(st.integers(0, 3))):
            self.put(self.one_of("", "\t", "# a = 1\n", "\n"))
            self.put(self.name() + self.one_of("", f" . {self.name()}") + self.one_of("=", " = "))
            self.value(2)
            self.put(self.one_of("\n", " # [[x]]\n"))


@st.composite
def documents(draw: st.DrawFn) -> str:
    writer = Writer(draw)
    writer.body()
    headers: list[str] = []
    for _ in range(draw(st.integers(0, 4))):
        parent = draw(st.sampled_from(["", *headers]))
        header = f"{parent}.{writer.name()}" if parent else writer.name()
        times = draw(st.sampled_from([0, 0, 1, 2]))
        for _ in range(times):
            writer.put(f"[[{header}]]\n")
            writer.body()
        if not times:
            writer.put(f"[ {header} ] # a table\n")
            writer.body()
        headers.append(header)
    return "\n".join(writer.lines)


@given(documents())
def test_every_key_of_any_document_is_found_and_nothing_else(text: str) -> None:
    data = tomllib.loads(text)
    lines = locate(text)
    assert set(lines) == set(keys_of(data))
    written = text.split("\n")
    for key, value in leaves_of(data):
        if isinstance(value, str):
            mark = value[: value.index("_") + 1]
            assert mark in written[lines[key] - 1]

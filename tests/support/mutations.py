"""Datagrams and session descriptions gone wrong, the same ones for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random

LONGEST = 2_000
EDGES = (0x00, 0x01, 0x7F, 0x80, 0xBE, 0xC8, 0xFF)
NUMBERS = ("", "-1", "0", "1", "15", "255", "256", "65535", "65536", "4294967296", "9" * 30, "x")
WORDS = ("", " ", "  ", ":", "/", "=", ";", "\x00", "\t", "é", "号", "\ud800", "%s", "a" * 3_000)


def _flip(chance: Random, content: bytearray, _others: Sequence[bytes]) -> None:
    for _ in range(chance.choice((1, 1, 2, 8))):
        if content:
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def _set(chance: Random, content: bytearray, _others: Sequence[bytes]) -> None:
    """Put an edge of a range into the first bytes, where lengths and counts stand."""
    for _ in range(chance.randint(1, 4)):
        if content:
            content[chance.randrange(min(len(content), 64))] = chance.choice(EDGES)


def _cut(chance: Random, content: bytearray, _others: Sequence[bytes]) -> None:
    del content[chance.randrange(len(content) + 1) :]


def _remove(chance: Random, content: bytearray, _others: Sequence[bytes]) -> None:
    start = chance.randrange(len(content) + 1)
    del content[start : start + chance.randint(1, 32)]


def _repeat(chance: Random, content: bytearray, _others: Sequence[bytes]) -> None:
    start = chance.randrange(len(content) + 1)
    content[start:start] = content[start : start + chance.randint(1, 64)] * chance.randint(1, 8)


def _lengthen(chance: Random, content: bytearray, _others: Sequence[bytes]) -> None:
    content += chance.randbytes(chance.randrange(LONGEST))


def _splice(chance: Random, content: bytearray, others: Sequence[bytes]) -> None:
    other = chance.choice(others)
    content[chance.randrange(len(content) + 1) :] = other[chance.randrange(len(other) + 1) :]


def _noise(chance: Random, content: bytearray, _others: Sequence[bytes]) -> None:
    """Leave the first bytes, by which a datagram is sorted, and nothing else."""
    kept = chance.choice((0, 1, 2, 12, 20))
    content[kept:] = chance.randbytes(chance.randrange(LONGEST))


_CHANGES: tuple[Callable[[Random, bytearray, Sequence[bytes]], None], ...] = (
    _flip, _flip, _set, _set, _cut, _remove, _repeat, _lengthen, _splice, _noise,
)  # fmt: skip


def mutants(chance: Random, honest: Sequence[bytes]) -> Iterator[bytes]:
    """Yield datagrams of 0 to 2,000 bytes for ever, each an honest one changed once or more."""
    while True:
        content = bytearray(chance.choice(honest))
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            chance.choice(_CHANGES)(chance, content, honest)
        yield bytes(content[:LONGEST])


def _drop_line(chance: Random, lines: list[str], _all: Sequence[str]) -> None:
    if lines:
        lines.pop(chance.randrange(len(lines)))


def _repeat_line(chance: Random, lines: list[str], _all: Sequence[str]) -> None:
    if lines:
        at = chance.randrange(len(lines))
        lines[at:at] = [lines[at]] * chance.choice((1, 1, 2, 40))


def _move_line(chance: Random, lines: list[str], _all: Sequence[str]) -> None:
    if lines:
        lines.insert(chance.randrange(len(lines)), lines.pop(chance.randrange(len(lines))))


def _borrow_line(chance: Random, lines: list[str], every: Sequence[str]) -> None:
    lines.insert(chance.randrange(len(lines) + 1), chance.choice(every))


def _change_number(chance: Random, lines: list[str], _all: Sequence[str]) -> None:
    _change_part(chance, lines, NUMBERS)


def _change_word(chance: Random, lines: list[str], _all: Sequence[str]) -> None:
    _change_part(chance, lines, WORDS)


def _change_part(chance: Random, lines: list[str], by: Sequence[str]) -> None:
    if not lines:
        return
    at = chance.randrange(len(lines))
    parts = lines[at].split(" ")
    which = chance.randrange(len(parts))
    head, colon, _ = parts[which].partition(":")
    parts[which] = head + colon + chance.choice(by) if colon else chance.choice(by)
    lines[at] = " ".join(parts)


def _change_letter(chance: Random, lines: list[str], _all: Sequence[str]) -> None:
    if lines:
        at = chance.randrange(len(lines))
        where = chance.randrange(len(lines[at]) + 1)
        lines[at] = lines[at][:where] + chr(chance.randrange(32, 127)) + lines[at][where + 1 :]


def _end_early(chance: Random, lines: list[str], _all: Sequence[str]) -> None:
    del lines[chance.randrange(len(lines) + 1) :]


_REWRITES: tuple[Callable[[Random, list[str], Sequence[str]], None], ...] = (
    _drop_line, _drop_line, _repeat_line, _move_line, _borrow_line, _borrow_line, _change_number,
    _change_number, _change_number, _change_word, _change_letter, _change_letter, _end_early,
)  # fmt: skip


def misdescriptions(chance: Random, honest: Sequence[str]) -> Iterator[str]:
    """Yield session descriptions for ever, each an honest one changed once or more."""
    every = sorted({line for one in honest for line in one.splitlines()})
    while True:
        lines = chance.choice(honest).splitlines()
        for _ in range(chance.choice((1, 1, 2, 5))):
            chance.choice(_REWRITES)(chance, lines, every)
        yield chance.choice(("\r\n", "\r\n", "\r\n", "\n")).join(lines) + "\r\n"

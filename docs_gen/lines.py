"""Breaking Chinese text into lines: by character, Latin words and numbers kept together."""

from __future__ import annotations

import re
from collections.abc import Callable

# No line begins with these (closing marks) nor ends with those (opening marks).
NOT_AT_START = frozenset("，。、；：？！）》〉」』】〕”’％·…—,.;:?!)]}%")
NOT_AT_END = frozenset("（《〈「『【〔“‘([{￥¥")
_PIECES = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z.,:/@_\-]*[0-9A-Za-z])?|.", re.DOTALL)

Measure = Callable[[str], float]


def break_lines(text: str, measure: Measure, width: float, indent: float = 0.0) -> list[str]:
    """Return a paragraph's lines, none wider than `width` points; the first is `indent` shorter.

    A mark that may not begin a line takes the piece before it along; a word that is wider than
    a whole line is broken anywhere.
    """
    lines: list[list[str]] = [[]]
    room = width - indent
    for whole in _PIECES.findall(text):
        for piece in _parts(whole, measure, width - indent):
            line = lines[-1]
            if not line or measure("".join(line) + piece) <= room:
                line.append(piece)
                continue
            carried = _carry(line, piece)
            room = width
            lines.append([*carried, piece])
    return ["".join(line) for line in lines if line]


def _parts(piece: str, measure: Measure, room: float) -> list[str]:
    """Return a piece whole, or in parts that fit when it is wider than a line."""
    if measure(piece) <= room:
        return [piece]
    return list(piece)


def _carry(line: list[str], piece: str) -> list[str]:
    """Take from a full line's end what must not be left there before `piece`; return it.

    Where a line is nothing but such marks it is left as it is: a line must go forward.
    """
    cut, start = len(line), piece
    while cut > 1 and (start[0] in NOT_AT_START or line[cut - 1][-1] in NOT_AT_END):
        cut -= 1
        start = line[cut]
    if start[0] in NOT_AT_START or line[cut - 1][-1] in NOT_AT_END:
        return []
    carried = line[cut:]
    del line[cut:]
    return carried

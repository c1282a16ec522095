"""Breaking Chinese text into lines: by character, Latin words and numbers kept together."""

from __future__ import annotations

import re
from collections.abc import Callable

# No line begins with these (closing marks) nor ends with those (opening marks).
NOT_AT_START = frozenset("，。、；：？！）》〉」』】〕”’％·…—,.;:?!)]}%")
NOT_AT_END = frozenset("（《〈「『【〔“‘([{￥¥")
HALF_BLANK = frozenset("，。、；：）》〉」』】〕")
_PIECES = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z.,:/@_\-]*[0-9A-Za-z])?|.", re.DOTALL)

Measure = Callable[[str], float]


def break_lines(text: str, measure: Measure, width: float, indent: float = 0.0) -> list[str]:
    """Return a paragraph's lines, none wider than `width` points; the first is `indent` shorter.

    A mark that may not begin a line takes the piece before it along; a word that is wider than
    a whole line is broken anywhere. Blanks at a line's end count nothing, and a full-width mark
    there counts half: the other half of it is blank.
    """
    lines: list[list[str]] = [[]]
    room = width - indent
    for whole in _PIECES.findall(text):
        for piece in _parts(whole, measure, width - indent):
            line = lines[-1]
            if not line or inked("".join(line) + piece, measure) <= room:
                line.append(piece)
                continue
            room = width
            cut = _cut(line, piece)
            if inked("".join(line[cut:]) + piece, measure) > room:
                # A word as long as a line before a mark: the mark begins a line after all.
                cut = len(line)
            lines.append([*line[cut:], piece])
            del line[cut:]
    return ["".join(line).rstrip() for line in lines if line]


def inked(line: str, measure: Measure) -> float:
    """Return how wide a line is without what is blank at its end."""
    seen = line.rstrip()
    blank = measure(seen[-1]) / 2 if seen and seen[-1] in HALF_BLANK else 0.0
    return measure(seen) - blank


def _parts(piece: str, measure: Measure, room: float) -> list[str]:
    """Return a piece whole, or in parts that fit when it is wider than a line."""
    if measure(piece) <= room:
        return [piece]
    return list(piece)


def _cut(line: list[str], piece: str) -> int:
    """Return from where on a full line's pieces must go along with `piece` to the next line.

    Where a line is nothing but such marks it is left as it is: a line must go forward.
    """
    cut, start = len(line), piece
    while cut > 1 and (start[0] in NOT_AT_START or line[cut - 1][-1] in NOT_AT_END):
        cut -= 1
        start = line[cut]
    stuck = start[0] in NOT_AT_START or line[cut - 1][-1] in NOT_AT_END
    return len(line) if stuck else cut

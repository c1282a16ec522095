"""What reportlab's canvas leaves to us: text in several faces, turned text, a QR code's modules."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import cache

from reportlab.pdfgen.canvas import Canvas

from docs_gen.fonts import runs, width

# A hundredth of a point, and a turn that is off by less than that at a page's end.
PLACES, TURN_PLACES = 2, 4
# What ends a row of modules: all its runs are filled, and the next one lies below.
NEXT_ROW = "f 1 0 0 1 0 1 cm"
_DARK = re.compile("1+")

Point = tuple[float, float]


class Words:
    """Text on a canvas, which is drawn when it is closed; points from the lower left."""

    def __init__(self, canvas: Canvas, loaded: frozenset[str]) -> None:
        """Begin without a word."""
        self._canvas = canvas
        self._text = canvas.beginText()
        self._loaded = loaded
        self._face: tuple[str, float] | None = None

    def close(self) -> None:
        """Draw what was written; all of it in one text object, for each costs as much as a line."""
        self._canvas.drawText(self._text)

    def write(self, at: Point, text: str, font: str, size: float) -> None:
        """Write a line that begins at a point; ValueError names a character no face can draw."""
        x, y = at
        for face, run in runs(text, font, self._loaded):
            self._change_to(face, size)
            self._text.setTextOrigin(round(x, PLACES), round(y, PLACES))
            self._text.textLine(run)
            x += width(run, font, size, self._loaded)

    def turn(self, at: Point, degrees: float, text: str, font: str, size: float) -> None:
        """Write a line whose middle is at a point, turned to the left by so many degrees."""
        angle = math.radians(degrees)
        cos, sin = round(math.cos(angle), TURN_PLACES), round(math.sin(angle), TURN_PLACES)
        half = width(text, font, size, self._loaded) / 2
        x, y = at[0] - half * cos, at[1] - half * sin
        for face, run in runs(text, font, self._loaded):
            self._change_to(face, size)
            place = (round(x, PLACES), round(y, PLACES))
            self._text.setTextTransform(cos, sin, -sin, cos, *place)
            self._text.textLine(run)
            wide = width(run, font, size, self._loaded)
            x, y = x + wide * cos, y + wide * sin

    def _change_to(self, face: str, size: float) -> None:
        if self._face != (face, size):
            self._face = (face, size)
            self._text.setFont(face, size)


def fill_modules(canvas: Canvas, at: Point, side: float, rows: Sequence[str]) -> None:
    """Fill a square's modules where its rows, from above, say "1"."""
    module = side / len(rows)
    canvas.saveState()
    canvas.translate(at[0], at[1] + side)
    canvas.scale(module, -module)
    for row in rows:
        canvas.addLiteral("".join(_filled(*run.span()) for run in _DARK.finditer(row)) + NEXT_ROW)
    canvas.restoreState()


@cache
def _filled(start: int, end: int) -> str:
    # Rows overlap by a hair, or a viewer shows light seams between them.
    return f"{start} 0 {end - start} 1.04 re "

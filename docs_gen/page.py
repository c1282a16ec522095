"""What is drawn on a page: text in embedded faces, lines and shapes, as a PDF's operators."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from docs_gen.embedding import Faces
from docs_gen.fonts import runs, width

# How far from its middle a quarter of a circle's handles lie.
ROUND = 4 / 3 * (math.sqrt(2) - 1)

_DARK = re.compile("1+")

Colour = tuple[float, float, float]


class Page:
    """A page's operators in the order in which things are drawn; points from the lower left."""

    def __init__(self, faces: Faces, loaded: frozenset[str]) -> None:
        """Begin an empty page of a document whose pages share `faces`."""
        self._faces = faces
        self._loaded = loaded
        self._said: list[str] = []

    def content(self) -> bytes:
        """Return the page's operators."""
        return "\n".join(self._said).encode("ascii")

    def say(self, operators: str) -> None:
        """Add operators as they are."""
        self._said.append(operators)

    def fill(self, colour: Colour) -> None:
        """Fill what follows with a colour."""
        self.say("{:.2f} {:.2f} {:.2f} rg".format(*colour))

    def stroke(self, colour: Colour, line: float) -> None:
        """Draw the lines that follow in a colour and a width."""
        self.say("{:.2f} {:.2f} {:.2f} RG {:.2f} w".format(*colour, line))

    def text(self, x: float, y: float, text: str, font: str, size: float) -> None:
        """Write a line; ValueError names a character that no face can draw."""
        for face, run in runs(text, font, self._loaded):
            self._write(face, size, f"1 0 0 1 {x:.2f} {y:.2f}", run)
            x += width(run, font, size, self._loaded)

    def turned(
        self, at: tuple[float, float], degrees: float, text: str, font: str, size: float
    ) -> None:
        """Write a line whose middle is at a point, turned to the left by so many degrees."""
        angle = math.radians(degrees)
        cos, sin = math.cos(angle), math.sin(angle)
        half = width(text, font, size, self._loaded) / 2
        x, y = at[0] - half * cos, at[1] - half * sin
        for face, run in runs(text, font, self._loaded):
            place = f"{cos:.4f} {sin:.4f} {-sin:.4f} {cos:.4f} {x:.2f} {y:.2f}"
            self._write(face, size, place, run)
            wide = width(run, font, size, self._loaded)
            x, y = x + wide * cos, y + wide * sin

    def _write(self, face: str, size: float, place: str, run: str) -> None:
        codes = "".join(map(self._faces[face].__getitem__, run))
        self.say(f"BT /{face} {size:g} Tf {place} Tm <{codes}> Tj ET")

    def frame(self, x: float, y: float, wide: float, high: float) -> None:
        """Draw a rectangle's frame."""
        self.say(f"{x:.2f} {y:.2f} {wide:.2f} {high:.2f} re S")

    def area(self, x: float, y: float, wide: float, high: float) -> None:
        """Fill a rectangle."""
        self.say(f"{x:.2f} {y:.2f} {wide:.2f} {high:.2f} re f")

    def circle(self, x: float, y: float, radius: float) -> None:
        """Draw a circle."""
        r, h = radius, radius * ROUND
        quarters: list[tuple[float, ...]] = [(r, h, h, r, 0, r), (-h, r, -r, h, -r, 0)]
        quarters += [tuple(-place for place in quarter) for quarter in quarters]
        arcs = " ".join(
            " ".join(f"{(x, y)[i % 2] + place:.2f}" for i, place in enumerate(quarter)) + " c"
            for quarter in quarters
        )
        self.say(f"{x + r:.2f} {y:.2f} m {arcs} s")

    def polygon(self, corners: Sequence[tuple[float, float]]) -> None:
        """Fill a polygon."""
        (x, y), *more = corners
        lines = " ".join(f"{x:.2f} {y:.2f} l" for x, y in more)
        self.say(f"{x:.2f} {y:.2f} m {lines} f")

    def modules(self, x: float, y: float, side: float, rows: Sequence[str]) -> None:
        """Fill a square's modules where its rows, from above, say "1"."""
        module = side / len(rows)
        # Rows overlap by a hair, or a viewer shows light seams between them.
        filled = " ".join(
            f"{run.start()} {i} {run.end() - run.start()} 1.04 re"
            for i, row in enumerate(rows)
            for run in _DARK.finditer(row)
        )
        top = y + side
        self.say(f"q {module:.5f} 0 0 {-module:.5f} {x:.3f} {top:.3f} cm {filled} f Q")

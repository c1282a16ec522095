"""What a seal is for a page, and the one that we draw: circle, star, the name along the arc."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from reportlab.lib.colors import Color
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from docs_gen.data import Issuer
from docs_gen.fonts import BOLD, SANS, width
from docs_gen.page import Point, Words

DIAMETER = 42 * mm
LINE = 1.2 * mm
RED = Color(0.87, 0.11, 0.12)
STAR_RADIUS = 6.2 * mm
ARC_DEGREES = 250.0
LARGEST, SMALLEST, CODE = 15.0, 7.0, 5.0
DEMO = "演 示"


class SealProvider(Protocol):
    """Whatever gives a page its seal: a picture, and no statutory electronic seal (电子印章).

    `size` is its width and height in points. A demonstration's says 演示 on it.
    """

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in points."""

    @property
    def demo(self) -> bool:
        """Whether it is a demonstration's, and says so."""

    def draw(self, canvas: Canvas, centre: Point, loaded: frozenset[str]) -> None:
        """Draw it around a point so that what lies below stays readable."""


@dataclass(frozen=True, slots=True)
class DrawnSeal:
    """An issuer's seal drawn from its text and code, as vectors."""

    issuer: Issuer
    demo: bool

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in points."""
        return DIAMETER, DIAMETER

    def draw(self, canvas: Canvas, centre: Point, loaded: frozenset[str]) -> None:
        """Draw it around a point; demo seals say 演示 at their foot."""
        canvas.saveState()
        press_like_ink(canvas)
        canvas.setStrokeColor(RED)
        canvas.setLineWidth(LINE)
        canvas.circle(*centre, (DIAMETER - LINE) / 2)
        _star(canvas, centre)
        words = Words(canvas, loaded)
        _name(words, centre, self.issuer.seal_text)
        _code(words, centre, self.issuer.code, loaded)
        if self.demo:
            words.turn(_at(centre, 16.3 * mm, 270), 0, DEMO, BOLD, 11)
        words.close()
        canvas.restoreState()


def press_like_ink(canvas: Canvas) -> None:
    """Go on in red that leaves what is printed below readable, as ink does."""
    canvas.setBlendMode("Multiply")
    canvas.setFillColor(RED)


def _at(centre: Point, radius: float, degrees: float) -> Point:
    angle = math.radians(degrees)
    return centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle)


def _star(canvas: Canvas, centre: Point) -> None:
    inner = STAR_RADIUS * math.sin(math.radians(18)) / math.sin(math.radians(54))
    star = canvas.beginPath()
    for corner in range(10):
        at = _at(centre, inner if corner % 2 else STAR_RADIUS, 90 + corner * 36)
        (star.lineTo if corner else star.moveTo)(*at)
    star.close()
    canvas.drawPath(star, stroke=0, fill=1)


def _name(words: Words, centre: Point, text: str) -> None:
    """Set the authority's name along the upper arc, smaller the longer it is."""
    radius = DIAMETER / 2 - 1.9 * mm
    arc = math.radians(ARC_DEGREES) * (radius - LARGEST * 0.8)
    size = max(SMALLEST, min(LARGEST, arc / max(len(text), 1) / 1.02))
    step = min(ARC_DEGREES / max(len(text), 1), 26.0)
    angle = 90 + step * (len(text) - 1) / 2
    for character in text:
        words.turn(_at(centre, radius - size, angle), angle - 90, character, BOLD, size)
        angle -= step


def _code(words: Words, centre: Point, code: str, loaded: frozenset[str]) -> None:
    """Set the authority's code along the foot, upright and read from left to right."""
    radius = DIAMETER / 2 - LINE - 0.5 * mm
    widths = [width(character, SANS, CODE, loaded) + 0.5 for character in code]
    angle = 270 - math.degrees(sum(widths) / radius) / 2
    for character, wide in zip(code, widths, strict=True):
        half = math.degrees(wide / radius) / 2
        angle += half
        words.turn(_at(centre, radius, angle), angle + 90, character, SANS, CODE)
        angle += half

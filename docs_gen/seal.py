"""The drawn seal: a circle, a star, the authority's name along the arc. Vectors only."""

from __future__ import annotations

import math

from reportlab.lib.colors import Color
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from docs_gen.data import Issuer
from docs_gen.fonts import BOLD, SANS, runs

DIAMETER = 42 * mm
LINE = 1.2 * mm
RED = Color(0.87, 0.11, 0.12)
STAR_RADIUS = 6.2 * mm
ARC_DEGREES = 250.0
LARGEST, SMALLEST, CODE = 15.0, 7.0, 5.0


def draw_seal(
    canvas: Canvas, centre: tuple[float, float], issuer: Issuer, loaded: frozenset[str],
    *, demo: bool,
) -> None:  # fmt: skip
    """Draw an issuer's seal around a point; demo seals say 演示 at their foot.

    It is a picture and no statutory electronic seal (电子印章).
    """
    canvas.saveState()
    canvas.translate(*centre)
    # As ink does: what is printed below stays readable.
    canvas.setBlendMode("Multiply")
    canvas.setStrokeColor(RED)
    canvas.setFillColor(RED)
    canvas.setLineWidth(LINE)
    canvas.circle(0, 0, (DIAMETER - LINE) / 2)
    _star(canvas)
    _name(canvas, issuer.seal_text, loaded)
    _code(canvas, issuer.code)
    if demo:
        canvas.setFont(BOLD, 11)
        canvas.drawCentredString(0, -16.3 * mm, "演 示")
    canvas.restoreState()


def _star(canvas: Canvas) -> None:
    path = canvas.beginPath()
    inner = STAR_RADIUS * math.sin(math.radians(18)) / math.sin(math.radians(54))
    for corner in range(10):
        radius = STAR_RADIUS if corner % 2 == 0 else inner
        angle = math.radians(90 + corner * 36)
        point = (radius * math.cos(angle), radius * math.sin(angle))
        if corner:
            path.lineTo(*point)
        else:
            path.moveTo(*point)
    path.close()
    canvas.drawPath(path, stroke=0, fill=1)


def _name(canvas: Canvas, text: str, loaded: frozenset[str]) -> None:
    """Set the authority's name along the upper arc, smaller the longer it is."""
    radius = DIAMETER / 2 - 1.9 * mm
    arc = math.radians(ARC_DEGREES) * (radius - LARGEST * 0.8)
    size = max(SMALLEST, min(LARGEST, arc / max(len(text), 1) / 1.02))
    step = min(ARC_DEGREES / max(len(text), 1), 26.0)
    angle = 90 + step * (len(text) - 1) / 2
    for character in text:
        face = runs(character, BOLD, loaded)[0][0]
        canvas.setFont(face, size)
        _character(canvas, character, radius - size, angle, angle - 90)
        angle -= step


def _code(canvas: Canvas, code: str) -> None:
    """Set the authority's code along the foot, upright and read from left to right."""
    radius = DIAMETER / 2 - LINE - 0.5 * mm
    canvas.setFont(SANS, CODE)
    widths = [canvas.stringWidth(character, SANS, CODE) + 0.5 for character in code]
    angle = 270 - math.degrees(sum(widths) / radius) / 2
    for character, wide in zip(code, widths, strict=True):
        half = math.degrees(wide / radius) / 2
        angle += half
        _character(canvas, character, radius, angle, angle + 90)
        angle += half


def _character(canvas: Canvas, character: str, radius: float, angle: float, turn: float) -> None:
    """Draw one character on a circle at `angle` degrees, itself turned by `turn` degrees."""
    canvas.saveState()
    at = math.radians(angle)
    canvas.translate(radius * math.cos(at), radius * math.sin(at))
    canvas.rotate(turn)
    canvas.drawCentredString(0, 0, character)
    canvas.restoreState()

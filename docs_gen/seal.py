"""The drawn seal: a circle, a star, the authority's name along the arc. Vectors only."""

from __future__ import annotations

import math

from reportlab.lib.colors import Color
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from docs_gen.fonts import BOLD, load_fonts, runs, width

DIAMETER = 42 * mm
RED = Color(0.84, 0.08, 0.09, alpha=0.82)
STAR_RADIUS = 6.2 * mm
ARC_DEGREES = 250.0
LARGEST, SMALLEST = 15.0, 7.5


def draw_seal(canvas: Canvas, x: float, y: float, text: str, code: str, *, demo: bool) -> None:
    """Draw the seal centred at (x, y) points; demo seals say 演示 below the star.

    It is a picture and no statutory electronic seal (电子印章).
    """
    canvas.saveState()
    canvas.setStrokeColor(RED)
    canvas.setFillColor(RED)
    canvas.setLineWidth(1.2 * mm)
    canvas.circle(x, y, DIAMETER / 2 - 0.6 * mm)
    _star(canvas, x, y)
    _arc(canvas, x, y, text)
    if demo:
        canvas.setFont(BOLD, 13)
        canvas.drawCentredString(x, y - 11.4 * mm, "演 示")
    canvas.setFont(BOLD, 5.6)
    canvas.drawCentredString(x, y - 15.6 * mm, code)
    canvas.restoreState()


def _star(canvas: Canvas, x: float, y: float) -> None:
    path = canvas.beginPath()
    inner = STAR_RADIUS * math.sin(math.radians(18)) / math.sin(math.radians(54))
    for corner in range(10):
        radius = STAR_RADIUS if corner % 2 == 0 else inner
        angle = math.radians(90 + corner * 36)
        point = (x + radius * math.cos(angle), y + radius * math.sin(angle))
        if corner:
            path.lineTo(*point)
        else:
            path.moveTo(*point)
    path.close()
    canvas.drawPath(path, stroke=0, fill=1)


def _arc(canvas: Canvas, x: float, y: float, text: str) -> None:
    """Set the name along the upper arc, smaller the longer it is."""
    loaded = load_fonts()
    radius = DIAMETER / 2 - 1.9 * mm
    arc = math.radians(ARC_DEGREES) * (radius - LARGEST * 0.8)
    size = max(SMALLEST, min(LARGEST, arc / max(len(text), 1) / 1.02))
    baseline = radius - size
    step = min(ARC_DEGREES / max(len(text), 1), 26.0)
    angle = 90 + step * (len(text) - 1) / 2
    for character in text:
        canvas.saveState()
        canvas.translate(
            x + baseline * math.cos(math.radians(angle)),
            y + baseline * math.sin(math.radians(angle)),
        )
        canvas.rotate(angle - 90)
        face = runs(character, BOLD, loaded)[0][0]
        canvas.setFont(face, size)
        canvas.drawString(-width(character, BOLD, size, loaded) / 2, 0, character)
        canvas.restoreState()
        angle -= step

"""The same certificate page by reportlab's canvas and segno, for bench/certificates.py.

As anybody would draw it: each line by itself, reportlab's own subsets, a code from nothing. What
docs_gen.pdf sets for the whole process (streams without ASCII85) it has too.
"""

from __future__ import annotations

import io
import math
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import segno
from reportlab.lib.colors import Color, black, white
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from docs_gen.data import Facts, Issuer
from docs_gen.fonts import BOLD, FILES, SANS, SERIF, load_fonts
from docs_gen.layout import PAGE_HEIGHT, PAGE_WIDTH, QR_SIDE, Text, lay_out
from docs_gen.modules import MASK
from docs_gen.press import DEMO_MARK, QUIET_ZONE
from docs_gen.seal import DIAMETER
from docs_gen.template import Template

# reportlab's own faces, beside those that we register.
PLAIN = "Plain"
FACES = Path(str(resources.files("docs_gen") / "font_files"))
RED = Color(0.87, 0.11, 0.12)
WATERMARK = Color(0.62, 0.64, 0.68, alpha=0.20)
_DARK = re.compile(rb"\x01+")


@dataclass(frozen=True)
class Paper:
    """A page to be signed, and where its seal is."""

    pdf: bytes
    seal_box: tuple[int, int, int, int]


class Page:
    """A page drawn for each facts, the faces read once."""

    def __init__(self, template: Template) -> None:
        self.template = template
        self.loaded = load_fonts()
        for name, file in FILES.items():
            pdfmetrics.registerFont(TTFont(PLAIN + name, str(FACES / file)))

    def draw(self, facts: Facts) -> Paper:
        """Return the whole page."""
        [sheet] = lay_out(self.template, facts, self.loaded)
        buffer, canvas = self._canvas(facts)
        _watermark(canvas)
        for box in sheet.boxes:
            canvas.rect(box.x, box.y, box.w, box.h)
        self._texts(canvas, sheet.texts)
        if sheet.qr is None or sheet.seal is None:
            raise ValueError("expected a page with seal and QR code")
        _qr(canvas, *sheet.qr, facts.qr_url)
        _seal(canvas, *sheet.seal, facts.issuer)
        canvas.save()
        x, y, half = *sheet.seal, DIAMETER / 2
        box = (int(x - half), int(y - half), int(x + half), int(y + half))
        return Paper(buffer.getvalue(), box)

    def bare(self, facts: Facts) -> bytes:
        """Return a page with the words alone: no table, watermark, seal or QR code."""
        [sheet] = lay_out(self.template, facts, self.loaded)
        buffer, canvas = self._canvas(facts)
        self._texts(canvas, sheet.texts)
        canvas.save()
        return buffer.getvalue()

    def _canvas(self, facts: Facts) -> tuple[io.BytesIO, Canvas]:
        buffer = io.BytesIO()
        canvas = Canvas(
            buffer, (PAGE_WIDTH, PAGE_HEIGHT), lang="zh-CN", initialFontName=PLAIN + SERIF
        )
        canvas.setTitle(self.template.title)
        canvas.setAuthor(facts.issuer.name)
        canvas.setSubject(facts.number)
        return buffer, canvas

    def _texts(self, canvas: Canvas, texts: list[Text]) -> None:
        for text in texts:
            canvas.setFont(PLAIN + text.font, text.size)
            ways = {"left": canvas.drawString, "centre": canvas.drawCentredString}
            ways.get(text.align, canvas.drawRightString)(text.x, text.y, text.text)


def _watermark(canvas: Canvas) -> None:
    canvas.saveState()
    canvas.setFillColor(WATERMARK)
    canvas.setFont(PLAIN + SERIF, 84)
    canvas.translate(PAGE_WIDTH / 2, PAGE_HEIGHT / 2)
    canvas.rotate(38)
    for height in (150, -190):
        canvas.drawCentredString(0, height, DEMO_MARK)
    canvas.restoreState()


def _qr(canvas: Canvas, x: float, y: float, url: str) -> None:
    code = segno.make(url, error="m", boost_error=False, micro=False, mask=MASK)
    rows = [bytes(row) for row in code.matrix_iter(border=QUIET_ZONE)]
    module = QR_SIDE / len(rows)
    canvas.saveState()
    canvas.translate(x, y)
    canvas.setFillColor(white)
    canvas.rect(0, 0, QR_SIDE, QR_SIDE, stroke=0, fill=1)
    canvas.setFillColor(black)
    canvas.scale(module, module)
    filled = " ".join(
        f"{run.start()} {len(rows) - 1 - i} {run.end() - run.start()} 1.04 re"
        for i, row in enumerate(rows)
        for run in _DARK.finditer(row)
    )
    canvas.addLiteral(f"{filled} f")
    canvas.restoreState()


def _seal(canvas: Canvas, x: float, y: float, issuer: Issuer) -> None:
    canvas.saveState()
    canvas.translate(x, y)
    canvas.setBlendMode("Multiply")
    canvas.setStrokeColor(RED)
    canvas.setFillColor(RED)
    canvas.setLineWidth(3.4)
    canvas.circle(0, 0, DIAMETER / 2 - 1.7)
    path = canvas.beginPath()
    for corner in range(10):
        radius, angle = (17.6 if corner % 2 == 0 else 6.7), math.radians(90 + corner * 36)
        (path.lineTo if corner else path.moveTo)(radius * math.cos(angle), radius * math.sin(angle))
    path.close()
    canvas.drawPath(path, stroke=0, fill=1)
    canvas.setFont(PLAIN + BOLD, 13)
    _around(canvas, issuer.seal_text, 38, -min(250 / len(issuer.seal_text), 26))
    canvas.setFont(PLAIN + SANS, 5)
    _around(canvas, issuer.code, -55, 3.4)
    canvas.setFont(PLAIN + BOLD, 11)
    canvas.drawCentredString(0, -46, "演 示")
    canvas.restoreState()


def _around(canvas: Canvas, text: str, radius: float, step: float) -> None:
    """Set a text around the middle, its own middle above it, or below for a negative radius."""
    for i, character in enumerate(text):
        canvas.saveState()
        canvas.rotate(step * (i - (len(text) - 1) / 2))
        canvas.drawCentredString(0, radius, character)
        canvas.restoreState()

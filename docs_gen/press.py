"""Facts and a template into PDF bytes: the same facts and signing time, the same bytes."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path

import segno
from reportlab import rl_config
from reportlab.lib.colors import Color, black, white
from reportlab.pdfgen.canvas import Canvas

from docs_gen.data import Facts
from docs_gen.fonts import SANS, SERIF, load_fonts, runs, width
from docs_gen.layout import (
    PAGE_HEIGHT,
    PAGE_WIDTH,
    QR_SIDE,
    Sheet,
    Text,
    lay_out,
    lay_out_notice,
)
from docs_gen.notice import Letter, NoticeTemplate
from docs_gen.seal import DIAMETER, draw_seal
from docs_gen.template import Template

# Nothing that people type may ever make the page fetch a file or an address.
rl_config.trustedHosts = None
rl_config.trustedSchemes = []
# Streams as they are: ASCII would take a quarter more room, and time.
rl_config.useA85 = 0

WATERMARK = Color(0.62, 0.64, 0.68, alpha=0.20)
DEMO_MARK = "演示样本"
QUIET_ZONE = 2
QR_MASK = 3
_DARK = re.compile(rb"\x01+")


@dataclass(frozen=True, slots=True)
class Drawn:
    """An unsigned page; `seal_box` (left, bottom, right, top, in points) is on page `seal_page`."""

    pdf: bytes
    seal_page: int
    seal_box: tuple[int, int, int, int]


def draw(facts: Facts, template: Template, fallback: Path | None = None) -> Drawn:
    """Draw a certificate ready to be signed; ValueError names a character nobody can draw."""
    return _draw(facts, template, fallback, DEMO_MARK if facts.demo else None, live=True)


def preview(facts: Facts, template: Template, fallback: Path | None = None) -> bytes:
    """Draw what the certificate will say, marked 预览: without seal, without a live QR code."""
    return _draw(facts, template, fallback, "预　览", live=False).pdf


def specimen(facts: Facts, template: Template, fallback: Path | None = None) -> bytes:
    """Draw how a kind of certificate looks, marked 样张: without seal, without a live QR code."""
    return _draw(facts, template, fallback, "样　张", live=False).pdf


def _draw(
    facts: Facts, template: Template, fallback: Path | None, mark: str | None, *, live: bool
) -> Drawn:
    loaded = load_fonts(fallback)
    sheets = lay_out(template, facts, loaded)
    buffer = io.BytesIO()
    canvas = _canvas(buffer, template.title, facts.issuer.name, facts.number)
    for sheet in sheets:
        if mark is not None:
            _watermark(canvas, mark)
        _sheet(canvas, sheet, facts, loaded, live=live)
        canvas.showPage()
    canvas.save()
    x, y = sheets[-1].seal or (0.0, 0.0)
    half = DIAMETER / 2
    box = (int(x - half), int(y - half), int(x + half), int(y + half))
    return Drawn(buffer.getvalue(), len(sheets) - 1, box)


def draw_notice(letter: Letter, template: NoticeTemplate, fallback: Path | None = None) -> bytes:
    """Draw a notice to be printed; ValueError names a value or character nobody can draw."""
    loaded = load_fonts(fallback)
    sheets = lay_out_notice(template, letter, loaded)
    buffer = io.BytesIO()
    canvas = _canvas(buffer, template.title, letter.issuer, letter.number)
    for sheet in sheets:
        if letter.demo:
            _watermark(canvas, DEMO_MARK)
        canvas.setFillColor(black)
        for text in sheet.texts:
            _text(canvas, text, loaded)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _canvas(buffer: io.BytesIO, title: str, author: str, subject: str) -> Canvas:
    # Without a first font of ours reportlab refers to Helvetica, which is not embedded.
    canvas = Canvas(
        buffer, (PAGE_WIDTH, PAGE_HEIGHT), invariant=1, lang="zh-CN", initialFontName=SERIF
    )
    canvas.setTitle(title)
    canvas.setAuthor(author)
    canvas.setSubject(subject)
    canvas.setCreator("Kuayu")
    return canvas


def _sheet(
    canvas: Canvas, sheet: Sheet, facts: Facts, loaded: frozenset[str], *, live: bool
) -> None:
    canvas.setStrokeColor(black)
    canvas.setLineWidth(0.6)
    for box in sheet.boxes:
        canvas.rect(box.x, box.y, box.w, box.h, stroke=1, fill=0)
    canvas.setFillColor(black)
    for text in sheet.texts:
        _text(canvas, text, loaded)
    if sheet.qr is not None:
        if live:
            _qr(canvas, *sheet.qr, facts.qr_url)
        else:
            _no_qr(canvas, *sheet.qr)
    if sheet.seal is not None and live:
        draw_seal(canvas, sheet.seal, facts.issuer, loaded, demo=facts.demo)


def _text(canvas: Canvas, text: Text, loaded: frozenset[str]) -> None:
    x = text.x
    if text.align != "left":
        whole = width(text.text, text.font, text.size, loaded)
        x -= whole if text.align == "right" else whole / 2
    for face, run in runs(text.text, text.font, loaded):
        canvas.setFont(face, text.size)
        canvas.drawString(x, text.y, run)
        x += canvas.stringWidth(run, face, text.size)


def _qr(canvas: Canvas, x: float, y: float, url: str) -> None:
    """Draw the QR code as filled runs of modules, error correction M.

    The mask is always the same: the payload is as good as random, so all are about as readable,
    and looking for the best one takes longer than everything else on the page.
    """
    code = segno.make(url, error="m", boost_error=False, micro=False, mask=QR_MASK)
    rows = [bytes(row) for row in code.matrix_iter(border=QUIET_ZONE)]
    module = QR_SIDE / len(rows)
    canvas.saveState()
    canvas.translate(x, y)
    canvas.setFillColor(white)
    canvas.rect(0, 0, QR_SIDE, QR_SIDE, stroke=0, fill=1)
    canvas.setFillColor(black)
    canvas.scale(module, module)
    # Rows overlap by a hair, or a viewer shows light seams between them.
    runs_of_modules = " ".join(
        f"{run.start()} {len(rows) - 1 - i} {run.end() - run.start()} 1.04 re"
        for i, row in enumerate(rows)
        for run in _DARK.finditer(row)
    )
    canvas.addLiteral(f"{runs_of_modules} f")
    canvas.restoreState()


def _no_qr(canvas: Canvas, x: float, y: float) -> None:
    canvas.setDash(2, 2)
    canvas.rect(x, y, QR_SIDE, QR_SIDE, stroke=1, fill=0)
    canvas.setDash()
    canvas.setFont(SANS, 10)
    canvas.drawCentredString(x + QR_SIDE / 2, y + QR_SIDE / 2 - 4, "签发后生成")


def _watermark(canvas: Canvas, mark: str) -> None:
    canvas.saveState()
    canvas.setFillColor(WATERMARK)
    canvas.setFont(SERIF, 84)
    canvas.translate(PAGE_WIDTH / 2, PAGE_HEIGHT / 2)
    canvas.rotate(38)
    canvas.drawCentredString(0, 150, mark)
    canvas.drawCentredString(0, -190, mark)
    canvas.restoreState()

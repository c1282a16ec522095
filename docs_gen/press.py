"""Facts and a template into pages: the same facts and signing time, the same bytes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from reportlab.lib.colors import Color, black, white
from reportlab.pdfgen.canvas import Canvas

from docs_gen.data import Facts
from docs_gen.fonts import SANS, SERIF, load_fonts, width
from docs_gen.layout import (
    PAGE_HEIGHT,
    PAGE_WIDTH,
    QR_SIDE,
    Sheet,
    Text,
    lay_out,
    lay_out_notice,
)
from docs_gen.modules import modules
from docs_gen.notice import Letter, NoticeTemplate
from docs_gen.page import Words, fill_modules
from docs_gen.pdf import Document, Said
from docs_gen.seal import DrawnSeal, SealProvider
from docs_gen.template import Template

WATERMARK = Color(0.62, 0.64, 0.68, alpha=0.20)
DEMO_MARK = "演示样本"
MARK_SIZE, MARK_TURN, MARKS = 84, 38, (150, -190)
FRAME = 0.6
QUIET_ZONE = 2


@dataclass(frozen=True, slots=True)
class Drawn:
    """An unsigned page; `seal_box` (left, bottom, right, top, in points) is on page `seal_page`."""

    document: Document
    seal_page: int
    seal_box: tuple[int, int, int, int]

    def unsigned(self) -> bytes:
        """Return the pages as a file that is not signed; it can be signed no more."""
        return self.document.unsigned()


def draw(
    facts: Facts, template: Template, fallback: Path | None = None,
    *, seal: SealProvider | None = None,
) -> Drawn:  # fmt: skip
    """Draw a certificate ready to be signed, with its issuer's drawn seal or the one given.

    ValueError names a character nobody can draw; a seal that counts is on no demonstration's page,
    and a demonstration's on no other.
    """
    seal = DrawnSeal(facts.issuer, facts.demo) if seal is None else seal
    if seal.demo is not facts.demo:
        raise ValueError(f"the seal is {'' if seal.demo else 'not '}one of the demonstration")
    return _draw(facts, template, fallback, DEMO_MARK if facts.demo else None, seal)


def preview(facts: Facts, template: Template, fallback: Path | None = None) -> bytes:
    """Draw what the certificate will say, marked 预览: without seal, without a live QR code."""
    return _draw(facts, template, fallback, "预　览").unsigned()


def specimen(facts: Facts, template: Template) -> bytes:
    """Draw how a kind of certificate looks, marked 样张: without seal, without a live QR code."""
    return _draw(facts, template, None, "样　张").unsigned()


def _draw(
    facts: Facts, template: Template, fallback: Path | None, mark: str | None,
    seal: SealProvider | None = None,
) -> Drawn:  # fmt: skip
    live = seal is not None
    loaded = load_fonts(fallback)
    sheets = lay_out(template, facts, loaded)
    moment = facts.signing_time if live else None
    last_day = template.valid_until(facts.issued_on) if live else None
    said = Said(template.title, facts.issuer.name, facts.number, moment, last_day)
    document = _document(said)
    for sheet in sheets:
        _sheet(document.canvas, sheet, loaded, mark)
        if sheet.qr is not None:
            _qr(document.canvas, *sheet.qr, facts.qr_url if live else None, loaded)
        if sheet.seal is not None and seal is not None:
            seal.draw(document.canvas, sheet.seal, loaded)
        document.canvas.showPage()
    x, y = sheets[-1].seal or (0.0, 0.0)
    wide, high = (0.0, 0.0) if seal is None else seal.size
    box = (int(x - wide / 2), int(y - high / 2), int(x + wide / 2), int(y + high / 2))
    return Drawn(document, len(sheets) - 1, box)


def draw_notice(letter: Letter, template: NoticeTemplate, fallback: Path | None = None) -> bytes:
    """Draw a notice to be printed; ValueError names a value or character nobody can draw."""
    loaded = load_fonts(fallback)
    sheets = lay_out_notice(template, letter, loaded)
    document = _document(Said(template.title, letter.issuer, letter.number))
    for sheet in sheets:
        _sheet(document.canvas, sheet, loaded, DEMO_MARK if letter.demo else None)
        document.canvas.showPage()
    return document.unsigned()


def _document(said: Said) -> Document:
    return Document(said, (PAGE_WIDTH, PAGE_HEIGHT))


def _sheet(canvas: Canvas, sheet: Sheet, loaded: frozenset[str], mark: str | None) -> None:
    if mark is not None:
        _watermark(canvas, mark, loaded)
    canvas.setStrokeColor(black)
    canvas.setFillColor(black)
    canvas.setLineWidth(FRAME)
    for box in sheet.boxes:
        canvas.rect(box.x, box.y, box.w, box.h)
    words = Words(canvas, loaded)
    for text in sheet.texts:
        words.write((_left(text, loaded), text.y), text.text, text.font, text.size)
    words.close()


def _left(text: Text, loaded: frozenset[str]) -> float:
    """Return where a line begins."""
    if text.align == "left":
        return text.x
    whole = width(text.text, text.font, text.size, loaded)
    return text.x - (whole if text.align == "right" else whole / 2)


def _qr(canvas: Canvas, x: float, y: float, url: str | None, loaded: frozenset[str]) -> None:
    """Draw an address as a QR code on white, or where it will be when there is none yet."""
    if url is None:
        canvas.saveState()
        canvas.setDash(2, 2)
        canvas.rect(x, y, QR_SIDE, QR_SIDE)
        canvas.restoreState()
        words = Words(canvas, loaded)
        words.turn((x + QR_SIDE / 2, y + QR_SIDE / 2 - 4), 0, "签发后生成", SANS, 10)
        words.close()
        return
    rows = modules(url.encode())
    module = QR_SIDE / (len(rows) + 2 * QUIET_ZONE)
    quiet = QUIET_ZONE * module
    canvas.setFillColor(white)
    canvas.rect(x, y, QR_SIDE, QR_SIDE, stroke=0, fill=1)
    canvas.setFillColor(black)
    fill_modules(canvas, (x + quiet, y + quiet), QR_SIDE - 2 * quiet, rows)


def _watermark(canvas: Canvas, mark: str, loaded: frozenset[str]) -> None:
    canvas.saveState()
    canvas.setFillColor(WATERMARK)
    canvas.translate(PAGE_WIDTH / 2, PAGE_HEIGHT / 2)
    turn = math.radians(MARK_TURN)
    words = Words(canvas, loaded)
    for height in MARKS:
        at = (-height * math.sin(turn), height * math.cos(turn))
        words.turn(at, MARK_TURN, mark, SERIF, MARK_SIZE)
    words.close()
    canvas.restoreState()

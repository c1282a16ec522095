"""Facts and a template into pages: the same facts and signing time, the same bytes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from docs_gen.data import Facts
from docs_gen.embedding import Faces
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
from docs_gen.page import Page
from docs_gen.pdf import Document, Said
from docs_gen.seal import DIAMETER, draw_seal
from docs_gen.template import Template

BLACK, WHITE, WATERMARK = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0.62, 0.64, 0.68)
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

    @property
    def pdf(self) -> bytes:
        """The pages as a file that is not signed."""
        return self.document.unsigned()


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
    faces = Faces()
    sheets = lay_out(template, facts, loaded)
    pages = []
    for sheet in sheets:
        page = _page(sheet, faces, loaded, mark)
        if sheet.qr is not None:
            _qr(page, *sheet.qr, facts.qr_url if live else None)
        if sheet.seal is not None and live:
            draw_seal(page, sheet.seal, facts.issuer, loaded, demo=facts.demo)
        pages.append(page)
    moment = facts.signing_time if live else None
    said = Said(template.title, facts.issuer.name, facts.number, moment)
    x, y = sheets[-1].seal or (0.0, 0.0)
    half = DIAMETER / 2
    box = (int(x - half), int(y - half), int(x + half), int(y + half))
    return Drawn(_document(said, pages, faces), len(sheets) - 1, box)


def draw_notice(letter: Letter, template: NoticeTemplate, fallback: Path | None = None) -> bytes:
    """Draw a notice to be printed; ValueError names a value or character nobody can draw."""
    loaded = load_fonts(fallback)
    faces = Faces()
    mark = DEMO_MARK if letter.demo else None
    sheets = lay_out_notice(template, letter, loaded)
    pages = [_page(sheet, faces, loaded, mark) for sheet in sheets]
    said = Said(template.title, letter.issuer, letter.number)
    return _document(said, pages, faces).unsigned()


def _document(said: Said, pages: Sequence[Page], faces: Faces) -> Document:
    contents = tuple(page.content() for page in pages)
    return Document(said, (PAGE_WIDTH, PAGE_HEIGHT), contents, faces)


def _page(sheet: Sheet, faces: Faces, loaded: frozenset[str], mark: str | None) -> Page:
    page = Page(faces, loaded)
    if mark is not None:
        _watermark(page, mark)
    page.stroke(BLACK, FRAME)
    page.fill(BLACK)
    for box in sheet.boxes:
        page.frame(box.x, box.y, box.w, box.h)
    for text in sheet.texts:
        _text(page, text, loaded)
    return page


def _text(page: Page, text: Text, loaded: frozenset[str]) -> None:
    x = text.x
    if text.align != "left":
        whole = width(text.text, text.font, text.size, loaded)
        x -= whole if text.align == "right" else whole / 2
    page.text(x, text.y, text.text, text.font, text.size)


def _qr(page: Page, x: float, y: float, url: str | None) -> None:
    """Draw an address as a QR code on white, or where it will be when there is none yet."""
    if url is None:
        page.say("q [2 2] 0 d")
        page.frame(x, y, QR_SIDE, QR_SIDE)
        page.say("Q")
        page.turned((x + QR_SIDE / 2, y + QR_SIDE / 2 - 4), 0, "签发后生成", SANS, 10)
        return
    rows = modules(url.encode())
    module = QR_SIDE / (len(rows) + 2 * QUIET_ZONE)
    quiet = QUIET_ZONE * module
    page.fill(WHITE)
    page.area(x, y, QR_SIDE, QR_SIDE)
    page.fill(BLACK)
    page.modules(x + quiet, y + quiet, QR_SIDE - 2 * quiet, rows)


def _watermark(page: Page, mark: str) -> None:
    page.say("q /Faint gs")
    page.fill(WATERMARK)
    page.say(f"1 0 0 1 {PAGE_WIDTH / 2:.2f} {PAGE_HEIGHT / 2:.2f} cm")
    turn = math.radians(MARK_TURN)
    for height in MARKS:
        at = (-height * math.sin(turn), height * math.cos(turn))
        page.turned(at, MARK_TURN, mark, SERIF, MARK_SIZE)
    page.say("Q")

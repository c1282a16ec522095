"""A certificate's page by GB/T 9704: A4, text block 156 × 225 mm, top 37 mm, left 28 mm."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm

from docs_gen.data import Facts
from docs_gen.fonts import BOLD, SANS, SERIF, width
from docs_gen.lines import break_lines
from docs_gen.notice import Letter, NoticeTemplate
from docs_gen.numbers import long_date
from docs_gen.template import Template
from docs_gen.values import TemplateTable

PAGE_WIDTH, PAGE_HEIGHT = A4
LEFT, TOP = 28 * mm, 37 * mm
BLOCK_WIDTH, BLOCK_HEIGHT = 156 * mm, 225 * mm
RIGHT = LEFT + BLOCK_WIDTH
HIGHEST = PAGE_HEIGHT - TOP
LOWEST = HIGHEST - BLOCK_HEIGHT
FOOT = LOWEST - 12 * mm
TITLE, TITLE_LEADING = 22.0, 34.0
BODY, LEADING = 16.0, 28.0
SMALL, SMALL_LEADING = 10.5, 16.0
CELL, CELL_LEADING, CELL_PADDING = 14.0, 21.0, 5.0
CAPTION_LEADING = 32.0
LABEL_WIDTH = 46 * mm
MOST_LINES = int((BLOCK_HEIGHT - 40 * mm) // CELL_LEADING)
QR_SIDE = 34 * mm
ISSUER_WIDTH = BLOCK_WIDTH - QR_SIDE - 4 * mm
DAY_INDENT = 4 * BODY
CLOSING_HEIGHT = 52 * mm


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text at a baseline."""

    x: float
    y: float
    text: str
    font: str
    size: float
    align: str = "left"


@dataclass(frozen=True, slots=True)
class Box:
    """A thin frame of a table cell: left, bottom, width, height."""

    x: float
    y: float
    w: float
    h: float


@dataclass(slots=True)
class Sheet:
    """One page: what is on it, and where the seal and the QR code stand if they stand here."""

    texts: list[Text] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    seal: tuple[float, float] | None = None
    qr: tuple[float, float] | None = None


@dataclass(slots=True)
class _Flow:
    """Puts blocks one below the other, and on a new page when there is no room."""

    loaded: frozenset[str]
    head: str
    sheets: list[Sheet] = field(default_factory=lambda: [Sheet()])
    y: float = HIGHEST

    @property
    def sheet(self) -> Sheet:
        return self.sheets[-1]

    def make_room(self, height: float) -> None:
        """Go to a new page, which says what it belongs to, unless there is room here."""
        if self.y - height < LOWEST:
            self.sheets.append(Sheet())
            self.y = HIGHEST
            self.number(self.head)

    def lines(self, text: str, font: str, size: float, room: float, indent: float = 0) -> list[str]:
        return break_lines(text, lambda part: width(part, font, size, self.loaded), room, indent)

    def title(self, text: str) -> None:
        for line in self.lines(text, BOLD, TITLE, BLOCK_WIDTH):
            self.y -= TITLE_LEADING
            middle = LEFT + BLOCK_WIDTH / 2
            self.sheet.texts.append(Text(middle, self.y + 8, line, BOLD, TITLE, "centre"))
        self.y -= 4

    def number(self, text: str) -> None:
        """A line that is never broken: set smaller where it would be too long."""
        self.y -= SMALL_LEADING
        middle = LEFT + BLOCK_WIDTH / 2
        size = SMALL * min(1.0, BLOCK_WIDTH / width(text, SANS, SMALL, self.loaded))
        self.sheet.texts.append(Text(middle, self.y + 4, text, SANS, size, "centre"))
        self.y -= 12

    def paragraph(
        self, text: str, size: float, leading: float, indent: float | None = None
    ) -> None:
        indent = 2 * size if indent is None else indent
        for i, line in enumerate(self.lines(text, SERIF, size, BLOCK_WIDTH, indent)):
            self.make_room(leading)
            self.y -= leading
            x = LEFT + (indent if i == 0 else 0)
            self.sheet.texts.append(Text(x, self.y + leading * 0.28, line, SERIF, size))

    def row(self, label: str, value: str) -> None:
        """A row of the table; one that is longer than a page goes on in rows without label."""
        value_width = BLOCK_WIDTH - LABEL_WIDTH
        labels = self.lines(label, SERIF, CELL, LABEL_WIDTH - 2 * CELL_PADDING)
        values = self.lines(value, SERIF, CELL, value_width - 2 * CELL_PADDING)
        for start in range(0, max(len(labels), len(values)), MOST_LINES):
            part = slice(start, start + MOST_LINES)
            self._row(labels[part], values[part], value_width)

    def _row(self, labels: list[str], values: list[str], value_width: float) -> None:
        height = max(len(labels), len(values)) * CELL_LEADING + 2 * CELL_PADDING
        self.make_room(height)
        self.y -= height
        self.sheet.boxes.append(Box(LEFT, self.y, LABEL_WIDTH, height))
        self.sheet.boxes.append(Box(LEFT + LABEL_WIDTH, self.y, value_width, height))
        self._cell(LEFT, labels, height)
        self._cell(LEFT + LABEL_WIDTH, values, height)

    def table(self, table: TemplateTable, rows: list[list[str]]) -> None:
        """A table under its title; its head stands again at the top of each page it goes on on."""
        shares = sum(column.share for column in table.columns)
        widths = [BLOCK_WIDTH * column.share / shares for column in table.columns]
        numbers = [column.is_number for column in table.columns]
        head = self._cells([column.title for column in table.columns], widths, BOLD)
        height = _height(head)
        for number, row in enumerate(rows):
            cells = self._cells(row, widths, SERIF)
            page = len(self.sheets)
            above = CAPTION_LEADING + height if number == 0 else 0.0
            self.make_room(above + _height(cells))
            if number == 0:
                self._caption(table.title)
            if number == 0 or len(self.sheets) > page:
                self._columns(head, widths, BOLD, [False] * len(head))
            self._columns(cells, widths, SERIF, numbers)

    def _caption(self, title: str) -> None:
        self.y -= CAPTION_LEADING
        middle = LEFT + BLOCK_WIDTH / 2
        self.sheet.texts.append(Text(middle, self.y + 7, title, BOLD, CELL, "centre"))

    def _cells(self, row: list[str], widths: list[float], font: str) -> list[list[str]]:
        return [
            self.lines(text, font, SMALL, room - 2 * CELL_PADDING)
            for text, room in zip(row, widths, strict=True)
        ]

    def _columns(
        self, cells: list[list[str]], widths: list[float], font: str, numbers: list[bool]
    ) -> None:
        height = _height(cells)
        self.y -= height
        left = LEFT
        for lines, room, number in zip(cells, widths, numbers, strict=True):
            self.sheet.boxes.append(Box(left, self.y, room, height))
            top = self.y + height - (height - len(lines) * SMALL_LEADING) / 2
            x, align = (left + room - CELL_PADDING, "right") if number else (
                left + room / 2, "centre")  # fmt: skip
            for i, line in enumerate(lines):
                y = top - (i + 1) * SMALL_LEADING + SMALL_LEADING * 0.28
                self.sheet.texts.append(Text(x, y, line, font, SMALL, align))
            left += room

    def _cell(self, left: float, lines: list[str], height: float) -> None:
        top = self.y + height - (height - len(lines) * CELL_LEADING) / 2
        for i, line in enumerate(lines):
            y = top - (i + 1) * CELL_LEADING + CELL_LEADING * 0.28
            self.sheet.texts.append(Text(left + CELL_PADDING, y, line, SERIF, CELL))

    def closing(self, facts: Facts) -> None:
        """Issuer and date lower right with the seal over them; QR, number and code lower left."""
        self.sheet.seal = self.signature(facts.issuer.name, facts.issued_on)
        base = LOWEST
        self.sheet.qr = (LEFT, base + 11 * mm)
        code = f"校验码 {facts.check_code}"
        self.sheet.texts.append(Text(LEFT, base + 5.5 * mm, code, SANS, SMALL))
        self.sheet.texts.append(Text(LEFT, base, f"编号 {facts.number}", SANS, 8))
        self.y = base

    def signature(self, name: str, issued_on: date) -> tuple[float, float]:
        """Issuer and date at the foot of the page, lower right; return the seal's place.

        The date ends four characters from the right and the issuer stands centred over it; the
        seal's centre lies a little above both (GB/T 9704, 7.3.5.1).
        """
        self.make_room(CLOSING_HEIGHT)
        base = LOWEST
        day = long_date(issued_on)
        issuer = self._issuer(name)
        widest = max(width(line, SERIF, BODY, self.loaded) for line in issuer)
        day_width = width(day, SERIF, BODY, self.loaded)
        middle = RIGHT - max(DAY_INDENT + day_width / 2, widest / 2)
        lowest = base + 12 * mm
        for i, line in enumerate([day, *reversed(issuer)]):
            self.sheet.texts.append(Text(middle, lowest + i * LEADING, line, SERIF, BODY, "centre"))
        return middle, lowest + LEADING + 2 * mm

    def numbered(self, form: str = "") -> list[Sheet]:
        """Return the pages, each with its number, how many there are, and their form's name."""
        for i, sheet in enumerate(self.sheets, start=1):
            footer = f"第 {i} 页 共 {len(self.sheets)} 页"
            middle = LEFT + BLOCK_WIDTH / 2
            sheet.texts.append(Text(middle, FOOT, footer, SANS, SMALL, "centre"))
            if form:
                sheet.texts.append(Text(RIGHT, FOOT, form, SANS, 8, "right"))
        return self.sheets

    def _issuer(self, name: str) -> list[str]:
        """Return the issuer's name in as few lines as there is room for, about equally long."""
        whole = width(name, SERIF, BODY, self.loaded)
        if whole <= ISSUER_WIDTH:
            return [name]
        parts = math.ceil(whole / ISSUER_WIDTH)
        return self.lines(name, SERIF, BODY, min(ISSUER_WIDTH, whole / parts + BODY))


def _height(cells: list[list[str]]) -> float:
    """Return how high a table's row of these cells, as lines, is."""
    return max(len(lines) for lines in cells) * SMALL_LEADING + 2 * CELL_PADDING


def lay_out(template: Template, facts: Facts, loaded: frozenset[str]) -> list[Sheet]:
    """Return the pages of a certificate.

    ValueError names a character that no face can draw, or a value that the page cannot take.
    """
    written = template.written(facts)
    flow = _Flow(loaded, f"{template.title}（续页）　编号：{facts.number}")
    flow.title(template.title)
    flow.number(f"编号：{facts.number}")
    for paragraph in template.paragraphs:
        flow.paragraph(paragraph.format_map(written), BODY, LEADING)
    flow.y -= 8
    for label, value in template.rows:
        flow.row(label, value.format_map(written))
    for table in template.tables:
        flow.table(table, table.write(facts.values[table.name]))
    basis = template.basis.format_map(written)
    # The last words go along with the seal: no page bears a seal and no text (GB/T 9704, 7.3.5.5).
    lines = len(flow.lines(basis, SERIF, SMALL, BLOCK_WIDTH, 2 * SMALL))
    flow.make_room(6 + LEADING + lines * SMALL_LEADING + CLOSING_HEIGHT)
    flow.y -= 6
    flow.paragraph("特此证明。", BODY, LEADING)
    flow.paragraph(basis, SMALL, SMALL_LEADING)
    flow.closing(facts)
    return flow.numbered(f"版式 {facts.kind} 第{facts.template_version}版")


def lay_out_notice(template: NoticeTemplate, letter: Letter, loaded: frozenset[str]) -> list[Sheet]:
    """Return the pages of a notice, with room for a seal of rubber over issuer and date.

    ValueError names a character that no face can draw, or a value that lacks.
    """
    salutation, *paragraphs = template.written(letter)
    flow = _Flow(loaded, f"{template.title}（续页）　编号：{letter.number}")
    flow.title(template.title)
    flow.number(f"编号：{letter.number}")
    flow.paragraph(salutation, BODY, LEADING, indent=0)
    for paragraph in paragraphs:
        flow.paragraph(paragraph, BODY, LEADING)
    flow.signature(letter.issuer, letter.day)
    flow.sheet.texts.append(Text(LEFT, LOWEST, template.footnote, SANS, 8))
    return flow.numbered()

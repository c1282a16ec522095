from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
import reportlab
from PIL import Image, ImageChops
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from docs_gen.embedding import Faces
from docs_gen.fonts import FALLBACK, SERIF, face_of, load_fonts
from docs_gen.page import Page
from docs_gen.pdf import Document, Said
from tests.support.office import picture, text_of

VERA = Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"
SIZE = (400.0, 200.0)
CHECKSUM = 0xB1B0AFBA


def written(*lines: str) -> bytes:
    """Return a page with lines of text, in Vera where Noto has no glyph."""
    faces, loaded = Faces(), load_fonts(VERA)
    page = Page(faces, loaded)
    for i, line in enumerate(lines):
        page.text(10, 180 - 12 * i, line, SERIF, 10)
    return Document(Said("", "", ""), SIZE, (page.content(),), faces).unsigned()


def checksum(content: bytes) -> int:
    content += bytes(-len(content) % 4)
    return sum(struct.unpack(f">{len(content) // 4}L", content)) & 0xFFFFFFFF


def test_a_subset_is_a_truetype_file_whose_checksums_hold() -> None:
    load_fonts()
    face = face_of(SERIF)
    content = face.subset([0, *(face.glyph(one) or 0 for one in "霍邱县1.2")])
    assert checksum(content) == CHECKSUM
    [count] = struct.unpack_from(">H", content, 4)
    tags = {}
    for i in range(count):
        tag, check, start, length = struct.unpack_from(">4sLLL", content, 12 + 16 * i)
        table = content[start : start + length]
        tags[tag.decode()] = length
        if tag == b"head":
            table = table[:8] + bytes(4) + table[12:]
        assert checksum(table) == check, tag
    assert tags["loca"] == 4 * (7 + 1)
    assert tags["hmtx"] == 4 * 7
    assert len(content) < 10_000


def test_a_glyph_composed_of_others_is_drawn_as_reportlab_draws_it(tmp_path: Path) -> None:
    words = "éñçÅšŽ"
    pdfmetrics.registerFont(TTFont("Vera", str(VERA)))
    expected = io.BytesIO()
    canvas = Canvas(expected, SIZE, initialFontName="Vera")
    canvas.setFont("Vera", 40)
    canvas.drawString(10, 100, words)
    canvas.save()
    faces = Faces()
    page = Page(faces, load_fonts(VERA))
    page.text(10, 100, words, FALLBACK, 40)
    ours = Document(Said("", "", ""), SIZE, (page.content(),), faces).unsigned()
    left, right = (
        Image.open(picture(tmp_path, content)).convert("L").copy()
        for content in (expected.getvalue(), ours)
    )
    assert sum(left.histogram()[:100]) > 500, "something is drawn"
    assert ImageChops.difference(left, right).getextrema()[1] < 40


def test_a_face_takes_more_characters_than_a_byte_counts(tmp_path: Path) -> None:
    lines = ["".join(chr(0x4E00 + 30 * i + j) for j in range(30)) for i in range(14)]
    assert text_of(tmp_path, written(*lines)) == "".join(lines)


def test_a_file_holds_no_character_that_its_own_pages_do_not_have() -> None:
    written("霍邱")
    faces = Faces()
    page = Page(faces, load_fonts())
    page.text(0, 0, "县", SERIF, 10)
    assert set(faces[SERIF]) == {"县"}
    assert written("县") == written("县")


def test_a_character_that_the_face_lacks_is_no_code() -> None:
    load_fonts()
    with pytest.raises(KeyError):
        Faces()[SERIF]["\U0003fffd"]

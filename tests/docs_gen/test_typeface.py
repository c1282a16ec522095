from __future__ import annotations

import io
from pathlib import Path

import reportlab
from PIL import Image, ImageChops
from pypdf import PdfReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from docs_gen.fonts import FALLBACK, SERIF, load_fonts
from docs_gen.page import Words
from docs_gen.pdf import Document, Said
from tests.support.office import picture, text_of

VERA = Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"
SIZE = (400.0, 200.0)


def written(*lines: str, font: str = SERIF, size: float = 10) -> bytes:
    """Return a page with lines of text, in Vera where Noto has no glyph."""
    document = Document(Said("", "", ""), SIZE)
    words = Words(document.canvas, load_fonts(VERA))
    for i, line in enumerate(lines):
        words.write((10, 180 - 12 * i), line, font, size)
    words.close()
    return document.unsigned()


def test_a_subset_holds_what_its_page_has_and_is_small() -> None:
    page = PdfReader(io.BytesIO(written("霍邱县1.2"))).pages[0]
    [font] = (one.get_object() for one in page["/Resources"]["/Font"].values())
    assert font["/BaseFont"].endswith("+NotoSerifSC-Regular")
    assert len(font["/FontDescriptor"]["/FontFile2"].get_data()) < 8_000


def test_a_glyph_composed_of_others_is_drawn_as_reportlab_draws_it(tmp_path: Path) -> None:
    words = "éñçÅšŽ"
    pdfmetrics.registerFont(TTFont("Vera", str(VERA)))
    expected = io.BytesIO()
    canvas = Canvas(expected, SIZE, initialFontName="Vera")
    canvas.setFont("Vera", 40)
    canvas.drawString(10, 180, words)
    canvas.save()
    left, right = (
        Image.open(picture(tmp_path, content)).convert("L").copy()
        for content in (expected.getvalue(), written(words, font=FALLBACK, size=40))
    )
    assert sum(left.histogram()[:100]) > 500, "something is drawn"
    assert ImageChops.difference(left, right).getextrema()[1] < 40


def test_a_face_takes_more_characters_than_a_byte_counts(tmp_path: Path) -> None:
    lines = ["".join(chr(0x4E00 + 30 * i + j) for j in range(30)) for i in range(14)]
    assert text_of(tmp_path, written(*lines)) == "".join(lines)


def test_a_file_holds_no_character_of_those_before_it() -> None:
    alone = written("县")
    written("霍邱")
    assert written("县") == alone

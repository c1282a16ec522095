from __future__ import annotations

import dataclasses
import io
import math
from pathlib import Path

import pytest
import segno
from PIL import Image
from pypdf import PdfReader
from reportlab.lib.units import mm

from docs_gen.data import Facts, Issuer
from docs_gen.fonts import load_fonts, width
from docs_gen.layout import BLOCK_WIDTH, FOOT, LEFT, LOWEST, QR_SIDE, RIGHT, Sheet, lay_out
from docs_gen.press import draw, preview
from docs_gen.samples import longest
from docs_gen.seal import DIAMETER
from docs_gen.template import Template
from tests.support.office import TEMPLATES, VALUES, Office, picture, seen_qr, text_of, tool

KINDS = sorted(TEMPLATES)


def assert_inside(sheets: list[Sheet]) -> None:
    """Fail if two texts overlap, or any but the page's foot leave the text block of GB/T 9704."""
    loaded = load_fonts()
    for sheet in sheets:
        ends: dict[float, float] = {}
        for text in sheet.texts:
            wide = width(text.text.rstrip("，。、；：）》〉」』】〕"), text.font, text.size, loaded)
            left = text.x - {"left": 0, "centre": wide / 2, "right": wide}[text.align]
            assert left >= LEFT - 1, text
            assert left + wide <= RIGHT + 1, text
            assert text.y >= LOWEST - 0.1 or text.y == FOOT, text
            assert left >= ends.get(text.y, 0), text
            ends[text.y] = left + wide
        for box in sheet.boxes:
            assert box.y >= LOWEST - 0.1, box


def long_template(rows: int) -> Template:
    template = TEMPLATES["pension-balance"]
    more = tuple((f"第 {i} 次缴费", "{insured_status}") for i in range(rows))
    return dataclasses.replace(template, rows=(*template.rows, *more))


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_says_every_fact(kind: str, office: Office, tmp_path: Path) -> None:
    facts, template = office.facts(kind), TEMPLATES[kind]
    text = text_of(tmp_path, office.issue(kind))
    for name, field in template.fields.items():
        assert "".join(field.write(VALUES[kind][name]).split()) in text, name
    for table in template.tables:
        cells = [cell for row in table.write(VALUES[kind][table.name]) for cell in row]
        assert all(cell in text for cell in (*cells, *(one.title for one in table.columns)))
    for words in (template.title, facts.number, facts.check_code, facts.issuer.name):
        assert words in text
    assert "2026年11月23日" in text, "the day in China, where it is past midnight"
    pages = len(PdfReader(tmp_path / "page.pdf").pages)
    assert f"第{pages}页共{pages}页" in text
    assert f"版式{kind}第{template.version}版" in text


def test_every_face_is_embedded(office: Office, tmp_path: Path) -> None:
    lines = tool(tmp_path, office.issue(), "pdffonts", "page.pdf").splitlines()[2:]
    assert len(lines) == 3
    for line in lines:
        assert "TrueType" in line
        assert line.split()[-5:-2] == ["yes", "yes", "yes"], "embedded, subset, with Unicode"


@pytest.mark.parametrize("kind", KINDS)
def test_the_qr_code_read_from_the_drawn_page_is_the_address(
    kind: str, office: Office, tmp_path: Path
) -> None:
    content = office.issue(kind)
    pages = len(PdfReader(io.BytesIO(content)).pages)
    assert seen_qr(tmp_path, content, page=pages) == office.facts(kind).qr_url


@pytest.mark.parametrize("kind", KINDS)
def test_the_qr_code_is_printed_at_least_32_mm_wide(kind: str, office: Office) -> None:
    code = segno.make(office.facts(kind).qr_url, error="m", boost_error=False, micro=False)
    modules = code.symbol_size(border=0)[0]
    assert QR_SIDE * modules / (modules + 4) >= 32 * mm


@pytest.mark.parametrize(
    "name",
    [
        "<img src=/etc/passwd>",
        "<para>张</para>",
        "张&amp;三",
        "{issuer}",
        "%s%n",
        "(张) \\n ) Tj",
        "<a href='http://127.0.0.1/'>",
    ],
)
def test_mark_up_in_a_name_is_drawn_as_it_is(name: str, office: Office, tmp_path: Path) -> None:
    text = text_of(tmp_path, office.issue(applicant_name=name))
    assert text.count("".join(name.split())) == 2


@pytest.mark.parametrize("name", ["张\u202e三", "张\n三", "王\U0003fffd", "", "天" * 51])
def test_a_name_that_cannot_be_printed_is_refused(name: str, office: Office) -> None:
    with pytest.raises(ValueError, match=r"applicant_name|U\+3FFFD"):
        office.issue(applicant_name=name)


@pytest.mark.parametrize("kind", KINDS)
def test_the_longest_values_stay_inside_the_text_block(kind: str, office: Office) -> None:
    template, facts = TEMPLATES[kind], office.facts(kind)
    values = dict(VALUES[kind])
    for name, field in template.fields.items():
        if field.format == "text":
            values[name] = ("龘W，（9" * 40)[: field.max_length]
    full = longest(template, facts.signing_time).values
    values.update({table.name: full[table.name] for table in template.tables})
    values.update({"balance": "9999999999999.99"} if "balance" in values else {})
    sheets = lay_out(template, dataclasses.replace(facts, values=values), load_fonts())
    assert_inside(sheets)
    assert len(sheets) <= 2 or template.tables


@pytest.mark.parametrize("length", [1, 6, 17, 20, 21, 30, 50, 60])
def test_an_issuer_of_any_length_stands_under_its_seal(length: int, office: Office) -> None:
    name = ("安徽省六安市霍邱县人力资源和社会保障局" * 4)[:length]
    issuer = Issuer(name, "11341522MB0000001T", name[:30], "341522")
    facts = dataclasses.replace(office.facts(), issuer=issuer)
    sheets = lay_out(TEMPLATES[facts.kind], facts, load_fonts())
    assert_inside(sheets)
    (seal_x, seal_y), (qr_x, _) = sheets[-1].seal or (0, 0), sheets[-1].qr or (0, 0)
    day = next(text for text in sheets[-1].texts if text.text == "2026年11月23日")
    last = next(text for text in sheets[-1].texts if name.endswith(text.text))
    for covered in (day, last):
        assert math.hypot(covered.x - seal_x, covered.y - seal_y) < DIAMETER / 2
    wide = max(
        width(t.text, t.font, t.size, load_fonts()) for t in sheets[-1].texts if t.y == last.y
    )
    assert last.x - wide / 2 > qr_x + QR_SIDE
    assert seal_x + DIAMETER / 2 <= RIGHT


def test_a_number_longer_than_a_line_is_set_smaller(office: Office) -> None:
    facts = dataclasses.replace(office.facts(), number="1.2.156." + "9" * 90)
    head = lay_out(TEMPLATES[facts.kind], facts, load_fonts())[0].texts[1]
    assert head.text.startswith("编号")
    assert width(head.text, head.font, head.size, load_fonts()) <= BLOCK_WIDTH + 0.1


def test_a_table_goes_on_over_three_pages(office: Office, tmp_path: Path) -> None:
    facts, template = office.facts(), long_template(30)
    content = draw(facts, template).unsigned()
    sheets = lay_out(template, facts, load_fonts())
    assert_inside(sheets)
    assert [sheet.seal is not None for sheet in sheets] == [False, False, True]
    assert [sheet.qr is not None for sheet in sheets] == [False, False, True]
    pages = [page.extract_text() for page in PdfReader(_path(tmp_path, content)).pages]
    assert len(pages) == 3
    for i, page in enumerate(pages, start=1):
        assert f"第 {i} 页 共 3 页" in page
        assert facts.number in page
        assert "演示样本" in page
    text = text_of(tmp_path, content)
    assert all(f"第{i}次缴费" in text for i in range(30))
    assert seen_qr(tmp_path, content, page=3) == facts.qr_url


HEAD = ["缴费年度", "缴费月数", "个人缴费（元）", "财政补贴（元）", "到账日期"]


def years(count: int) -> str:
    """As many rows of contributions."""
    return "\n".join(f"{1900 + i}\t12\t{100 + i}.50\t60.00\t2025-12-08" for i in range(count))


@pytest.mark.parametrize("rows", [1, 8, 9, 10, 32, 70])
def test_the_head_of_a_table_stands_on_every_page_that_has_rows_of_it(
    rows: int, office: Office
) -> None:
    kind = "pension-contributions"
    sheets = lay_out(TEMPLATES[kind], office.facts(kind, contributions=years(rows)), load_fonts())
    assert_inside(sheets)
    drawn = [[text.text for text in sheet.texts] for sheet in sheets]
    assert sum(cell.isdecimal() and len(cell) == 4 for page in drawn for cell in page) == rows
    for page in drawn:
        heads = [page.count(title) for title in HEAD]
        assert heads == ([1] * 5 if "12" in page else [0] * 5)
    assert len(sheets) >= 3 or rows < 70
    assert [page.count("历年缴费明细") for page in drawn] == [1] + [0] * (len(sheets) - 1)


def test_numbers_of_a_table_end_under_each_other_and_all_else_stands_in_the_middle(
    office: Office,
) -> None:
    kind = "pension-contributions"
    sheets = lay_out(TEMPLATES[kind], office.facts(kind, contributions=years(3)), load_fonts())
    cells = [text for text in sheets[0].texts if text.text in {"12", "1900", "100.50", *HEAD}]
    aligned = {text.text: text.align for text in cells}
    assert aligned == dict.fromkeys(["1900", *HEAD], "centre") | {"12": "right", "100.50": "right"}


@pytest.mark.parametrize("rows", range(1, 14))
def test_no_page_bears_a_seal_and_no_text(rows: int, office: Office) -> None:
    kind = "pension-contributions"
    sheets = lay_out(TEMPLATES[kind], office.facts(kind, contributions=years(rows)), load_fonts())
    assert "特此证明。" in [text.text for text in sheets[-1].texts]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("2024\t12\t5\t6", "row 1: 4 cells for 5 columns"),
        ("2024\t12\t5\t6\t2024-12-05\n", "row 2: 1 cells"),
        ("2024\tmany\t5\t6\t2024-12-05", "row 1: 缴费月数: 4 characters"),
        ("2024\tm\t5\t6\t2024-12-05", "row 1: 缴费月数: invalid"),
        ("2024\t12\t-5\t6\t2024-12-05", "row 1: 个人缴费（元）: not an amount"),
        ("2024\t12\t5\t6\t2024-02-30", "row 1: 到账日期: day is out"),
        ("2024\t12\t5\t\t2024-02-03", "row 1: 财政补贴（元）: 0 characters"),
        ("\u202e4\t12\t5\t6\t2024-02-03", r"row 1: 缴费年度: .*U\+202E"),
        ("1" * 11 + "\t12\t5\t6\t2024-02-03", "row 1: 缴费年度: 11 characters"),
        (years(81), "81 rows, the page takes 80"),
    ],
)
def test_a_table_that_the_page_cannot_take_is_refused_by_row_and_column(
    table: str, said: str, office: Office
) -> None:
    kind = "pension-contributions"
    with pytest.raises(ValueError, match=f"^contributions: {said}"):
        lay_out(TEMPLATES[kind], office.facts(kind, contributions=table), load_fonts())


@pytest.mark.parametrize("rows", range(4, 16))
def test_the_table_never_reaches_into_seal_and_qr_code(rows: int, office: Office) -> None:
    sheets = lay_out(long_template(rows), office.facts(), load_fonts())
    assert_inside(sheets)
    (_, seal_y), (_, qr_y) = sheets[-1].seal or (0, 0), sheets[-1].qr or (0, 0)
    highest = max(seal_y + DIAMETER / 2, qr_y + QR_SIDE)
    assert all(box.y > highest for box in sheets[-1].boxes)
    assert all(t.y > highest for t in sheets[-1].texts if "证明。" in t.text or "依据" in t.text)


def test_a_value_longer_than_a_page_goes_on_on_the_next(office: Office) -> None:
    template = TEMPLATES["pension-balance"]
    rows = (("说明", "{insured_status}" * 150),)
    facts = office.facts(insured_status="天地玄黄宇宙洪荒")
    sheets = lay_out(dataclasses.replace(template, rows=rows), facts, load_fonts())
    assert_inside(sheets)
    drawn = "".join(text.text for sheet in sheets for text in sheet.texts)
    assert drawn.count("荒") == 150


def test_a_page_of_a_demo_key_says_so_and_no_other(office: Office, tmp_path: Path) -> None:
    facts = office.facts()
    real = dataclasses.replace(facts, demo=False)
    template = TEMPLATES[facts.kind]
    assert text_of(tmp_path, draw(facts, template).unsigned()).count("演示样本") == 2
    text = text_of(tmp_path, draw(real, template).unsigned())
    assert "样本" not in text
    assert text.count("演示") == 1, "in the name of the issuer, and no more on the seal"


def test_a_preview_is_marked_unsigned_and_without_qr_code_and_seal(
    office: Office, tmp_path: Path
) -> None:
    facts = office.facts()
    content = preview(facts, TEMPLATES[facts.kind])
    text = text_of(tmp_path, content)
    assert text.count("预") == text.count("览") == 2
    assert "签发后生成" in text
    assert facts.issuer.code not in text.replace(facts.number, ""), "the seal's code"
    assert seen_qr(tmp_path, content) == ""
    assert b"/ByteRange" not in content
    assert "张三丰" in text


def pixels(folder: Path, content: bytes, box: tuple[int, int, int, int]) -> list[tuple[int, ...]]:
    """Return the colours of a part of the first page, which is given in points from below."""
    image = Image.open(picture(folder, content, dpi=72)).convert("RGB")
    left, bottom, right, top = box
    part = image.crop((left, image.height - top, right, image.height - bottom))
    found = [part.getpixel((x, y)) for x in range(part.width) for y in range(part.height)]
    return [pixel for pixel in found if isinstance(pixel, tuple)]


def test_the_seal_is_red_and_what_is_printed_below_stays_readable(
    office: Office, tmp_path: Path
) -> None:
    facts, template = office.facts(), TEMPLATES["pension-balance"]
    drawn = draw(facts, template)
    sealed = pixels(tmp_path, drawn.unsigned(), drawn.seal_box)
    bare = pixels(tmp_path, preview(facts, template), drawn.seal_box)
    assert sum(r > 150 and g < 110 and b < 110 for r, g, b in sealed) > 1000
    black = [i for i, pixel in enumerate(bare) if max(pixel) < 60]
    assert len(black) > 100, "issuer and date"
    assert all(max(sealed[i]) < 80 for i in black)


def test_the_same_facts_give_the_same_page(office: Office) -> None:
    facts = office.facts()
    template = TEMPLATES[facts.kind]
    assert draw(facts, template).unsigned() == draw(facts, template).unsigned()


def test_the_document_has_title_language_and_number(office: Office, tmp_path: Path) -> None:
    facts: Facts = office.facts()
    reader = PdfReader(_path(tmp_path, office.issue()))
    assert reader.metadata is not None
    assert reader.metadata.title == "城乡居民养老保险个人账户余额证明"
    assert reader.metadata.subject == facts.number
    assert reader.metadata["/ValidUntil"] == "2027-02-21"
    assert reader.trailer["/Root"]["/Lang"] == "zh-CN"


def _path(folder: Path, content: bytes) -> Path:
    path = folder / "read.pdf"
    path.write_bytes(content)
    return path

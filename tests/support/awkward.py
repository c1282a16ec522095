"""Names and values that nobody expects, and what must become of them: a page, or a refusal."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import time
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from docs_gen.fonts import unprintable
from docs_gen.signing import issue
from docs_gen.template import Template
from docs_gen.text import CELL, ROW
from docs_gen.values import Format, TemplateTable
from docs_gen.verifying import Verdict, verify
from server.errors import ServiceError
from server.items.rules import Field, FieldType, Owner, check_value
from tests.support.foreign import foreign_parts
from tests.support.office import NOW, TEMPLATES, VALUES, Office

SECOND = 1.0
# An ideograph or two of each extension from B to I, and compatibility forms that NFC changes.
RARE = "㐀䶵𠀀𠮷𡈽𪚥𪜀𫜴𫝀𫠝𫠠𬺡𬺰𮯠𰀀𱍊𱍐𲎯\U0002ebf0\U0002ee5d豈﨟丽𪘀〇々〆ヶ"
COMBINING = "\u0300\u0301\u0308\u0327\u0489\u20dd\u3099\u0e31\u0f71\u0653\u05bf\U0001d165"
ORDERS = "\u202a\u202e\u2066\u2069\u200e\u200f\u061cאבגءادم"
UNSEEN = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\u115f\u1160\u3164\uffa0\u034f\ufe0f\U000e0100"
BLANKS = " \t\n\r\x00\x0b\x1b\x7f\x85\xa0\u2028\u2029\u3000\u2003"
STRANGE = "\ufffd\uffff\ue000\U000f0000\U0010ffff\ud800\udc00👍🇨🇳①⑨Ⅷ㈱㎡℃ﬁßĲ½"
PIECES = (
    '<img src="/etc/passwd">', "<img src=http://192.0.2.1/x.png/>", '<a href="file:///">x</a>',
    "<script>alert(1)</script>", "<font size=99>", "<br/>", "<para>", "&lt;b&gt;", "]]>", "<!--",
    "{issuer}", "{applicant_name}", "{valid_until}", "{0}", "{", "}", "{{", "{x!r}", "${x}",
    "{issuer.__class__}", "%s", "%(x)s", "%n", "\\", "\\n", "(", ")", "\\)", "<<", ">>", "endobj",
    "endstream", "%%EOF", "trailer", "/JS (x)", "/OpenAction", "BT ET", ") Tj", "<FEFF>", "'; --",
    "javascript:alert(1)", "../../etc/passwd", "=1+1", "\u0000", "欧阳", "·", "张三丰", "O'Neil",
)  # fmt: skip
NUMBERS = (
    "0", "-0", "+5", "-1", "007", "1_000", "1,234.50", "¥1,234.50 元", "12.345", ".5", "5.", "1e9",
    "1E+400", "1e-400", "NaN", "sNaN", "Infinity", "0x1f", "9" * 20, "9" * 200, "１２３", "一二三",
    "٣", "①", "½", "1 000", "9999999999999999.99", "0.00", "0.001", "341522199001010004",
    "34152219900101000X", "91341522M000100Y43", "2026-11-22", "2026-02-30", "20261122", "2026/1/2",
    "2026年1月2日", "0001-01-01", "9999-12-31", "2026-W01-1", "2026-11-22T00:00", "２０２６-11-22",
)  # fmt: skip
LENGTHS = (1, 2, 18, 19, 50, 51, 199, 200, 201, 400, 3_000)

_characters = st.one_of(
    *(st.sampled_from(some) for some in (RARE, COMBINING, ORDERS, UNSEEN, BLANKS, STRANGE)),
    st.characters(),
    st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF),
    st.characters(min_codepoint=0x20000, max_codepoint=0x323AF),
)
_long = st.builds(lambda one, n: one * n, st.sampled_from(["长", "W", "，", "“", "a "]),
                  st.sampled_from(LENGTHS))  # fmt: skip
# One alphabet a text, or what can be seen would seldom be without what cannot.
_plain = st.one_of(
    st.text(st.sampled_from(RARE), min_size=1, max_size=60),
    st.text("abcXYZ019 .,-·", min_size=1, max_size=200),
    st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=200),
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join),
    st.builds("".join, st.lists(st.tuples(st.sampled_from("eo张"), st.sampled_from(COMBINING))
                                .map("".join), min_size=1, max_size=40)),
)  # fmt: skip
texts = st.one_of(
    _plain, _plain, _long, st.sampled_from(NUMBERS), st.text(_characters, max_size=30),
    st.builds("".join, st.lists(st.one_of(_characters, st.sampled_from(PIECES)), max_size=8)),
)  # fmt: skip
_by_format: Mapping[Format, st.SearchStrategy[str]] = {
    Format.TEXT: texts,
    Format.ID_NUMBER: st.one_of(texts, st.from_regex(r"[0-9]{17}[0-9X]", fullmatch=True)),
    Format.DATE: st.one_of(st.dates().map(str), st.sampled_from(NUMBERS), texts),
    Format.MONEY: st.one_of(
        st.decimals(0, 10**16, places=2).map(str), st.sampled_from(NUMBERS), texts),
    Format.INTEGER: st.one_of(st.integers(0, 10**12).map(str), st.sampled_from(NUMBERS), texts),
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """Values for a certificate of one kind, of which some are awkward."""

    kind: str
    values: Mapping[str, str]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw values of which one or a few are awkward."""
    kind = draw(st.sampled_from(sorted(VALUES)))
    template = TEMPLATES[kind]
    names = draw(st.lists(st.sampled_from(template.needed), min_size=1, max_size=3, unique=True))
    ways = {name: _by_format[field.format] for name, field in template.fields.items()}
    ways |= {table.name: _rows(table) for table in template.tables}
    return Case(kind, {**VALUES[kind], **{name: draw(ways[name]) for name in names}})


def _rows(table: TemplateTable) -> st.SearchStrategy[str]:
    cells = st.tuples(*(_cell(column.format, column.max_length) for column in table.columns))
    row = st.one_of(cells.map(CELL.join), texts)
    usual = cells.map(CELL.join)
    return st.one_of(
        st.lists(usual, min_size=1, max_size=4).map(ROW.join),
        st.lists(row, max_size=4).map(ROW.join),
        st.builds(lambda one, n: ROW.join([one] * n), usual,
                  st.sampled_from([table.max_rows, table.max_rows + 1, 5_000])),
    )  # fmt: skip


def _cell(of: Format, longest: int) -> st.SearchStrategy[str]:
    usual = {
        Format.DATE: st.dates().map(str),
        Format.MONEY: st.decimals(0, 10**9, places=2).map(str),
        Format.INTEGER: st.integers(0, 9_999).map(str),
    }.get(of, st.text(st.sampled_from(RARE), min_size=1, max_size=longest))
    return st.one_of(usual, usual, usual, usual, usual, usual, texts)


def refusal(template: Template, values: Mapping[str, str]) -> str | None:
    """Return the name of the value that the page cannot take, as a caller is told; None if all."""
    try:
        template.check(values)
    except ValueError as error:
        name, _, why = str(error).partition(": ")
        if name not in template.needed or not why:
            raise AssertionError(f"refused without a name or a reason: {error}") from None
        return name
    for name in template.needed:
        if unprintable(re.sub(f"[{ROW}{CELL}]", "", values[name])):
            return name
    return None


def judge_values(office: Office, count: int, number: int, *, one_in: int = 1) -> Counter[str]:
    """Judge so many cases, drawing one in so many; count what became of them.

    AssertionError for a value that is neither refused by its name nor on a page that is genuine,
    within a second, and holds nothing but its words. Any other exception is a defect too.
    """
    found = Counter[str]()

    @seed(number)
    @settings(
        max_examples=count, database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(cases())
    def judge(case: Case) -> None:
        found["judged"] += 1
        check_as_typed(case)
        if refusal(TEMPLATES[case.kind], case.values) is not None:
            found["refused"] += 1
        elif zlib.crc32(repr(case).encode()) % one_in == 0:
            draw_and_verify(office, case)
            found["drawn"] += 1

    judge()
    return found


def draw_and_verify(office: Office, case: Case) -> None:
    """Issue on values that nothing was found wrong with."""
    facts = dataclasses.replace(office.facts(case.kind), values=case.values)
    began = time.process_time()
    made = asyncio.run(issue(facts, TEMPLATES[case.kind], office.key(case.kind)))
    drawn = time.process_time()
    verdict = asyncio.run(verify(made.pdf, office.trust, NOW)).verdict
    assert verdict is Verdict.GENUINE, verdict
    assert time.process_time() - drawn < SECOND, "verifying took more than a second"
    assert drawn - began < 2 * SECOND, f"drawing took {drawn - began:.1f} s"
    assert not foreign_parts(made.pdf), foreign_parts(made.pdf)


TYPES: Mapping[FieldType, Format] = {
    FieldType.TEXT: Format.TEXT, FieldType.NAME: Format.TEXT, FieldType.ADDRESS: Format.TEXT,
    FieldType.ID_NUMBER: Format.ID_NUMBER, FieldType.DATE: Format.DATE,
    FieldType.MONEY: Format.MONEY, FieldType.INTEGER: Format.INTEGER,
}  # fmt: skip


def check_as_typed(case: Case) -> None:
    """Give every value to the service's checks, whatever they are for.

    AssertionError for a refusal without the field's name, a form that is not normal, or one that a
    page then refuses for another reason than its length.
    """
    template = TEMPLATES[case.kind]
    for name, field in template.fields.items():
        for type_, format_ in TYPES.items():
            if format_ is not field.format:
                continue
            asked = Field(name, name, Owner.LOCAL, type_, max_length=field.max_length)
            try:
                value = check_value(asked, case.values[name], NOW)
            except ServiceError as error:
                if error.details.get("field") != name:
                    raise AssertionError(f"refused without the name {name}: {error}") from None
                continue
            assert check_value(asked, value, NOW) == value, "another form the second time"
            if len(value) <= field.max_length:
                assert field.write(value), value

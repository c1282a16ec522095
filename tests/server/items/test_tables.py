from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from server.errors import ServiceError
from server.items.messages import ItemView
from server.items.rules import Column, Field, FieldType, Owner, Page, check_value
from tests.support.catalogue import Change, read, refusal

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
YEARS = Field(
    "years", "明细", Owner.JURISDICTION, FieldType.TABLE,
    columns=(
        Column("年度", FieldType.TEXT, 4), Column("月数", FieldType.INTEGER, 2),
        Column("金额", FieldType.MONEY), Column("日期", FieldType.DATE),
    ),
    max_rows=3,
)  # fmt: skip
TABLE: Change = (
    'type = "money"\n  minimum = 0\n  maximum = 9999.99',
    'type = "table"\n  max_rows = 9\n  columns = [{ label = "年度" },'
    ' { label = "金额", type = "money" }]',
)
PAGE = {"applicant_name": 50, "paid": 9, "since": 10}
TEXT, MONEY = ("text", 200), ("money", 16)


def page(*columns: tuple[str, int], rows: int = 9) -> dict[str, Page]:
    """What a page with such a table asks of the item."""
    longest = PAGE | {"paid": rows}
    return {"balance": Page(longest, frozenset({"hrss"}), {"paid": columns})}


def test_a_pasted_table_is_kept_in_its_one_normal_form() -> None:
    pasted = "2024\t12\t1,500\t2024年12月5日\r\n\r\n 2025 \t 3\t60.5元\t20250308\r\n"
    kept = "2024\t12\t1500.00\t2024-12-05\n2025\t3\t60.50\t2025-03-08"
    assert check_value(YEARS, pasted, NOW) == kept
    assert check_value(YEARS, kept, NOW) == kept


@pytest.mark.parametrize(
    ("text", "code", "details"),
    [
        ("\n \t \n", "text.empty", {}),
        ("2024\t12\t5", "table.uneven", {"row": 1, "expected": 4}),
        ("2024\t12\t5\t2024-12-05\t", "table.uneven", {"row": 1, "expected": 4}),
        ("2024\t1\t5\t2024-12-05\n" * 4, "table.too_long", {"limit": 3}),
        ("2024\t1\tfive\t2024-12-05", "money.malformed", {"row": 1, "column": "金额"}),
        (
            "2024\t1\t5\t2024-12-05\n2025\t1\t5\t2025-02-30",
            "date.impossible",
            {"row": 2, "column": "日期"},
        ),
        ("20245\t1\t5\t2024-12-05", "text.too_long", {"row": 1, "column": "年度", "limit": 4}),
        ("2024\t123\t5\t2024-12-05", "text.too_long", {"row": 1, "column": "月数", "limit": 2}),
        ("2024\t\t5\t2024-12-05", "number.malformed", {"row": 1, "column": "月数"}),
        ("\u202e24\t1\t5\t2024-12-05", "text.bad_characters", {"row": 1, "column": "年度"}),
    ],
)
def test_a_table_that_is_wrong_is_refused_by_row_and_column(
    text: str, code: str, details: dict[str, Any]
) -> None:
    with pytest.raises(ServiceError) as refused:
        check_value(YEARS, text, NOW)
    found = refused.value.details
    assert (refused.value.code, found) == (code, {**found, **details, "field": "years"})


def test_the_browser_is_told_the_columns_and_how_many_rows_there_may_be(tmp_path: Path) -> None:
    _catalogue, items = read(tmp_path, TABLE)
    [paid] = [one for one in ItemView.of(items.current("pension"), []).fields if one.name == "paid"]
    assert (paid.type, paid.max_rows) == (FieldType.TABLE, 9)
    assert [(one.label, one.type, one.max_length) for one in paid.columns] == [
        ("年度", FieldType.TEXT, 200), ("金额", FieldType.MONEY, 15),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('label = "年度"', 'label = "金额"'), "columns[1].label: expected a value of its own"),
        (('type = "money"', 'type = "choice"'), "columns[1].type: expected a type of one cell"),
        (('type = "money"', 'type = "table"'), "columns[1].type: expected a type of one cell"),
        (("max_rows = 9", "max_rows = 9\n  personal = true"), "personal: expected false"),
        (("max_rows = 9", "max_rows = 201"), "max_rows: "),
    ],
)
def test_a_wrong_table_of_a_form_is_named(tmp_path: Path, change: Change, said: str) -> None:
    found = refusal(tmp_path, (TABLE[0], TABLE[1].replace(*change)))
    assert any(f"items[0].fields[1].{said}" in line for line in found), found


def test_a_table_that_fills_its_page_is_taken(tmp_path: Path) -> None:
    read(tmp_path, TABLE, pages=page(TEXT, MONEY))


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        (page(TEXT, MONEY, rows=8), "expected a field paid of at most 8 rows"),
        (page(TEXT), "expected a table paid with the columns of its page: text (200)"),
        (page(TEXT, TEXT), "expected a table paid with the columns"),
        (page(("integer", 200), MONEY), "expected a table paid with the columns"),
        (page(("text", 199), MONEY), "expected a table paid with the columns"),
    ],
)
def test_a_table_that_does_not_fit_its_page_is_refused(
    tmp_path: Path, pages: dict[str, Page], said: str
) -> None:
    [found] = refusal(tmp_path, TABLE, pages=pages)
    assert said in found

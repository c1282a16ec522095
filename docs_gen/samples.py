"""What stands on a specimen of a template: values of nobody, usual ones or the longest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from docs_gen.data import Facts, Issuer
from docs_gen.template import Template
from docs_gen.text import CELL, ROW
from docs_gen.values import Column, Format, TemplateField, TemplateTable

# Of nobody: the order code is 000.
VALUES: Final[Mapping[Format, str]] = {
    Format.ID_NUMBER: "110101199001010007",
    Format.DATE: "2026-01-31",
    Format.MONEY: "23456.78",
    Format.INTEGER: "186",
}
ISSUER: Final = Issuer("某某县出具证明的机关", "11000000MB0000000X", "样张", "000000")
NUMBER: Final = "0" * 20
USUAL_ROWS: Final = 3


def sample(template: Template, at: datetime) -> Facts:
    """Return facts of nobody for a template, as if issued at that moment."""
    labels = {text: label for label, text in template.rows}
    return Facts(
        kind=template.kind,
        template_version=template.version,
        number=NUMBER,
        check_code="0" * 6,
        issuer=ISSUER,
        signing_time=at,
        values={
            name: _value(field, labels.get("{" + name + "}", "示例文字"))
            for name, field in template.fields.items()
        }
        | {table.name: _rows(table, min(USUAL_ROWS, table.max_rows)) for table in template.tables},
        qr_url="",
        demo=False,
    )


def longest(template: Template, at: datetime) -> Facts:
    """Return the same with text and tables of every length that the template allows."""
    facts = sample(template, at)
    filled = {
        name: ("长" * field.max_length if field.format is Format.TEXT else facts.values[name])
        for name, field in template.fields.items()
    }
    full = {table.name: _rows(table, table.max_rows, "长") for table in template.tables}
    return replace(facts, values=filled | full)


def _rows(table: TemplateTable, count: int, filling: str = "") -> str:
    row = CELL.join(_cell(column, filling) for column in table.columns)
    return ROW.join([row] * count)


def _cell(column: Column, filling: str) -> str:
    if column.format is Format.TEXT and filling:
        return filling * column.max_length
    return VALUES.get(column.format, f"（{column.title}）")[: column.max_length]


def _value(field: TemplateField, label: str) -> str:
    return VALUES.get(field.format, f"（{label}）")[: field.max_length]

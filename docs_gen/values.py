"""What a certificate's page needs of a case: single values and tables, each in its format."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from docs_gen.numbers import capital_amount, long_date, plain_amount
from docs_gen.text import CELL, ROW, normal

MOST_CHARACTERS = 200


class Format(enum.StrEnum):
    """How a value is written on the page."""

    TEXT = "text"
    ID_NUMBER = "id_number"
    DATE = "date"
    MONEY = "money"
    INTEGER = "integer"


@dataclass(frozen=True, slots=True)
class TemplateField:
    """A value that the page needs."""

    name: str
    format: Format = Format.TEXT
    max_length: int = MOST_CHARACTERS

    def write(self, value: str) -> str:
        """Return the value as the page shows it, an amount of money in Chinese capitals too.

        ValueError names the field for a value that is empty, too long or not in its format, or
        has a character that cannot be seen.
        """
        try:
            written = _written(self.format, value, self.max_length)
            if self.format is Format.MONEY:
                return f"{written} 元（大写：人民币{capital_amount(Decimal(value))}）"
        except (ValueError, ArithmeticError) as error:
            raise ValueError(f"{self.name}: {error}") from None
        return written


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; `share` is how wide it is beside the others."""

    title: str
    format: Format = Format.TEXT
    max_length: int = 20
    share: int = 1

    @property
    def is_number(self) -> bool:
        """Say whether its cells stand at the right, digits under digits."""
        return self.format in {Format.MONEY, Format.INTEGER}


@dataclass(frozen=True, slots=True)
class TemplateTable:
    """A table that the page needs: all its rows are one value of the case."""

    name: str
    title: str
    columns: tuple[Column, ...]
    max_rows: int

    def write(self, value: str) -> list[list[str]]:
        """Return the cells as the page shows them, row by row.

        ValueError names the table, and the row and column where there is one, for too many rows,
        a row of another number of cells, and a cell that is empty, too long or not in its format.
        """
        rows = value.split(ROW)
        if len(rows) > self.max_rows:
            raise ValueError(f"{self.name}: {len(rows)} rows, the page takes {self.max_rows}")
        return [self._row(number, row) for number, row in enumerate(rows, start=1)]

    def _row(self, number: int, row: str) -> list[str]:
        cells = row.split(CELL)
        if len(cells) != len(self.columns):
            expected = f"{len(self.columns)} columns"
            raise ValueError(f"{self.name}: row {number}: {len(cells)} cells for {expected}")
        return [self._cell(number, *pair) for pair in zip(self.columns, cells, strict=True)]

    def _cell(self, number: int, column: Column, cell: str) -> str:
        try:
            return _written(column.format, cell, column.max_length)
        except (ValueError, ArithmeticError) as error:
            raise ValueError(f"{self.name}: row {number}: {column.title}: {error}") from None


def _written(format_: Format, value: str, max_length: int) -> str:
    if not 0 < len(value) <= max_length:
        raise ValueError(f"{len(value)} characters, the page takes 1 to {max_length}")
    text = normal(value)
    match format_:
        case Format.DATE:
            return long_date(date.fromisoformat(text))
        case Format.MONEY:
            return plain_amount(Decimal(text))
        case Format.INTEGER:
            return f"{int(text)}"
        case Format.TEXT | Format.ID_NUMBER:
            return text

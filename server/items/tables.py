"""Tables that people fill in: one value of rows and cells, kept as spreadsheets copy them.

As pure as `rules`, which builds on it: the standard library and the errors only, and no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from server.errors import ServiceError

ROW, CELL = "\n", "\t"
MOST_ROWS: Final = 200
MOST_COLUMNS: Final = 8

CheckCell = Callable[[int, str], str]


def check_table(text: str, labels: Sequence[str], most_rows: int, check_cell: CheckCell) -> str:
    """Return a table in its one normal form, every cell as `check_cell` returns it.

    `check_cell` gets a column's place and the cell. Blank lines count nothing. Refuses text.empty,
    table.too_long, table.uneven for a row that has more or fewer cells than there are columns, and
    what `check_cell` refuses; `row` (from 1) and `column` of the details say where.
    """
    rows = [line.split(CELL) for line in text.splitlines() if line.strip()]
    if not rows:
        raise ServiceError("text.empty")
    if len(rows) > most_rows:
        raise ServiceError("table.too_long", limit=most_rows)
    return ROW.join(_row(number, row, labels, check_cell) for number, row in enumerate(rows, 1))


def _row(number: int, cells: Sequence[str], labels: Sequence[str], check_cell: CheckCell) -> str:
    if len(cells) != len(labels):
        raise ServiceError("table.uneven", row=number, expected=len(labels))
    checked = []
    for place, cell in enumerate(cells):
        try:
            checked.append(check_cell(place, cell))
        except ServiceError as error:
            where = {"row": number, "column": labels[place]}
            raise ServiceError(error.code, **{**error.details, **where}) from None
    return CELL.join(checked)

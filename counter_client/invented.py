"""Invented people, enterprises and values: valid in form, and nobody's.

Resident ID numbers bear the order code 000 and credit codes a body of zeros, which are never
assigned; the names are of fiction.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

from .answers import Data

ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643
ID_CHECKS = "10X98765432"
CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100

NAMES = ("张三丰", "令狐冲", "韦小宝", "郭靖", "黄蓉", "杨过", "小龙女", "段誉", "虚竹", "胡斐")
FIRST_BIRTHDAY = date(1946, 1, 1)
LAST_BIRTHDAY = date(1966, 12, 31)
FIRST_DATE = date(2024, 3, 1)  # Date fields of one form are 60 days apart, in their order.
DAYS_APART = 60
ROWS = 3  # Of a table.
WIDEST = Decimal(100_000)  # Between the smallest and the largest number of a field.


def id_number(region: str, born: date) -> str:
    """Return a resident ID number of a region with the order code 000 and its check digit."""
    body = f"{region}{born:%Y%m%d}000"
    total = sum(int(digit) * weight for digit, weight in zip(body, ID_WEIGHTS, strict=True))
    return body + ID_CHECKS[total % 11]


def credit_code(region: str) -> str:
    """Return a unified social credit code whose body nobody was given, with its check."""
    body = f"91{region}MA0000000"
    total = sum(CREDIT_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return body + CREDIT_ALPHABET[(31 - total % 31) % 31]


class Inventor:
    """Invents one applicant and what their form holds; another `seed` is another person."""

    def __init__(self, region: str, seed: int) -> None:
        """Invent somebody who belongs to `region`."""
        self._chance = random.Random(seed)  # noqa: S311 (no secrets are made of it)
        self._region = region
        self._dates = 0
        days = (LAST_BIRTHDAY - FIRST_BIRTHDAY).days
        self._born = FIRST_BIRTHDAY + timedelta(days=self._chance.randint(0, days))
        self.name = self._chance.choice(NAMES)

    def applicant(self, item: Data) -> Data:
        """Return the applicant that an item asks for: a person, or an enterprise's."""
        person = {
            "name": self.name,
            "id_number": id_number(self._region, self._born),
            "phone": self._phone(),
        }
        if item["applicant"] != "enterprise":
            return person
        return {
            **person,
            "enterprise_name": "演练（虚构）商贸有限公司",
            "credit_code": credit_code(self._region),
        }

    def value(self, field: Data) -> str:
        """Return a valid value for a field of an item's form, by its type and limits."""
        by_type: dict[str, Callable[[Data], str]] = {
            "choice": self._choice,
            "date": self._date,
            "money": lambda field: f"{self._amount(field):.2f}",
            "integer": lambda field: str(int(self._amount(field))),
            "id_number": lambda _field: id_number(self._region, self._born),
            "credit_code": lambda _field: credit_code(self._region),
            "phone": lambda _field: self._phone(),
            "name": lambda _field: self.name,
            "table": self._table,
        }
        return by_type.get(field["type"], self._text)(field)

    def _table(self, field: Data) -> str:
        """Return a few rows, as many as the table takes at most."""
        free = {"side": field["side"], "minimum": None, "maximum": None, "choices": []}
        columns = [{**free, **column} for column in field["columns"]]
        rows = range(min(field["max_rows"], ROWS))
        return "\n".join("\t".join(self._cell(column) for column in columns) for _ in rows)

    def _cell(self, column: Data) -> str:
        """Return a cell no longer than its column takes."""
        if column["type"] == "integer":
            return str(self._chance.randint(0, 10 ** min(column["max_length"], 6) - 1))
        return self.value(column)

    def _phone(self) -> str:
        """Return a mobile number of a block of zeros."""
        return f"1380000{self._chance.randint(0, 9999):04d}"

    @staticmethod
    def _choice(field: Data) -> str:
        """Return the jurisdiction's first, the usual one; of the counter's reasons the second.

        The shipped pension item's first reason is the applicant's death, who stands beside us.
        """
        choices: list[str] = field["choices"]
        return choices[1 % len(choices)] if field["side"] == "local" else choices[0]

    def _date(self, _field: Data) -> str:
        """Return a past date, later than the last one of the same form."""
        self._dates += 1
        return (FIRST_DATE + timedelta(days=DAYS_APART * self._dates)).isoformat()

    def _amount(self, field: Data) -> Decimal:
        """Return a number between the field's limits."""
        low = Decimal(field["minimum"] or 0)
        high = min(Decimal(field["maximum"] or WIDEST), low + WIDEST)
        return low + (high - low) * Decimal(self._chance.randint(10, 90)) / 100

    def _text(self, field: Data) -> str:
        """Return words that say what they are, within the field's length."""
        words = "安徽省六安市演练路 1 号" if field["type"] == "address" else "演练内容"
        return f"{words}{self._chance.randint(100, 999)}"[: field["max_length"]]

"""Service items, and the checks of every value that people type."""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

from server.errors import ServiceError
from server.items.tables import MOST_ROWS, check_table
from server.items.values import (
    CHINA,
    MAX_NAME,
    MAX_TEXT,
    OLDEST,
    ReviewRule,
    check_credit_code,
    check_id_number,
    check_name,
    check_phone,
    check_prose,
    check_text,
    plain,
)

# Callers know the checks as this domain's rules, in whichever file they stand.
__all__ = [
    "APPLICANT",
    "ENTERPRISE",
    "MAX_TEXT",
    "TODAY",
    "CertificateKind",
    "Column",
    "DateLimit",
    "Field",
    "FieldType",
    "Item",
    "MaterialKind",
    "Mode",
    "Owner",
    "Page",
    "check_applicant",
    "check_credit_code",
    "check_id_number",
    "check_name",
    "check_order",
    "check_phone",
    "check_prose",
    "check_text",
    "check_value",
]

YEARS_AHEAD: Final = 100
TODAY: Final = "today"
_MONEY = re.compile(r"¥? ?([0-9]{1,12}|[0-9]{1,3}(?:,[0-9]{3}){1,3})(\.[0-9]{1,2})? ?元?")
_LONGEST: Final = {
    "name": MAX_NAME, "id_number": 18, "credit_code": 18, "phone": 13, "date": 10, "money": 15,
    "integer": 12,
}  # fmt: skip
_INTEGER = re.compile(r"[0-9]{1,12}")
_DATE_SIGNS = re.compile("[/年月]")
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{1,2})-([0-9]{1,2})|([0-9]{2})([0-9]{2}))")


class Owner(enum.StrEnum):
    """Which side fills a field in."""

    LOCAL = "local"
    JURISDICTION = "jurisdiction"


class FieldType(enum.StrEnum):
    """What a field holds."""

    TEXT = "text"
    NAME = "name"
    ADDRESS = "address"
    ID_NUMBER = "id_number"
    CREDIT_CODE = "credit_code"
    PHONE = "phone"
    DATE = "date"
    MONEY = "money"
    INTEGER = "integer"
    CHOICE = "choice"
    TABLE = "table"


class Mode(enum.StrEnum):
    """The three modes of cross-region handling (国办发〔2020〕35号)."""

    ONLINE = "全程网办"
    COLLECTED = "异地代收代办"
    JOINT = "多地联办"


DateLimit = date | Literal["today"] | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table that people fill in: its cells are values of one type."""

    label: str
    type: FieldType
    max_length: int = MAX_TEXT


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an item's form; `not_before` names a date of the form that comes no later.

    A table has `columns`, and all its rows are one value.
    """

    name: str
    label: str
    owner: Owner
    type: FieldType
    required: bool = True
    personal: bool = False
    max_length: int = MAX_TEXT
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    earliest: DateLimit = None
    latest: DateLimit = None
    not_before: str = ""
    choices: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    max_rows: int = MOST_ROWS
    hint: str = ""

    @property
    def longest(self) -> int:
        """How many characters a value of this field can have in its normal form; a table, rows."""
        match self.type:
            case FieldType.TABLE:
                return self.max_rows
            case FieldType.CHOICE:
                return max((len(choice) for choice in self.choices), default=0)
            case FieldType.MONEY if self.maximum is not None:
                return len(f"{self.maximum:.2f}")
            case FieldType.INTEGER if self.maximum is not None:
                return len(f"{self.maximum:.0f}")
            case _:
                return min(self.max_length, _LONGEST.get(self.type, MAX_TEXT))

    def cell(self, place: int) -> Field:
        """Return what a cell of one of a table's columns is: a field like any other."""
        of = self.columns[place]
        return Field(self.name, of.label, self.owner, of.type, max_length=of.max_length)


@dataclass(frozen=True, slots=True)
class MaterialKind:
    """One line of an item's material list."""

    code: str
    name: str
    required: bool = True
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """What the page of a kind of certificate asks of an item.

    `longest` has the values that it needs and how long each may be, of a table how many rows;
    `departments` are those whose authorities may issue it; `tables` has the format and the longest
    cell of each column.
    """

    longest: Mapping[str, int]
    departments: frozenset[str]
    tables: Mapping[str, tuple[tuple[str, int], ...]]


@dataclass(frozen=True, slots=True)
class CertificateKind:
    """A certificate that may be issued: by whom where, issued and revoked by one clerk or two."""

    kind: str
    title: str
    authorities: Mapping[str, str]
    revocation_needs_approval: bool = False
    review: ReviewRule | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A service item of the standard catalogue (事项), versioned."""

    code: str
    version: str
    name: str
    basis: str
    mode: Mode
    applicant: str
    jurisdictions: tuple[str, ...]
    fields: tuple[Field, ...]
    materials: tuple[MaterialKind, ...]
    certificates: tuple[CertificateKind, ...]
    promise_allowed: bool = False
    recording_required: bool = False
    recording_days: int = 180
    promised_minutes: int = 15
    wrap_up_seconds: int = 120

    def field(self, name: str) -> Field | None:
        """Return the field of this name, if there is one."""
        return next((field for field in self.fields if field.name == name), None)

    @property
    def longest(self) -> dict[str, int]:
        """How long each value may be that a complete case on this item has for certain."""
        applicant = APPLICANT | ENTERPRISE if self.applicant == "enterprise" else APPLICANT
        own = {field.name: field for field in self.fields if field.required}
        return {name: field.longest for name, field in (applicant | own).items()}

    def takes_material(self, code: str) -> bool:
        """Say whether a material of this kind belongs to the item; "other" always does."""
        return code == "other" or any(kind.code == code for kind in self.materials)

    def material_name(self, code: str) -> str:
        """Return what people call a kind of material."""
        names = {"other": "其他材料", "signature": "签名"}
        return next((k.name for k in self.materials if k.code == code), names.get(code, code))

    def certificate(self, kind: str) -> CertificateKind | None:
        """Return the certificate of this kind, if the item has it."""
        return next((found for found in self.certificates if found.kind == kind), None)


# The applicant's values, by the names under which certificates know them.
APPLICANT: Final = {
    "applicant_name": Field("name", "姓名", Owner.LOCAL, FieldType.NAME, personal=True),
    "applicant_id_number": Field(
        "id_number", "居民身份号码", Owner.LOCAL, FieldType.ID_NUMBER, personal=True
    ),
    "applicant_phone": Field("phone", "联系电话", Owner.LOCAL, FieldType.PHONE, personal=True),
}
ENTERPRISE: Final = {
    "enterprise_name": Field(
        "enterprise_name", "企业名称", Owner.LOCAL, FieldType.TEXT, max_length=100
    ),
    "credit_code": Field("credit_code", "统一社会信用代码", Owner.LOCAL, FieldType.CREDIT_CODE),
}


def check_value(field: Field, text: str, now: datetime) -> str:
    """Return a field's value in its one normal form, or refuse it by the field's name."""
    try:
        return _CHECKS[field.type](field, text, now)
    except ServiceError as error:
        raise ServiceError(error.code, **{**error.details, "field": field.name}) from None


def check_applicant(item: Item, given: Mapping[str, str], now: datetime) -> dict[str, str]:
    """Return an applicant's values in their normal forms, or refuse the first one that is wrong.

    An enterprise's item needs its name and unified social credit code beside the person who acts.
    """
    asked = APPLICANT | ENTERPRISE if item.applicant == "enterprise" else APPLICANT
    checked = {f.name: check_value(f, given[f.name], now) for f in asked.values()}
    return dict.fromkeys(ENTERPRISE, "") | checked


def check_order(item: Item, values: Mapping[str, str]) -> None:
    """Refuse date.out_of_range for a date that lies before one of the form that it must follow."""
    for field in item.fields:
        earliest = values.get(field.not_before)
        value = values.get(field.name)
        if earliest and value and value < earliest:  # ISO dates sort as text.
            raise ServiceError("date.out_of_range", field=field.name, earliest=earliest)


def _check_date(field: Field, text: str, now: datetime) -> str:
    found = _DATE.fullmatch(_DATE_SIGNS.sub("-", plain(text).removesuffix("日")))
    if found is None:
        raise ServiceError("date.malformed")
    year, month, day = (int(part) for part in found.groups() if part is not None)
    try:
        value = date(year, month, day)
    except ValueError:
        raise ServiceError("date.impossible") from None
    today = now.astimezone(CHINA).date()
    earliest, latest = (
        today if limit == TODAY else limit for limit in (field.earliest, field.latest)
    )
    earliest, latest = earliest or OLDEST, latest or date(today.year + YEARS_AHEAD, 12, 31)
    if not earliest <= value <= latest:
        limits = {"earliest": earliest.isoformat(), "latest": latest.isoformat()}
        raise ServiceError("date.out_of_range", **limits)
    return value.isoformat()


def _check_money(field: Field, text: str, _now: datetime) -> str:
    found = _MONEY.fullmatch(plain(text))
    if found is None:
        raise ServiceError("money.malformed")
    amount = Decimal(found[1].replace(",", "") + (found[2] or ""))
    _refuse_outside(field, amount, "money.out_of_range")
    return f"{amount:.2f}"


def _check_integer(field: Field, text: str, _now: datetime) -> str:
    given = plain(text)
    if not _INTEGER.fullmatch(given):
        raise ServiceError("number.malformed")
    _refuse_outside(field, Decimal(given), "number.out_of_range")
    return str(int(given))


def _refuse_outside(field: Field, value: Decimal, code: str) -> None:
    low, high = field.minimum, field.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        limits = {"minimum": low, "maximum": high}
        raise ServiceError(
            code, **{n: str(limit) for n, limit in limits.items() if limit is not None}
        )


def _check_choice(field: Field, text: str, _now: datetime) -> str:
    chosen = unicodedata.normalize("NFC", text).strip()
    if chosen not in field.choices:
        raise ServiceError("choice.unknown", choices=list(field.choices))
    return chosen


def _check_table(field: Field, text: str, now: datetime) -> str:
    def check_cell(place: int, cell: str) -> str:
        shape = field.cell(place)
        value = check_value(shape, cell, now)
        if len(value) > shape.longest:
            raise ServiceError("text.too_long", limit=shape.longest)
        return value

    labels = [column.label for column in field.columns]
    return check_table(text, labels, field.max_rows, check_cell)


_CHECKS: Final[Mapping[FieldType, Callable[[Field, str, datetime], str]]] = {
    FieldType.TEXT: lambda f, text, _now: check_text(text, f.name, f.max_length),
    FieldType.ADDRESS: lambda f, text, _now: check_text(text, f.name, f.max_length),
    FieldType.NAME: lambda f, text, _now: check_name(text, f.name, min(f.max_length, MAX_NAME)),
    FieldType.ID_NUMBER: lambda _field, text, now: check_id_number(text, now),
    FieldType.CREDIT_CODE: lambda _field, text, _now: check_credit_code(text),
    FieldType.PHONE: lambda _field, text, _now: check_phone(text),
    FieldType.DATE: _check_date,
    FieldType.MONEY: _check_money,
    FieldType.INTEGER: _check_integer,
    FieldType.CHOICE: _check_choice,
    FieldType.TABLE: _check_table,
}

"""The shape of items in regions.toml, and items on the wire."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, PlainValidator, Strict
from pydantic import Field as Limit
from pydantic import StringConstraints as Text
from pydantic_core import PydanticCustomError

from server.items.rules import (
    MAX_TEXT,
    TODAY,
    DateLimit,
    Field,
    FieldType,
    Item,
    Mode,
    Owner,
    check_text,
)
from server.items.tables import MOST_COLUMNS, MOST_ROWS
from server.items.values import ReviewRule
from server.regions.messages import SOME, Flag, Identifier, Part, RegionCode, Title, written_as
from server.web.http import Message


def _number(found: object) -> object:
    if isinstance(found, bool) or not isinstance(found, int | Decimal):
        raise PydanticCustomError("expected", "a number without quotes")
    return found


def _day(found: object) -> DateLimit:
    if found == TODAY:
        return TODAY
    if type(found) is date:  # A datetime is a date to isinstance.
        return found
    raise PydanticCustomError("expected", 'a date without quotes, such as 2027-01-01, or "today"')


def _as_typed(text: str) -> str:
    """Refuse a choice that no one could send, because checks change what is sent."""
    if check_text(text, "choices") != text:
        raise PydanticCustomError("expected", "text in Unicode's form NFC without double blanks")
    return text


FieldName = Annotated[
    str, written_as("[a-z][a-z0-9_]{0,63}", "lower-case letters, digits and underscores")
]
Version = Annotated[
    str, written_as(r"[0-9]{1,6}(\.[0-9]{1,6}){0,3}", 'a version in quotes, such as "1" or "1.2"')
]
Paragraph = Annotated[str, Text(min_length=1, max_length=500, strip_whitespace=True)]
Hint = Annotated[str, Text(max_length=200)]
Whole = Annotated[int, Strict()]
Number = Annotated[Decimal, BeforeValidator(_number)]
DayLimit = Annotated[date | Literal["today"], PlainValidator(_day)]


class ColumnPart(Part):
    """A column of a field of type table."""

    label: Title
    type: FieldType = FieldType.TEXT
    max_length: Annotated[Whole, Limit(ge=1, le=MAX_TEXT)] = MAX_TEXT


class FieldPart(Part):
    """[[items.fields]]; which limits belong to which type is checked when the file is read."""

    name: FieldName
    label: Title
    side: Owner
    type: FieldType
    required: Flag = True
    personal: Flag = False
    max_length: Annotated[Whole, Limit(ge=1, le=MAX_TEXT)] = MAX_TEXT
    minimum: Number | None = None
    maximum: Number | None = None
    earliest: DayLimit | None = None
    latest: DayLimit | None = None
    not_before: FieldName | Literal[""] = ""
    choices: tuple[Annotated[Title, AfterValidator(_as_typed)], ...] = ()
    columns: Annotated[tuple[ColumnPart, ...], Limit(max_length=MOST_COLUMNS)] = ()
    max_rows: Annotated[Whole, Limit(ge=1, le=MOST_ROWS)] = MOST_ROWS
    hint: Hint = ""


class MaterialPart(Part):
    """[[items.materials]]."""

    code: Identifier
    name: Title
    required: Flag = True
    hint: Hint = ""


class ReviewPart(Part):
    """`review` of a certificate: whether it is always asked for, or above a number of the form."""

    always: Flag = False
    field: str = ""
    above: Number | None = None

    @property
    def rule(self) -> ReviewRule:
        """What it says, once the file is found to be in order."""
        return ReviewRule(self.field, self.above or Decimal(0))


class CertificatePart(Part):
    """[[items.certificates]]: `authorities` names the issuing authority per jurisdiction."""

    kind: Identifier
    title: Title
    authorities: dict[RegionCode, Identifier]
    revocation_needs_approval: Flag = False
    review: ReviewPart | None = None


class ItemPart(Part):
    """[[items]]."""

    code: Identifier
    version: Version
    name: Title
    basis: Paragraph
    mode: Mode
    applicant: Literal["person", "enterprise"] = "person"
    jurisdictions: Annotated[tuple[RegionCode, ...], SOME]
    promise_allowed: Flag = False
    recording_required: Flag = False
    recording_days: Annotated[Whole, Limit(ge=1, le=36500)] = 180
    promised_minutes: Annotated[Whole, Limit(ge=1, le=480)] = 15
    wrap_up_seconds: Annotated[Whole, Limit(ge=1, le=3600)] = 120
    fields: Annotated[tuple[FieldPart, ...], SOME]
    materials: tuple[MaterialPart, ...] = ()
    certificates: Annotated[tuple[CertificatePart, ...], SOME]


class ColumnView(Message):
    """A column of a table that people fill in."""

    label: str
    type: FieldType
    max_length: int


class FieldView(Message):
    """A field of an item's form; `earliest` and `latest` are ISO dates or "today".

    The value of a table has its rows on lines of their own and tabs between its cells.
    """

    name: str
    label: str
    side: Owner
    type: FieldType
    required: bool
    personal: bool
    max_length: int
    minimum: str | None
    maximum: str | None
    earliest: str | None
    latest: str | None
    not_before: str
    choices: list[str]
    columns: list[ColumnView]
    max_rows: int
    hint: str

    @classmethod
    def of(cls, field: Field) -> FieldView:
        """Build from a field."""
        return cls(
            name=field.name,
            label=field.label,
            side=field.owner,
            type=field.type,
            required=field.required,
            personal=field.personal,
            max_length=field.max_length,
            minimum=None if field.minimum is None else str(field.minimum),
            maximum=None if field.maximum is None else str(field.maximum),
            earliest=None if field.earliest is None else str(field.earliest),
            latest=None if field.latest is None else str(field.latest),
            not_before=field.not_before,
            choices=list(field.choices),
            columns=[
                ColumnView(label=cell.label, type=cell.type, max_length=cell.longest)
                for cell in map(field.cell, range(len(field.columns)))
            ],
            max_rows=field.max_rows,
            hint=field.hint,
        )


class MaterialKindView(Message):
    """A line of a material list."""

    code: str
    name: str
    required: bool
    hint: str


class ReviewRuleView(Message):
    """What asks for a second clerk before issuing: a number of the form above this; else always."""

    field: str | None
    above: str | None

    @classmethod
    def of(cls, rule: ReviewRule) -> ReviewRuleView:
        """Build from a certificate's rule."""
        if not rule.field:
            return cls(field=None, above=None)
        return cls(field=rule.field, above=str(rule.above))


class CertificateKindView(Message):
    """A certificate that the jurisdiction may issue."""

    kind: str
    title: str
    revocation_needs_approval: bool
    review: ReviewRuleView | None


class ItemView(Message):
    """A service item; `destinations` are the jurisdictions the reader's region may call."""

    code: str
    version: str
    name: str
    basis: str
    mode: Mode
    applicant: str
    jurisdictions: list[str]
    destinations: list[str]
    promise_allowed: bool
    recording_required: bool
    promised_minutes: int
    fields: list[FieldView]
    materials: list[MaterialKindView]
    certificates: list[CertificateKindView]

    @classmethod
    def of(cls, item: Item, destinations: Iterable[str]) -> ItemView:
        """Build from an item, for who may call these jurisdictions."""
        return cls(
            code=item.code,
            version=item.version,
            name=item.name,
            basis=item.basis,
            mode=item.mode,
            applicant=item.applicant,
            jurisdictions=list(item.jurisdictions),
            destinations=list(destinations),
            promise_allowed=item.promise_allowed,
            recording_required=item.recording_required,
            promised_minutes=item.promised_minutes,
            fields=[FieldView.of(field) for field in item.fields],
            materials=[
                MaterialKindView(code=m.code, name=m.name, required=m.required, hint=m.hint)
                for m in item.materials
            ],
            certificates=[
                CertificateKindView(
                    kind=c.kind,
                    title=c.title,
                    revocation_needs_approval=c.revocation_needs_approval,
                    review=None if c.review is None else ReviewRuleView.of(c.review),
                )
                for c in item.certificates
            ],
        )


class ItemList(Message):
    """Every item, all versions that the catalogue still knows."""

    items: list[ItemView]

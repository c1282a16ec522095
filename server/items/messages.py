"""The shape of items in regions.toml, and items on the wire."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field as Limit
from pydantic import StringConstraints

from server.items.rules import Field, FieldType, Item, Mode, Owner
from server.regions.messages import Identifier, Part, RegionCode, Title
from server.web.http import Message

FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Paragraph = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]


class FieldPart(Part):
    """[[items.fields]]."""

    name: FieldName
    label: Title
    side: Owner
    type: FieldType
    required: bool = True
    personal: bool = False
    max_length: Annotated[int, Limit(ge=1, le=200)] = 200
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    choices: tuple[Title, ...] = ()
    hint: str = ""


class MaterialPart(Part):
    """[[items.materials]]."""

    code: Identifier
    name: Title
    required: bool = True
    hint: str = ""


class CertificatePart(Part):
    """[[items.certificates]]: `authorities` names the issuing authority per jurisdiction."""

    kind: Identifier
    title: Title
    authorities: dict[RegionCode, Identifier]


class ItemPart(Part):
    """[[items]]."""

    code: Identifier
    version: Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)*$")]
    name: Title
    basis: Paragraph
    mode: Mode
    applicant: Literal["person", "enterprise"] = "person"
    jurisdictions: Annotated[tuple[RegionCode, ...], Limit(min_length=1)]
    promise_allowed: bool = False
    recording_required: bool = False
    promised_minutes: Annotated[int, Limit(ge=1, le=480)] = 15
    wrap_up_seconds: Annotated[int, Limit(ge=1, le=3600)] = 120
    fields: Annotated[tuple[FieldPart, ...], Limit(min_length=1)]
    materials: tuple[MaterialPart, ...] = ()
    certificates: Annotated[tuple[CertificatePart, ...], Limit(min_length=1)]


class ItemsPart(Part):
    """What this domain reads of regions.toml; regions are read by theirs."""

    items: Annotated[tuple[ItemPart, ...], Limit(min_length=1)]
    regions: tuple[object, ...] = ()
    recognition: tuple[object, ...] = ()


class FieldView(Message):
    """A field of an item's form."""

    name: str
    label: str
    side: Owner
    type: FieldType
    required: bool
    personal: bool
    max_length: int
    minimum: str | None
    maximum: str | None
    choices: list[str]
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
            choices=list(field.choices),
            hint=field.hint,
        )


class MaterialKindView(Message):
    """A line of a material list."""

    code: str
    name: str
    required: bool
    hint: str


class CertificateKindView(Message):
    """A certificate that the jurisdiction may issue."""

    kind: str
    title: str


class ItemView(Message):
    """A service item."""

    code: str
    version: str
    name: str
    basis: str
    mode: Mode
    applicant: str
    jurisdictions: list[str]
    promise_allowed: bool
    recording_required: bool
    promised_minutes: int
    fields: list[FieldView]
    materials: list[MaterialKindView]
    certificates: list[CertificateKindView]

    @classmethod
    def of(cls, item: Item) -> ItemView:
        """Build from an item."""
        return cls(
            code=item.code,
            version=item.version,
            name=item.name,
            basis=item.basis,
            mode=item.mode,
            applicant=item.applicant,
            jurisdictions=list(item.jurisdictions),
            promise_allowed=item.promise_allowed,
            recording_required=item.recording_required,
            promised_minutes=item.promised_minutes,
            fields=[FieldView.of(field) for field in item.fields],
            materials=[
                MaterialKindView(code=m.code, name=m.name, required=m.required, hint=m.hint)
                for m in item.materials
            ],
            certificates=[
                CertificateKindView(kind=c.kind, title=c.title) for c in item.certificates
            ],
        )


class ItemList(Message):
    """Every item, all versions that the catalogue still knows."""

    items: list[ItemView]

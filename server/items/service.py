"""Items out of regions.toml, with every reference to a region or an authority checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from server.errors import ServiceError
from server.items.messages import ItemPart, ItemsPart
from server.items.rules import (
    CertificateKind,
    Field,
    FieldType,
    Item,
    MaterialKind,
    check_credit_code,
)
from server.regions.document import CatalogueError, Document, Fault
from server.regions.rules import Authority, Catalogue

RESERVED_FIELDS = frozenset(
    {"applicant_name", "applicant_id_number", "applicant_phone", "enterprise_name", "credit_code"}
)


@dataclass(frozen=True, slots=True)
class Items:
    """Every version of every item; new cases take the newest."""

    by_version: Mapping[tuple[str, str], Item]

    def find(self, code: str, version: str) -> Item:
        """Return an item as a case knows it; refuses item.unknown."""
        item = self.by_version.get((code, version))
        if item is None:
            raise ServiceError("item.unknown")
        return item

    def current(self, code: str) -> Item:
        """Return the newest version of an item; refuses item.unknown."""
        versions = [item for item in self.by_version.values() if item.code == code]
        if not versions:
            raise ServiceError("item.unknown", field="item_code")
        return max(versions, key=lambda item: _version(item.version))


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def load_items(document: Document, catalogue: Catalogue) -> Items:
    """Return the items; CatalogueError names every fault with its line and key."""
    shape = document.parse(ItemsPart)
    faults = [
        *_repeated(document, shape),
        *(fault for i, part in enumerate(shape.items) for fault in _fields(document, i, part)),
        *(
            fault
            for i, part in enumerate(shape.items)
            for fault in _references(document, catalogue, i, part)
        ),
        *_bad_codes(document, catalogue),
    ]
    if faults:
        raise CatalogueError(document.path, faults)
    return Items({(part.code, part.version): _item(part) for part in shape.items})


def _item(part: ItemPart) -> Item:
    return Item(
        code=part.code,
        version=part.version,
        name=part.name,
        basis=part.basis,
        mode=part.mode,
        applicant=part.applicant,
        jurisdictions=part.jurisdictions,
        fields=tuple(
            Field(
                name=field.name,
                label=field.label,
                owner=field.side,
                type=field.type,
                required=field.required,
                personal=field.personal,
                max_length=field.max_length,
                minimum=field.minimum,
                maximum=field.maximum,
                choices=field.choices,
                hint=field.hint,
            )
            for field in part.fields
        ),
        materials=tuple(
            MaterialKind(one.code, one.name, one.required, one.hint) for one in part.materials
        ),
        certificates=tuple(
            CertificateKind(one.kind, one.title, dict(one.authorities)) for one in part.certificates
        ),
        promise_allowed=part.promise_allowed,
        recording_required=part.recording_required,
        promised_minutes=part.promised_minutes,
        wrap_up_seconds=part.wrap_up_seconds,
    )


def issuing_authority(catalogue: Catalogue, kind: CertificateKind, jurisdiction: str) -> Authority:
    """Return who issues a kind of certificate in a jurisdiction."""
    return catalogue.authority(jurisdiction, kind.authorities[jurisdiction])


def _repeated(document: Document, shape: ItemsPart) -> Iterator[Fault]:
    seen: set[tuple[str, str]] = set()
    for i, part in enumerate(shape.items):
        if (part.code, part.version) in seen:
            yield document.fault(
                ("items", i, "version"),
                f"expected a version that {part.code} does not have yet; found {part.version!r}",
            )
        seen.add((part.code, part.version))


def _fields(document: Document, i: int, part: ItemPart) -> Iterator[Fault]:
    seen: set[str] = set()
    for j, field in enumerate(part.fields):
        key = ("items", i, "fields", j)
        if field.name in seen or field.name in RESERVED_FIELDS:
            yield document.fault(
                (*key, "name"), f"expected a name that is not taken yet; found {field.name!r}"
            )
        seen.add(field.name)
        if (field.type is FieldType.CHOICE) != bool(field.choices):
            yield document.fault(
                (*key, "choices"), f"expected choices for type choice only; type is {field.type}"
            )
        if (
            field.minimum is not None
            and field.maximum is not None
            and field.minimum > field.maximum
        ):
            yield document.fault((*key, "maximum"), f"expected at least {field.minimum}")


def _references(
    document: Document, catalogue: Catalogue, i: int, part: ItemPart
) -> Iterator[Fault]:
    for j, code in enumerate(part.jurisdictions):
        if code not in catalogue.regions:
            yield document.fault(
                ("items", i, "jurisdictions", j), f"expected the code of a region; found {code!r}"
            )
    for j, certificate in enumerate(part.certificates):
        key = ("items", i, "certificates", j, "authorities")
        for code in part.jurisdictions:
            if code not in certificate.authorities:
                yield document.fault(key, f"expected an authority for jurisdiction {code}")
        for code, authority in certificate.authorities.items():
            region = catalogue.regions.get(code)
            if region is None or authority not in {one.id for one in region.authorities}:
                yield document.fault(
                    (*key, code), f"expected an authority of region {code}; found {authority!r}"
                )


def _bad_codes(document: Document, catalogue: Catalogue) -> Iterator[Fault]:
    for i, region in enumerate(catalogue.regions.values()):
        for j, authority in enumerate(region.authorities):
            try:
                check_credit_code(authority.code)
            except ServiceError as error:
                yield document.fault(
                    ("regions", i, "authorities", j, "code"),
                    f"expected a unified social credit code ({error.code});"
                    f" found {authority.code!r}",
                )

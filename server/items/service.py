"""regions.toml read whole: regions and items, with every fault of either named at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from server.errors import ServiceError
from server.items.messages import ItemPart
from server.items.rules import CertificateKind, Column, Field, Item, MaterialKind
from server.items.survey import Pages, check_pages, survey_items
from server.regions.document import Document, read_document
from server.regions.rules import Authority, Catalogue
from server.regions.service import survey_regions


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


def read_catalogue(path: Path, pages: Pages | None = None) -> tuple[Catalogue, Items]:
    """Return what regions.toml says; CatalogueError names every fault in all of the file."""
    document = read_document(path)
    catalogue = survey_regions(document)
    return catalogue, load_items(document, catalogue, pages)


def load_items(document: Document, catalogue: Catalogue, pages: Pages | None = None) -> Items:
    """Return the items; CatalogueError names every fault that anyone has found in the document.

    `pages` says of each kind of certificate what its page needs and whose it may be; with it, an
    item whose form does not fill its pages is a fault too, and so is an authority of a department
    that may not issue them.
    """
    parts = survey_items(document, catalogue)
    items = {place: _item(part) for place, part in parts.items()}
    if pages is not None:
        for place, item in items.items():
            check_pages(document, catalogue, place, item, pages)
    document.refuse_faults()
    return Items({(item.code, item.version): item for item in items.values()})


def issuing_authority(catalogue: Catalogue, kind: CertificateKind, jurisdiction: str) -> Authority:
    """Return who issues a kind of certificate in a jurisdiction."""
    return catalogue.authority(jurisdiction, kind.authorities[jurisdiction])


def deciding_authority(catalogue: Catalogue, item: Item, jurisdiction: str) -> Authority:
    """Return who answers for a jurisdiction on an item: who issues its first certificate."""
    return issuing_authority(catalogue, item.certificates[0], jurisdiction)


def destinations(catalogue: Catalogue, item: Item, counter_region: str) -> list[str]:
    """Return the jurisdictions for which a counter of a region may open a case on an item.

    Not its own, for that is no cross-region case, and only those of whose certificates the region
    recognises at least one kind: no other case could ever be settled there.
    """
    return [
        jurisdiction
        for jurisdiction in item.jurisdictions
        if counter_region
        and jurisdiction != counter_region
        and _recognised(catalogue, item, counter_region, jurisdiction)
    ]


def refuse_unrecognised(
    catalogue: Catalogue, item: Item, counter_region: str, jurisdiction: str,
    *, kind: str | None = None, field: str | None = None,
) -> None:  # fmt: skip
    """Refuse certificate.unrecognised if a region does not count what a jurisdiction issues.

    `kind` is the certificate meant; without one, any kind that the item has will do. regions.toml
    may change while a case is open, so whoever moves the case on asks again.
    """
    if not _recognised(catalogue, item, counter_region, jurisdiction, kind):
        at = {} if field is None else {"field": field}
        raise ServiceError("certificate.unrecognised", **at)


def _recognised(
    catalogue: Catalogue, item: Item, region: str, jurisdiction: str, kind: str | None = None
) -> bool:
    kinds = [one.kind for one in item.certificates] if kind is None else [kind]
    return any(catalogue.recognises(region, one, jurisdiction) for one in kinds)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


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
                earliest=field.earliest,
                latest=field.latest,
                not_before=field.not_before,
                choices=field.choices,
                columns=tuple(Column(c.label, c.type, c.max_length) for c in field.columns),
                max_rows=field.max_rows,
                hint=field.hint,
            )
            for field in part.fields
        ),
        materials=tuple(
            MaterialKind(one.code, one.name, one.required, one.hint) for one in part.materials
        ),
        certificates=tuple(
            CertificateKind(
                one.kind,
                one.title,
                dict(one.authorities),
                one.revocation_needs_approval,
                None if one.review is None else one.review.rule,
            )
            for one in part.certificates
        ),
        promise_allowed=part.promise_allowed,
        recording_required=part.recording_required,
        recording_days=part.recording_days,
        promised_minutes=part.promised_minutes,
        wrap_up_seconds=part.wrap_up_seconds,
    )

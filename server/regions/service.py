"""regions.toml into a Catalogue, with every cross-reference of regions checked."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from server.access import places_of
from server.errors import ServiceError
from server.regions.document import EACH, Document
from server.regions.messages import FilePart, HallPart, RecognitionPart, RegionPart
from server.regions.rules import (
    Authority,
    Catalogue,
    Counter,
    Hall,
    Recognition,
    Region,
    SpecialDay,
    next_opening,
)

# Codes and ids are names: each is unique over all regions.
_NAMES: Final = (
    ("regions", EACH, "code"),
    ("regions", EACH, "halls", EACH, "id"),
    ("regions", EACH, "halls", EACH, "counters", EACH, "id"),
    ("regions", EACH, "authorities", EACH, "id"),
    ("regions", EACH, "authorities", EACH, "code"),
)
_ONE_HALL: Final = 4  # regions[i].halls[j]


def load_regions(document: Document) -> Catalogue:
    """Return the catalogue; CatalogueError names every fault with its line and key."""
    catalogue = survey_regions(document)
    document.refuse_faults()
    return catalogue


def survey_regions(document: Document) -> Catalogue:
    """Return as much of the catalogue as is right, and note every fault in the document."""
    document.fit(FilePart)
    for name in _NAMES:
        document.require_unique(document.select(*name))
    _check_days(document)
    regions = {p.code: _region(p) for p in document.fit_each(RegionPart, "regions").values()}
    halls = {hall.id: hall for region in regions.values() for hall in region.halls}
    return Catalogue(
        regions=regions,
        recognitions=tuple(_recognitions(document)),
        halls=halls,
        counters={counter.id: counter for hall in halls.values() for counter in hall.counters},
    )


def name_places(catalogue: Catalogue, region: str, hall: str, counter: str) -> tuple[str, str, str]:
    """Return what people call a region, its hall and its counter; '' stays ''.

    Refuses region.unknown, hall.unknown and counter.unknown, and a hall of another region.
    """
    if not region:
        return "", "", ""
    name = name_region(catalogue, region)
    if not hall:
        return name, "", ""
    found = catalogue.halls.get(hall)
    if found is None or found.region != region:
        raise ServiceError("hall.unknown")
    names = {one.id: one.name for one in found.counters}
    if counter and counter not in names:
        raise ServiceError("counter.unknown")
    return name, found.name, names.get(counter, "")


def name_region(catalogue: Catalogue, region: str) -> str:
    """Return what people call a region, or the province of regions that there are.

    Refuses region.unknown.
    """
    if region in catalogue.regions:
        return catalogue.regions[region].name
    places = places_of(region)
    for code, one in catalogue.regions.items():
        if places != region and code.startswith(places):
            return one.province
    raise ServiceError("region.unknown")


def refuse_closed(catalogue: Catalogue, region: str, now: datetime) -> None:
    """Refuse hall.closed if every hall of a region is closed and takes no calls then.

    Halls take calls at any hour unless regions.toml says refuse_outside_hours. The refusal says
    when the first of them opens, if that is known.
    """
    if catalogue.takes_calls(region, now):
        return
    openings = [next_opening(hall, now) for hall in catalogue.regions[region].halls]
    first = min((opening for opening in openings if opening is not None), default=None)
    raise ServiceError("hall.closed", next_opening=None if first is None else first.isoformat())


def _region(part: RegionPart) -> Region:
    return Region(
        code=part.code,
        name=part.name,
        province=part.province,
        halls=tuple(_hall(hall, part.code) for hall in part.halls),
        authorities=tuple(
            Authority(one.id, one.name, one.code, one.seal_text, one.department)
            for one in part.authorities
        ),
    )


def _hall(part: HallPart, region: str) -> Hall:
    return Hall(
        id=part.id,
        name=part.name,
        region=region,
        counters=tuple(Counter(counter.id, counter.name) for counter in part.counters),
        week=part.hours.week,
        special_days=(
            *(SpecialDay(day) for day in part.closed_on),
            *(SpecialDay(special.date, special.hours) for special in part.special_days),
        ),
        refuse_outside_hours=part.refuse_outside_hours,
    )


def _check_days(document: Document) -> None:
    """Note a day that one hall both closes on and has hours for, or has twice."""
    halls = ("regions", EACH, "halls", EACH)
    closed = document.select(*halls, "closed_on", EACH)
    special = document.select(*halls, "special_days", EACH, "date")
    document.require_unique([*closed, *special], within=_ONE_HALL)


def _recognitions(document: Document) -> list[Recognition]:
    """Return who recognises what, and note pairs of regions that make no sense."""
    known = {str(code) for _, code in document.select("regions", EACH, "code")}
    parts = document.fit_each(RecognitionPart, "recognition")
    pairs = []
    for place, part in parts.items():
        key = ("recognition", place)
        pairs.append(((*key, "in_region"), f"{part.issuer_region} in {part.in_region}"))
        for name, code in (("issuer_region", part.issuer_region), ("in_region", part.in_region)):
            if code not in known:
                document.fault((*key, name), f"expected the code of a region above; found {code}")
        if part.issuer_region == part.in_region:
            document.fault((*key, "in_region"), "expected another region than issuer_region")
    document.require_unique(pairs)
    return [Recognition(p.issuer_region, p.in_region, frozenset(p.kinds)) for p in parts.values()]

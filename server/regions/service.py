"""regions.toml into a Catalogue, with every cross-reference of regions checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import time

from server.errors import ServiceError
from server.regions.document import CatalogueError, Document, Fault
from server.regions.messages import DAYS, HallPart, RegionPart, RegionsPart
from server.regions.rules import (
    Authority,
    Catalogue,
    Counter,
    Hall,
    Hours,
    Recognition,
    Region,
)


def load_regions(document: Document) -> Catalogue:
    """Return the catalogue; CatalogueError names every fault with its line and key."""
    shape = document.parse(RegionsPart)
    faults = [
        *_repeated(document, shape),
        *_bad_hours(document, shape),
        *_dangling(document, shape),
    ]
    if faults:
        raise CatalogueError(document.path, faults)
    regions = {part.code: _region(part) for part in shape.regions}
    halls = {hall.id: hall for region in regions.values() for hall in region.halls}
    return Catalogue(
        regions=regions,
        recognitions=tuple(
            Recognition(part.issuer_region, part.in_region, frozenset(part.kinds))
            for part in shape.recognition
        ),
        halls=halls,
        counters={counter.id: counter for hall in halls.values() for counter in hall.counters},
    )


def name_places(catalogue: Catalogue, region: str, hall: str, counter: str) -> tuple[str, str, str]:
    """Return what people call a region, its hall and its counter; '' stays ''.

    Refuses region.unknown, hall.unknown and counter.unknown, and a hall of another region.
    """
    if not region:
        return "", "", ""
    if region not in catalogue.regions:
        raise ServiceError("region.unknown")
    if not hall:
        return catalogue.regions[region].name, "", ""
    found = catalogue.halls.get(hall)
    if found is None or found.region != region:
        raise ServiceError("hall.unknown")
    names = {one.id: one.name for one in found.counters}
    if counter and counter not in names:
        raise ServiceError("counter.unknown")
    return catalogue.regions[region].name, found.name, names.get(counter, "")


def _region(part: RegionPart) -> Region:
    return Region(
        code=part.code,
        name=part.name,
        province=part.province,
        halls=tuple(_hall(hall, part.code) for hall in part.halls),
        authorities=tuple(
            Authority(one.id, one.name, one.code, one.seal_text) for one in part.authorities
        ),
    )


def _hall(part: HallPart, region: str) -> Hall:
    return Hall(
        id=part.id,
        name=part.name,
        region=region,
        counters=tuple(Counter(counter.id, counter.name) for counter in part.counters),
        hours=tuple(
            Hours(weekday, *_interval(text))
            for weekday, day in enumerate(DAYS)
            for text in getattr(part.hours, day)
        ),
        closed_on=frozenset(part.closed_on),
    )


def _interval(text: str) -> tuple[time, time]:
    opens, closes = text.split("-")
    return time.fromisoformat(opens), time.fromisoformat(closes)


def _repeated(document: Document, shape: RegionsPart) -> Iterator[Fault]:
    """Codes and ids are names: halls, counters and authorities are unique over all regions."""
    yield from _twice(
        document, (((("regions", i, "code")), part.code) for i, part in enumerate(shape.regions))
    )
    yield from _twice(
        document,
        (
            (("regions", i, "halls", j, "id"), hall.id)
            for i, part in enumerate(shape.regions)
            for j, hall in enumerate(part.halls)
        ),
    )
    yield from _twice(
        document,
        (
            (("regions", i, "halls", j, "counters", k, "id"), counter.id)
            for i, part in enumerate(shape.regions)
            for j, hall in enumerate(part.halls)
            for k, counter in enumerate(hall.counters)
        ),
    )
    yield from _twice(
        document,
        (
            (("regions", i, "authorities", j, "id"), authority.id)
            for i, part in enumerate(shape.regions)
            for j, authority in enumerate(part.authorities)
        ),
    )


def _twice(
    document: Document, named: Iterable[tuple[tuple[str | int, ...], str]]
) -> Iterator[Fault]:
    seen: set[str] = set()
    for key, name in named:
        if name in seen:
            yield document.fault(key, f"expected a name that is not taken yet; found {name!r}")
        seen.add(name)


def _bad_hours(document: Document, shape: RegionsPart) -> Iterator[Fault]:
    for i, region in enumerate(shape.regions):
        for j, hall in enumerate(region.halls):
            for day in DAYS:
                key = ("regions", i, "halls", j, "hours", day)
                for text in getattr(hall.hours, day):
                    if not _is_interval(text):
                        yield document.fault(key, f'expected "09:00-12:00"; found {text!r}')


def _is_interval(text: str) -> bool:
    try:
        opens, closes = _interval(text)
    except ValueError:
        return False
    return opens < closes


def _dangling(document: Document, shape: RegionsPart) -> Iterator[Fault]:
    known = {part.code for part in shape.regions}
    for i, recognition in enumerate(shape.recognition):
        for name in ("issuer_region", "in_region"):
            code = getattr(recognition, name)
            if code not in known:
                yield document.fault(
                    ("recognition", i, name), f"expected the code of a region above; found {code!r}"
                )

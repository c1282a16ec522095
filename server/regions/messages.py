"""The shape of regions.toml, and regions on the wire."""

from __future__ import annotations

import datetime
import re
from itertools import pairwise
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainValidator, Strict
from pydantic import StringConstraints as Text
from pydantic_core import PydanticCustomError

from server.regions.rules import Authority, Catalogue, Hall, Hours, Region, is_open, next_opening
from server.web.http import Message

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60
_INTERVAL = re.compile(r"([0-9]{2}):([0-5][0-9])-([0-9]{2}):([0-5][0-9])")


def written_as(pattern: str, what: str) -> AfterValidator:
    """Return a check that the whole text matches, and that says `what` was expected if not."""
    whole = re.compile(pattern)

    def check(text: str) -> str:
        if not whole.fullmatch(text):
            raise PydanticCustomError("expected", "{what}", {"what": what})
        return text

    return AfterValidator(check)


def _visible(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("expected", "characters that can be seen")
    return text


def _hours(text: object) -> Hours:
    """Read "09:00-12:00"."""
    found = _INTERVAL.fullmatch(text) if isinstance(text, str) else None
    if found is not None:
        hour, minute, last_hour, last_minute = map(int, found.groups())
        hours = Hours(hour * 60 + minute, last_hour * 60 + last_minute)
        if hours.opens < hours.closes <= DAY_MINUTES:
            return hours
    raise PydanticCustomError("expected", 'hours of one day, such as "09:00-12:00"')


def _apart(day: tuple[Hours, ...]) -> tuple[Hours, ...]:
    """Refuse intervals that overlap; return them in the day's order."""
    ordered = tuple(sorted(day))
    if any(earlier.closes > later.opens for earlier, later in pairwise(ordered)):
        raise PydanticCustomError("expected", "intervals that do not overlap")
    return ordered


def _some(found: tuple[object, ...]) -> tuple[object, ...]:
    """Refuse an empty array; pydantic's own limit also counts elements that are there and wrong."""
    if not found:
        raise PydanticCustomError("expected", "at least one")
    return found


SOME = AfterValidator(_some)
RegionCode = Annotated[str, written_as("[1-9][0-9]{5}", "the six digits of a GB/T 2260 code")]
Identifier = Annotated[
    str, written_as("[a-z0-9][a-z0-9-]{0,63}", "lower-case letters, digits and hyphens")
]
Title = Annotated[
    str, Text(min_length=1, max_length=80, strip_whitespace=True), AfterValidator(_visible)
]
SealText = Annotated[
    str, Text(min_length=1, max_length=30, strip_whitespace=True), AfterValidator(_visible)
]
Flag = Annotated[bool, Strict()]
Day = Annotated[datetime.date, Strict()]
Intervals = Annotated[tuple[Annotated[Hours, PlainValidator(_hours)], ...], AfterValidator(_apart)]


class Part(BaseModel):
    """A part of regions.toml; unknown keys are a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CounterPart(Part):
    """[[regions.halls.counters]]."""

    id: Identifier
    name: Title


class HoursPart(Part):
    """[regions.halls.hours]: intervals such as "09:00-12:00" per weekday."""

    mon: Intervals = ()
    tue: Intervals = ()
    wed: Intervals = ()
    thu: Intervals = ()
    fri: Intervals = ()
    sat: Intervals = ()
    sun: Intervals = ()

    @property
    def week(self) -> tuple[tuple[Hours, ...], ...]:
        """The seven days from Monday on."""
        return (self.mon, self.tue, self.wed, self.thu, self.fri, self.sat, self.sun)


class SpecialDayPart(Part):
    """[[regions.halls.special_days]]: a day with other hours than its weekday's."""

    date: Day
    hours: Intervals


class HallPart(Part):
    """[[regions.halls]]; `closed_on` is short for special days without hours."""

    id: Identifier
    name: Title
    hours: HoursPart
    closed_on: tuple[Day, ...] = ()
    special_days: tuple[SpecialDayPart, ...] = ()
    refuse_outside_hours: Flag = False
    counters: Annotated[tuple[CounterPart, ...], SOME]


class AuthorityPart(Part):
    """[[regions.authorities]]; whether `code` is a credit code is checked by the items' domain."""

    id: Identifier
    name: Title
    code: str
    department: Identifier
    seal_text: SealText


class RegionPart(Part):
    """[[regions]]."""

    code: RegionCode
    name: Title
    province: Title
    halls: Annotated[tuple[HallPart, ...], SOME]
    authorities: tuple[AuthorityPart, ...] = ()


class RecognitionPart(Part):
    """[[recognition]]."""

    issuer_region: RegionCode
    in_region: RegionCode
    kinds: Annotated[tuple[Identifier, ...], SOME]


class FilePart(Part):
    """The tables of regions.toml, each of which is then fitted to its own shape."""

    regions: Annotated[tuple[dict[str, Any], ...], SOME]
    recognition: tuple[dict[str, Any], ...] = ()
    items: Annotated[tuple[dict[str, Any], ...], SOME]


class CounterView(Message):
    """A counter."""

    id: str
    name: str


class HallView(Message):
    """A hall with its counters; `next_opening` is now for a hall that is open."""

    id: str
    name: str
    counters: list[CounterView]
    open_now: bool
    next_opening: datetime.datetime | None
    refuse_outside_hours: bool

    @classmethod
    def of(cls, hall: Hall, now: datetime.datetime) -> HallView:
        """Build from a hall as it is at an instant."""
        return cls(
            id=hall.id,
            name=hall.name,
            counters=[CounterView(id=c.id, name=c.name) for c in hall.counters],
            open_now=is_open(hall, now),
            next_opening=next_opening(hall, now),
            refuse_outside_hours=hall.refuse_outside_hours,
        )


class AuthorityView(Message):
    """An issuing authority."""

    id: str
    name: str
    code: str

    @classmethod
    def of(cls, authority: Authority) -> AuthorityView:
        """Build from an authority."""
        return cls(id=authority.id, name=authority.name, code=authority.code)


class RegionView(Message):
    """A region."""

    code: str
    name: str
    province: str
    halls: list[HallView]
    authorities: list[AuthorityView]

    @classmethod
    def of(cls, region: Region, now: datetime.datetime) -> RegionView:
        """Build from a region as it is at an instant."""
        return cls(
            code=region.code,
            name=region.name,
            province=region.province,
            halls=[HallView.of(hall, now) for hall in region.halls],
            authorities=[AuthorityView.of(authority) for authority in region.authorities],
        )


class RegionList(Message):
    """Every region of the catalogue."""

    regions: list[RegionView]

    @classmethod
    def of(cls, catalogue: Catalogue, now: datetime.datetime) -> RegionList:
        """Build from the catalogue as it is at an instant."""
        return cls(regions=[RegionView.of(region, now) for region in catalogue.regions.values()])

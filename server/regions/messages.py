"""The shape of regions.toml, and regions on the wire."""

from __future__ import annotations

import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from server.regions.rules import Authority, Catalogue, Hall, Region
from server.web.http import Message

RegionCode = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{5}$")]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Title = Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True)]
Interval = Annotated[
    str, StringConstraints(pattern=r"^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$")
]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Part(BaseModel):
    """A part of regions.toml; unknown keys are a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CounterPart(Part):
    """[[regions.halls.counters]]."""

    id: Identifier
    name: Title


class HoursPart(Part):
    """[regions.halls.hours]: intervals such as "09:00-12:00" per weekday."""

    mon: tuple[Interval, ...] = ()
    tue: tuple[Interval, ...] = ()
    wed: tuple[Interval, ...] = ()
    thu: tuple[Interval, ...] = ()
    fri: tuple[Interval, ...] = ()
    sat: tuple[Interval, ...] = ()
    sun: tuple[Interval, ...] = ()


class HallPart(Part):
    """[[regions.halls]]."""

    id: Identifier
    name: Title
    hours: HoursPart
    closed_on: tuple[datetime.date, ...] = ()
    counters: Annotated[tuple[CounterPart, ...], Field(min_length=1)]


class AuthorityPart(Part):
    """[[regions.authorities]]."""

    id: Identifier
    name: Title
    code: str
    seal_text: Title


class RegionPart(Part):
    """[[regions]]."""

    code: RegionCode
    name: Title
    province: Title
    halls: Annotated[tuple[HallPart, ...], Field(min_length=1)]
    authorities: tuple[AuthorityPart, ...] = ()


class RecognitionPart(Part):
    """[[recognition]]."""

    issuer_region: RegionCode
    in_region: RegionCode
    kinds: Annotated[tuple[Identifier, ...], Field(min_length=1)]


class RegionsPart(BaseModel):
    """What this domain reads of regions.toml; items are read by theirs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    regions: Annotated[tuple[RegionPart, ...], Field(min_length=1)]
    recognition: tuple[RecognitionPart, ...] = ()
    items: tuple[object, ...] = ()


class CounterView(Message):
    """A counter."""

    id: str
    name: str


class HallView(Message):
    """A hall with its counters."""

    id: str
    name: str
    counters: list[CounterView]
    open_now: bool

    @classmethod
    def of(cls, hall: Hall, *, open_now: bool) -> HallView:
        """Build from a hall."""
        counters = [CounterView(id=c.id, name=c.name) for c in hall.counters]
        return cls(id=hall.id, name=hall.name, counters=counters, open_now=open_now)


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
    def of(cls, region: Region, open_halls: frozenset[str]) -> RegionView:
        """Build from a region and which of its halls are open now."""
        return cls(
            code=region.code,
            name=region.name,
            province=region.province,
            halls=[HallView.of(hall, open_now=hall.id in open_halls) for hall in region.halls],
            authorities=[AuthorityView.of(authority) for authority in region.authorities],
        )


class RegionList(Message):
    """Every region of the catalogue."""

    regions: list[RegionView]

    @classmethod
    def of(cls, catalogue: Catalogue, open_halls: frozenset[str]) -> RegionList:
        """Build from the catalogue and which halls are open now."""
        return cls(regions=[RegionView.of(r, open_halls) for r in catalogue.regions.values()])

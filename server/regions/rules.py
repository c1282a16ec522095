"""Regions, halls and authorities, and what can be said of them without asking anyone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

CHINA: Final = ZoneInfo("Asia/Shanghai")
DAYS_AHEAD = 15


@dataclass(frozen=True, slots=True)
class Hours:
    """One interval of a weekday on which a hall is open; Monday is 0."""

    weekday: int
    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter (窗口) of a hall."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Hall:
    """A service hall (政务服务中心)."""

    id: str
    name: str
    region: str
    counters: tuple[Counter, ...]
    hours: tuple[Hours, ...]
    closed_on: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class Authority:
    """An issuing authority (出具机关); `code` is its unified social credit code."""

    id: str
    name: str
    code: str
    seal_text: str


@dataclass(frozen=True, slots=True)
class Region:
    """A division by its GB/T 2260 code (行政区划)."""

    code: str
    name: str
    province: str
    halls: tuple[Hall, ...]
    authorities: tuple[Authority, ...]


@dataclass(frozen=True, slots=True)
class Recognition:
    """Which kinds of certificate of one region count in another."""

    issuer_region: str
    in_region: str
    kinds: frozenset[str]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that regions.toml says of regions."""

    regions: Mapping[str, Region]
    recognitions: tuple[Recognition, ...] = ()
    halls: Mapping[str, Hall] = field(default_factory=dict)
    counters: Mapping[str, Counter] = field(default_factory=dict)

    def authority(self, region: str, authority_id: str) -> Authority:
        """Return one authority of a region; KeyError if it has none of that id."""
        for authority in self.regions[region].authorities:
            if authority.id == authority_id:
                return authority
        raise KeyError(authority_id)

    def recognises(self, region: str, kind: str, issuer_region: str) -> bool:
        """Say whether `region` takes certificates of this kind from `issuer_region`."""
        return any(
            found.in_region == region
            and found.issuer_region == issuer_region
            and kind in found.kinds
            for found in self.recognitions
        )


def is_open(hall: Hall, now: datetime) -> bool:
    """Say whether a hall is open at an instant, by the clock in China."""
    here = now.astimezone(CHINA)
    if here.date() in hall.closed_on:
        return False
    return any(
        hours.weekday == here.weekday() and hours.opens <= here.time() < hours.closes
        for hours in hall.hours
    )


def next_opening(hall: Hall, now: datetime) -> datetime | None:
    """Return when a closed hall opens next, within fifteen days; `now` itself if it is open."""
    if is_open(hall, now):
        return now
    here = now.astimezone(CHINA)
    for ahead in range(DAYS_AHEAD):
        day = here.date() + timedelta(days=ahead)
        openings = sorted(
            datetime.combine(day, hours.opens, CHINA)
            for hours in hall.hours
            if hours.weekday == day.weekday() and day not in hall.closed_on
        )
        for opening in openings:
            if opening > here:
                return opening
    return None

"""Regions, halls and authorities, and what can be said of them without asking anyone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

CHINA: Final = ZoneInfo("Asia/Shanghai")
DAYS_AHEAD: Final = 15  # Longer than the longest public holiday with a week-end on either side.


@dataclass(frozen=True, slots=True, order=True)
class Hours:
    """An interval of a day on which a hall is open, in minutes since midnight in China.

    `closes` is the first minute after it and may be 1440, the end of the day.
    """

    opens: int
    closes: int


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A day with hours of its own: none on a holiday, some on a week-end day that is worked."""

    day: date
    hours: tuple[Hours, ...] = ()


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter (窗口) of a hall."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Hall:
    """A service hall (政务服务中心); `week` has the hours of seven days from Monday on."""

    id: str
    name: str
    region: str
    counters: tuple[Counter, ...]
    week: tuple[tuple[Hours, ...], ...]
    special_days: tuple[SpecialDay, ...] = ()
    refuse_outside_hours: bool = False

    def hours_on(self, day: date) -> tuple[Hours, ...]:
        """Return the hours of one day."""
        special = next((found for found in self.special_days if found.day == day), None)
        return self.week[day.weekday()] if special is None else special.hours


@dataclass(frozen=True, slots=True)
class Authority:
    """An issuing authority (出具机关); `code` is its unified social credit code.

    `department` is its branch of the administration, by which templates say who may issue them.
    """

    id: str
    name: str
    code: str
    seal_text: str
    department: str = ""


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

    @property
    def authorities(self) -> list[tuple[str, Authority]]:
        """Every authority with the region that it belongs to."""
        return [
            (region.code, one) for region in self.regions.values() for one in region.authorities
        ]

    def authority(self, region: str, authority_id: str) -> Authority:
        """Return one authority of a region; KeyError if it has none of that id."""
        for authority in self.regions[region].authorities:
            if authority.id == authority_id:
                return authority
        raise KeyError(authority_id)

    def recognises(self, region: str, kind: str, issuer_region: str) -> bool:
        """Say whether `region` takes certificates of this kind from `issuer_region`.

        What a region issues counts at home without being listed.
        """
        return region == issuer_region or any(
            found.in_region == region
            and found.issuer_region == issuer_region
            and kind in found.kinds
            for found in self.recognitions
        )

    def takes_calls(self, region: str, now: datetime) -> bool:
        """Say whether a hall of `region` is open, or does not mind being called when closed."""
        return any(
            not hall.refuse_outside_hours or is_open(hall, now)
            for hall in self.regions[region].halls
        )


def is_open(hall: Hall, now: datetime) -> bool:
    """Say whether a hall is open at an instant, by the clock in China."""
    here = now.astimezone(CHINA)
    minute = here.hour * 60 + here.minute
    return any(hours.opens <= minute < hours.closes for hours in hall.hours_on(here.date()))


def last_closing(hall: Hall, now: datetime) -> datetime:
    """Return when a hall closes for the day; the day's end in China if it is closed by now."""
    here = now.astimezone(CHINA)
    midnight = datetime.combine(here.date(), time(), CHINA)
    closes = max((hours.closes for hours in hall.hours_on(here.date())), default=0)
    closing = midnight + timedelta(minutes=closes)
    return closing if closing > now else midnight + timedelta(days=1)


def next_opening(hall: Hall, now: datetime) -> datetime | None:
    """Return when a closed hall opens next, within fifteen days; `now` itself if it is open."""
    if is_open(hall, now):
        return now
    today = now.astimezone(CHINA).date()
    for ahead in range(DAYS_AHEAD):
        day = today + timedelta(days=ahead)
        midnight = datetime.combine(day, time(), CHINA)
        for hours in sorted(hall.hours_on(day)):
            opening = midnight + timedelta(minutes=hours.opens)
            if opening > now:
                return opening
    return None

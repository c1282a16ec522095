from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import ServiceError
from server.regions.rules import (
    CHINA,
    Catalogue,
    Hall,
    Hours,
    SpecialDay,
    is_open,
    last_closing,
    next_opening,
)
from server.regions.service import refuse_closed
from tests.support.catalogue import Change, read

STRICT: Change = ("refuse_outside_hours = false", "refuse_outside_hours = true")


@pytest.fixture
def hall(tmp_path: Path) -> Hall:
    """Open on Mondays with a lunch break and on Saturday mornings, closed on some days of 2027."""
    catalogue, _items = read(tmp_path)
    return catalogue.halls["pingwang"]


def at(text: str) -> datetime:
    """An instant, written by the clock in China."""
    return datetime.fromisoformat(text).replace(tzinfo=CHINA).astimezone(UTC)


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-11-23 08:59:59", False),
        ("2026-11-23 09:00:00", True),
        ("2026-11-23 11:59:59", True),
        ("2026-11-23 12:00:00", False),
        ("2026-11-23 13:00:00", True),
        ("2026-11-23 17:00:00", False),
        ("2026-11-24 10:00:00", False),
        ("2026-11-28 11:00:00", True),
        ("2027-02-06 10:00:00", False),  # A Saturday, and New Year's Day.
        ("2027-02-20 09:30:00", False),  # A Saturday with hours of its own.
        ("2027-02-20 10:30:00", True),
    ],
)
def test_a_hall_is_open_by_the_clock_in_china(hall: Hall, when: str, *, expected: bool) -> None:
    assert is_open(hall, at(when)) is expected
    assert is_open(hall, at(when).astimezone(ZoneInfo("America/New_York"))) is expected


def test_a_day_that_is_open_throughout_ends_at_midnight(tmp_path: Path) -> None:
    catalogue, _items = read(tmp_path)
    hall = catalogue.halls["huoqiu"]
    assert not is_open(hall, at("2026-11-23 23:59:59"))
    assert is_open(hall, at("2026-11-24 00:00:00"))
    assert is_open(hall, at("2026-11-24 23:59:59"))
    assert not is_open(hall, at("2026-11-25 00:00:00"))


@pytest.mark.parametrize(
    ("when", "opens"),
    [
        ("2026-11-23 10:00", "2026-11-23 10:00"),
        ("2026-11-23 08:00", "2026-11-23 09:00"),
        ("2026-11-23 12:30", "2026-11-23 13:00"),
        ("2026-11-23 23:59", "2026-11-28 09:00"),
        ("2026-11-28 12:00", "2026-11-30 09:00"),
        ("2027-02-05 23:00", "2027-02-08 09:00"),
        ("2027-02-19 12:00", "2027-02-20 10:00"),
        ("2027-02-20 11:00", "2027-02-22 09:00"),
    ],
)
def test_the_next_opening_skips_breaks_and_days_off(hall: Hall, when: str, opens: str) -> None:
    assert next_opening(hall, at(when)) == at(opens)


def test_a_hall_that_never_opens_has_no_next_opening() -> None:
    hall = Hall("x", "x", "320509", (), week=((),) * 7)
    assert next_opening(hall, at("2026-11-23 10:00")) is None


@st.composite
def halls(draw: st.DrawFn) -> Hall:
    day = st.lists(st.integers(0, 1440), max_size=6, unique=True).map(
        lambda times: tuple(
            Hours(opens, closes)
            for opens, closes in zip(sorted(times)[::2], sorted(times)[1::2], strict=False)
        )
    )
    dates = st.dates(date(2026, 11, 20), date(2026, 12, 10))
    special = draw(st.dictionaries(dates, day, max_size=5))
    return Hall(
        id="x",
        name="x",
        region="320509",
        counters=(),
        week=tuple(draw(day) for _ in range(7)),
        special_days=tuple(SpecialDay(when, hours) for when, hours in special.items()),
    )


@given(
    halls(),
    st.integers(0, 4 * 1440).map(lambda minutes: at("2026-11-22") + timedelta(minutes=minutes)),
)
def test_a_hall_is_open_at_its_next_opening_and_at_no_minute_before(
    hall: Hall, now: datetime
) -> None:
    opening = next_opening(hall, now)
    end = opening or now + timedelta(days=14)
    assert opening is None or (is_open(hall, opening) and opening >= now)
    minute = now
    while minute < end:
        assert not is_open(hall, minute)
        minute += timedelta(minutes=30)
    assert opening in {None, now} or not is_open(hall, end - timedelta(seconds=1))


def test_calls_are_taken_at_any_hour_unless_the_file_says_otherwise(tmp_path: Path) -> None:
    night = at("2026-11-23 23:00")
    catalogue, _items = read(tmp_path)
    refuse_closed(catalogue, "320509", night)
    catalogue, _items = read(tmp_path, STRICT)
    refuse_closed(catalogue, "320509", at("2026-11-23 09:00"))
    with pytest.raises(ServiceError) as refused:
        refuse_closed(catalogue, "320509", night)
    assert refused.value.code == "hall.closed"
    assert refused.value.details == {"next_opening": "2026-11-28T09:00:00+08:00"}


def test_a_region_takes_calls_while_one_of_its_halls_does(tmp_path: Path) -> None:
    catalogue, _items = read(tmp_path, STRICT)
    region = catalogue.regions["320509"]
    always = Hall("y", "y", "320509", (), week=((Hours(0, 1440),),) * 7, refuse_outside_hours=True)
    never = Hall("z", "z", "320509", (), week=((),) * 7, refuse_outside_hours=True)
    night = at("2026-11-23 23:00")
    for halls_there, taken in [((never, always), True), ((never,), False), ((), False)]:
        changed = type(region)(
            region.code, region.name, region.province, halls_there, region.authorities
        )
        there = Catalogue(regions={"320509": changed})
        assert there.takes_calls("320509", night) is taken
    with pytest.raises(ServiceError) as refused:
        refuse_closed(there, "320509", night)
    assert refused.value.details == {"next_opening": None}


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-11-23 08:00:00", "2026-11-23 17:00:00"),  # A Monday; the lunch break is no closing.
        ("2026-11-23 12:30:00", "2026-11-23 17:00:00"),
        ("2026-11-23 16:59:59", "2026-11-23 17:00:00"),
        ("2026-11-23 17:00:00", "2026-11-24 00:00:00"),
        ("2026-11-24 10:00:00", "2026-11-25 00:00:00"),
        ("2027-02-20 09:00:00", "2027-02-20 11:00:00"),  # A day with hours of its own.
    ],
)
def test_a_hall_closes_for_the_day_after_its_last_hours(
    hall: Hall, when: str, expected: str
) -> None:
    assert last_closing(hall, at(when)) == at(expected)

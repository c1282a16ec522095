"""Transport-wide feedback, read again by a reader of the draft's own format."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.media.arrivals import Arrivals


def read(report: bytes) -> dict[int, float]:
    """When each packet arrived, in seconds, by section 3.1 of the draft."""
    first, kind, words, _, media, base, count = struct.unpack_from("!BBHLLHH", report)
    assert (first, kind) == (0x8F, 205)
    assert len(report) == 4 * (words + 1)
    assert media == 99
    at = int.from_bytes(report[16:19], "big") * 0.064
    place, symbols = 20, []
    while len(symbols) < count:
        chunk = int.from_bytes(report[place : place + 2], "big")
        place += 2
        if chunk >> 15 == 0:
            symbols += [chunk >> 13 & 3] * (chunk & 0x1FFF)
        elif chunk >> 14 & 1:
            symbols += [chunk >> 12 - 2 * index & 3 for index in range(7)]
        else:
            symbols += [chunk >> 13 - index & 1 for index in range(14)]
    found = {}
    for index, symbol in enumerate(symbols[:count]):
        if symbol == 0:
            continue
        size = symbol
        delta = int.from_bytes(report[place : place + size], "big", signed=size == 2)
        place += size
        at += delta * 0.00025
        found[(base + index) & 0xFFFF] = at
    return found


def test_nothing_is_reported_where_nothing_came() -> None:
    arrivals = Arrivals(7)
    assert arrivals.report(99) is None
    arrivals.note(1, 1.0)
    assert arrivals.report(99) is not None
    assert arrivals.report(99) is None


@given(
    st.integers(0, 65535),
    st.lists(st.tuples(st.integers(0, 390), st.floats(0, 0.2)), min_size=1, max_size=200),
)
def test_every_arrival_is_read_again_to_half_a_tick(
    base: int, given: list[tuple[int, float]]
) -> None:
    arrivals = Arrivals(7)
    noted = {base: 5.0}
    arrivals.note(base, 5.0)
    for ahead, late in given:
        number = (base + ahead) & 0xFFFF
        arrivals.note(number, 5.0 + late)
        noted.setdefault(number, 5.0 + late)
    report = arrivals.report(99)
    assert report is not None
    found = read(report)
    assert found.keys() == noted.keys()
    for number, at in noted.items():
        assert found[number] == pytest.approx(at, abs=0.000_2)


def test_what_is_missing_between_is_told_as_lost_and_the_next_report_goes_on_there() -> None:
    arrivals = Arrivals(7)
    for number in (65534, 65535, 1, 4):
        arrivals.note(number, 1.0)
    report = arrivals.report(99)
    assert report is not None
    assert read(report).keys() == {65534, 65535, 1, 4}
    arrivals.note(5, 1.1)
    report = arrivals.report(99)
    assert report is not None
    assert read(report).keys() == {5}
    assert report[19] == 1


def test_a_flood_of_numbers_does_not_grow_without_end() -> None:
    arrivals = Arrivals(7)
    for number in range(20_000):
        arrivals.note(number, 1.0)
    report = arrivals.report(99)
    assert report is not None
    assert len(report) < 1_200

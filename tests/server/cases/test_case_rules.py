"""The states of a case, its number, and the hash over an event."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import product

import pytest

from server.cases.rules import (
    MOVES,
    CaseState,
    case_number,
    china_day,
    event_hash,
    require_move,
)
from server.errors import ServiceError

# docs/…/domain.md, States, the ticket that a counter gives up, and the certificate that fell.
WAYS = {
    "draft": "waiting withdrawn",
    "waiting": "in_call draft returned withdrawn",
    "in_call": "certified waiting with_jurisdiction returned refused promised",
    "with_jurisdiction": "certified refused",
    "certified": "settled in_call returned",
    "returned": "waiting withdrawn",
    "promised": "settled",
}


@pytest.mark.parametrize(("current", "target"), list(product(CaseState, CaseState)))
def test_a_case_goes_only_the_ways_there_are(current: CaseState, target: CaseState) -> None:
    if target.value in WAYS.get(current.value, "").split():
        require_move(current, target)
    else:
        with pytest.raises(ServiceError) as refused:
            require_move(current, target)
        assert refused.value.code == "case.wrong_state"
    assert set(MOVES) == set(CaseState)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 11, 22, 15, 59, tzinfo=UTC), date(2026, 11, 22)),
        (datetime(2026, 11, 22, 16, 1, tzinfo=UTC), date(2026, 11, 23)),
    ],
)
def test_the_day_is_the_one_in_china(moment: datetime, day: date) -> None:
    assert china_day(moment) == day


def test_a_number_says_region_day_and_serial() -> None:
    assert case_number("320509", date(2026, 11, 22), 17) == "320509-20261122-000017"


EVENT = {
    "case_id": "c", "seq": 3, "at": datetime(2026, 11, 22, tzinfo=UTC), "actor": {"id": "a"},
    "kind": "field.changed", "data": {"name": "x"}, "prev_hash": "0" * 64,
}  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    [
        {"case_id": "d"}, {"seq": 4}, {"at": datetime(2026, 11, 22, 0, 0, 0, 1, tzinfo=UTC)},
        {"actor": {"id": "b"}}, {"kind": "field.change"}, {"data": {"name": "y"}},
        {"prev_hash": "1" + "0" * 63},
    ],
)  # fmt: skip
def test_the_hash_covers_every_part_of_an_event(changed: dict[str, object]) -> None:
    assert event_hash(**EVENT) != event_hash(**{**EVENT, **changed})  # type: ignore[arg-type]

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from server.cases.rules import CaseState
from server.db.unit import Units
from server.errors import ServiceError
from server.tickets.rules import TicketState
from tests.support.database import SetClock
from tests.support.halls import HUOQIU, Halls


@pytest.fixture
def strict_halls(units: Units) -> Halls:
    """The queue, of a jurisdiction whose hall wants no calls outside its hours."""
    halls = Halls(units)
    region = halls.catalogue.regions[HUOQIU]
    strict = tuple(replace(hall, refuse_outside_hours=True) for hall in region.halls)
    regions = {**halls.catalogue.regions, HUOQIU: replace(region, halls=strict)}
    object.__setattr__(halls.catalogue, "regions", regions)
    return halls


async def test_a_closed_hall_that_wants_no_calls_gives_no_tickets(
    strict_halls: Halls, clock: SetClock
) -> None:
    case_id = await strict_halls.case()
    clock.now = datetime(2026, 11, 23, 0, 59, tzinfo=UTC)
    with pytest.raises(ServiceError) as refused:
        await strict_halls.take(case_id)
    assert refused.value.code == "hall.closed"
    assert refused.value.details == {"next_opening": "2026-11-23T09:00:00+08:00"}
    assert (await strict_halls.case_row(case_id)).state is CaseState.DRAFT
    assert await strict_halls.log(case_id) == ["case.opened"]
    clock.now = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
    assert (await strict_halls.take(case_id)).state is TicketState.WAITING


async def test_other_halls_are_called_at_any_hour(halls: Halls, clock: SetClock) -> None:
    clock.now = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
    assert (await halls.take(await halls.case())).state is TicketState.WAITING

"""Days in numbers are China's, whatever time zone the server's machine has."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from server.access import Actor
from server.cases import messages as wire
from tests.support.database import SetClock
from tests.support.desk import AGENT, APPLICANT, CLERK, ITEM, Desk


@pytest.fixture(params=["America/New_York", "Pacific/Kiritimati", "UTC"], autouse=True)
def elsewhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process in another time zone."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


async def number(desk: Desk, actor: Actor, jurisdiction: str) -> str:
    """Open a case and return its number."""
    applicant = wire.ApplicantGiven(**APPLICANT)
    order = wire.CaseOrder(item_code=ITEM, jurisdiction=jurisdiction, applicant=applicant)
    async with desk.units.open() as unit:
        return (await desk.cases.open_case(unit, actor, order)).number


async def test_numbers_begin_anew_at_midnight_in_china_and_count_for_each_region(
    desk: Desk, clock: SetClock
) -> None:
    there = Actor(
        id="9" * 32, name="汪窗口", login_id="l9", roles=CLERK.roles,
        region=AGENT.region, hall="huoqiu", counter="huoqiu-1",
    )  # fmt: skip
    clock.now = datetime(2026, 11, 22, 15, 59, tzinfo=UTC)
    before = [
        await number(desk, CLERK, AGENT.region),
        await number(desk, there, CLERK.region),
        await number(desk, CLERK, AGENT.region),
    ]
    clock.advance(minutes=2)
    after = [await number(desk, CLERK, AGENT.region), await number(desk, there, CLERK.region)]
    assert before == ["320509-20261122-000001", "341522-20261122-000001", "320509-20261122-000002"]
    assert after == ["320509-20261123-000001", "341522-20261123-000001"]

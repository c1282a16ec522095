"""Whose cases, calls, agents and figures a supervisor's board shows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.access import Actor, Role
from server.errors import ServiceError
from server.supervision import messages as wire
from server.supervision.service import Supervision
from tests.support.halls import HUOQIU, WANG, Halls, clerk

COUNTY = clerk("sun", HUOQIU, Role.SUPERVISOR)
ANHUI, JIANGSU, BEIJING = (
    replace(COUNTY, id=f"id-{code}", region=code, hall="")
    for code in ("340000", "320000", "110000")
)


async def board_of(halls: Halls, who: Actor) -> wire.Board:
    async with halls.units.database.reading() as session:
        return await Supervision(halls.reader).board(session, who, halls.now)


@pytest.mark.parametrize("who", [COUNTY, ANHUI, JIANGSU])
async def test_the_supervisors_of_both_sides_and_of_their_provinces_see_a_call_and_who_waits(
    either_halls: Halls, who: Actor
) -> None:
    halls = either_halls
    await halls.in_call()
    await halls.waiting()
    seen = await board_of(halls, who)
    assert (len(seen.calls), len(seen.waiting)) == (1, 1)
    assert (seen.cards.live_calls, seen.cards.waiting) == (1, 1)
    assert seen.version > 0


async def test_a_province_has_the_agents_and_figures_of_its_places_and_no_others(
    halls: Halls,
) -> None:
    await halls.in_call()
    county, anhui, jiangsu = [await board_of(halls, who) for who in (COUNTY, ANHUI, JIANGSU)]
    assert [agent.name for agent in anhui.agents] == [WANG.name]
    assert anhui.model_copy(update={"region": HUOQIU, "region_name": county.region_name}) == county
    assert anhui.region_name == "安徽省"
    assert jiangsu.agents == []
    assert jiangsu.cards.average_wait_seconds is None
    assert anhui.cards.average_wait_seconds is not None


async def test_a_province_without_any_hall_of_ours_is_unknown(halls: Halls) -> None:
    await halls.in_call()
    with pytest.raises(ServiceError, match=r"region\.unknown"):
        await board_of(halls, BEIJING)

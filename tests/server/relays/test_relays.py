"""Workers and legs, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from server.errors import ServiceError
from server.relays.rules import LEG_LEASE, OPENING_LASTS, WORKER_LEASE, LegState
from server.relays.worker import CAPACITY, LEGS, WORKERS, RelayWorker
from server.rooms import MEDIA
from tests.support.database import News, SetClock
from tests.support.relay import Relay, id_of


def told(news: News, event: str) -> list[tuple[str, object]]:
    """Room and leg of each notice of an event."""
    return [(n.room, n.data["leg_id"]) for n in news.notices if n.event == event]


async def test_a_worker_is_believed_as_long_as_it_reports(
    either_relay: Relay, clock: SetClock
) -> None:
    assert await either_relay.report("w1")
    assert not await either_relay.report("w1")
    clock.now += WORKER_LEASE - timedelta(seconds=1)
    assert not await either_relay.report("w1")
    timers = RelayWorker(either_relay.units, either_relay.relays, set)
    clock.now += timedelta(seconds=2)
    await timers.tick()
    assert await either_relay.workers() == ["w1"]
    clock.now += WORKER_LEASE
    await timers.tick()
    assert await either_relay.workers() == []


async def test_a_leg_goes_to_the_least_loaded_worker_with_room(either_relay: Relay) -> None:
    assert await either_relay.open("tab") is None
    await either_relay.report("w1", capacity=1)
    await either_relay.report("w2", capacity=4)
    for number in range(5):
        assert await either_relay.open(f"tab-{number}") is not None
    assert await either_relay.open("tab-5") is None
    placed = [leg.worker_id for leg in await either_relay.legs()]
    assert (placed.count(id_of("w1")), placed.count(id_of("w2"))) == (1, 4)


async def test_a_tab_keeps_its_connected_leg_and_has_one_that_is_opening(
    either_relay: Relay, news: News, clock: SetClock
) -> None:
    await either_relay.report("w1")
    first = await either_relay.connected("tab", "w1")
    assert await either_relay.open("tab") == first
    assert await either_relay.open("tab", on="w1") == first
    await either_relay.report("w2")
    clock.advance(seconds=1)
    second = await either_relay.open("tab", on="w2")
    third = await either_relay.open("tab", on="w2")
    assert len({first, second, third}) == 3
    assert {leg.id for leg in await either_relay.legs()} == {first, third}
    assert told(news, "leg.closed") == [(f"worker:{id_of('w2')}", second)]
    assert all(n.namespace == MEDIA for n in news.notices if n.event == "leg.closed")
    await either_relay.change("w2", str(third), "connected")
    assert await either_relay.open("tab") == third


async def test_after_a_change_of_network_a_tab_has_another_leg_beside_the_one_it_had(
    either_relay: Relay, news: News, clock: SetClock
) -> None:
    await either_relay.report("w1")
    first = await either_relay.connected("tab", "w1")
    clock.advance(seconds=1)
    second = await either_relay.open("tab", on="w1", has=first, another=True)
    assert second not in {None, first}
    assert {leg.id for leg in await either_relay.legs()} == {first, second}
    assert told(news, "leg.closed") == []
    await either_relay.change("w1", str(second), "connected")
    assert await either_relay.open("tab") == second


async def test_a_leg_is_its_sockets_alone(either_relay: Relay) -> None:
    await either_relay.report("w1")
    leg_id = await either_relay.connected("tab", "w1", holder="li")
    for sid, which in (("other", leg_id), ("tab", id_of("nothing"))):
        with pytest.raises(ServiceError, match=r"leg\.unknown"):
            async with either_relay.units.open() as unit:
                await either_relay.relays.close_leg(unit, sid, which)
    async with either_relay.units.open() as unit:
        await either_relay.relays.close_leg(unit, "tab", leg_id)
    assert await either_relay.legs() == []


async def test_a_worker_speaks_of_its_own_legs_only(either_relay: Relay) -> None:
    await either_relay.report("w1")
    leg_id = await either_relay.open("tab")
    await either_relay.report("w2")
    for state in ("connected", "closed"):
        await either_relay.change("w2", str(leg_id), state)
        await either_relay.change("nobody", str(leg_id), state)
    assert [leg.state for leg in await either_relay.legs()] == [LegState.OPENING]


async def test_a_worker_whose_socket_goes_takes_its_legs_along(
    either_relay: Relay, news: News
) -> None:
    await either_relay.report("w1")
    leg_id = await either_relay.connected("tab", "w1")
    assert await either_relay.part("w1")
    assert not await either_relay.part("w1")
    assert await either_relay.workers() == []
    assert await either_relay.legs() == []
    assert told(news, "leg.lost") == [("tab", leg_id)]


async def test_a_worker_that_is_on_another_socket_already_is_not_lost(
    either_relay: Relay,
) -> None:
    await either_relay.report("w1")
    leg_id = await either_relay.connected("tab", "w1")
    assert await either_relay.report("w1", leg_id, sid="again")
    assert not await either_relay.part("w1")
    assert [leg.id for leg in await either_relay.legs()] == [leg_id]


async def test_what_a_worker_has_and_what_we_know_of_become_the_same(
    either_relay: Relay, news: News
) -> None:
    await either_relay.report("w1")
    kept = await either_relay.connected("tab", "w1")
    gone = await either_relay.connected("other", "w1")
    opening = await either_relay.open("third")
    stray = id_of("stray")
    await either_relay.report("w1", kept, stray)
    assert {leg.id for leg in await either_relay.legs()} == {kept, opening}
    assert told(news, "leg.lost") == [("other", gone)]
    assert told(news, "leg.closed") == [(f"worker:{id_of('w1')}", stray)]


async def test_legs_stay_while_their_sockets_are_there(
    either_relay: Relay, clock: SetClock, news: News
) -> None:
    await either_relay.report("w1")
    here = await either_relay.connected("here", "w1")
    gone = await either_relay.connected("gone", "w1")
    never = await either_relay.open("never")
    timers = RelayWorker(either_relay.units, either_relay.relays, lambda: {"here", "never"})
    clock.now += OPENING_LASTS
    await either_relay.report("w1", here, gone)
    await timers.tick()
    assert {leg.id for leg in await either_relay.legs()} == {here, gone}
    clock.now += LEG_LEASE - OPENING_LASTS
    await either_relay.report("w1", here, gone)
    await timers.tick()
    assert [leg.id for leg in await either_relay.legs()] == [here]
    assert [leg_id for _, leg_id in told(news, "leg.closed")] == [never, gone]


async def test_a_leg_outlives_its_socket_and_comes_back_to_its_login_alone(
    either_relay: Relay, clock: SetClock, news: News
) -> None:
    await either_relay.report("w1")
    leg_id = await either_relay.connected("li/1", "w1")
    opening = await either_relay.open("qian/1")
    async with either_relay.units.open() as unit:
        await either_relay.relays.forget_socket(unit, "li/1")
    assert await either_relay.open("wang/1", has=leg_id) != leg_id
    assert await either_relay.open("li/2", has=leg_id, holder="somebody") != leg_id
    assert await either_relay.open("qian/2", has=opening) != opening
    assert told(news, "leg.resumed") == []
    assert await either_relay.open("li/3", has=leg_id) == leg_id
    assert await either_relay.open("li/3", has=leg_id) == leg_id
    assert told(news, "leg.resumed") == [(f"worker:{id_of('w1')}", leg_id)]
    [leg] = [leg for leg in await either_relay.legs() if leg.id == leg_id]
    assert (leg.sid, leg.lease_until) == ("li/3", clock.now + LEG_LEASE)


async def test_a_leg_whose_tab_does_not_come_back_is_closed(
    either_relay: Relay, clock: SetClock, news: News
) -> None:
    await either_relay.report("w1")
    leg_id = await either_relay.connected("tab", "w1")
    async with either_relay.units.open() as unit:
        await either_relay.relays.forget_socket(unit, "tab")
    timers = RelayWorker(either_relay.units, either_relay.relays, set)
    for seconds, left in ((29, 1), (1, 0)):
        clock.advance(seconds=seconds)
        await either_relay.report("w1", leg_id)
        await timers.tick()
        assert len(await either_relay.legs()) == left
    assert told(news, "leg.closed") == [(f"worker:{id_of('w1')}", leg_id)]


async def test_after_a_pause_of_ours_workers_and_legs_have_their_time_anew(
    either_relay: Relay, clock: SetClock
) -> None:
    await either_relay.report("w1")
    await either_relay.connected("tab", "w1")
    clock.advance(hours=1)
    async with either_relay.units.open() as unit:
        await either_relay.relays.come_back(unit)
    await RelayWorker(either_relay.units, either_relay.relays, set).tick()
    assert await either_relay.workers() == ["w1"]
    assert len(await either_relay.legs()) == 1


async def test_tabs_that_open_at_once_while_a_worker_goes_leave_no_leg_behind(
    either_relay: Relay,
) -> None:
    for turn in range(5):
        await either_relay.report(f"w{turn}", capacity=100)
        opened = asyncio.gather(*(either_relay.open(f"tab-{i}") for i in range(10)))
        await asyncio.gather(opened, either_relay.part(f"w{turn}"))
        assert await either_relay.legs() == []


async def test_workers_and_legs_are_counted(relay: Relay) -> None:
    await relay.report("w1", capacity=7)
    await relay.report("w2", capacity=5)
    await relay.open("tab")
    await RelayWorker(relay.units, relay.relays, set).tick()
    counted = [one.collect()[0].samples[0].value for one in (WORKERS, CAPACITY, LEGS)]
    assert counted == [2, 12, 1]

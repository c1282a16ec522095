"""A leg that hears itself for a while, and what is counted of its way to the worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from server.media import messages as wire
from server.media.legs import Leg
from server.media.probing import Echo, Probes
from server.media.rooms import Place, Room
from tests.server.media.conftest import States
from tests.support.browsers import far_end


class Told:
    """What the probes of a worker found."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[wire.LegMeasured] = asyncio.Queue()

    async def next(self) -> wire.LegMeasured:
        return await asyncio.wait_for(self.queue.get(), 60)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def probes(told: Told) -> Probes:
    return Probes(told.queue.put_nowait)


async def test_what_a_leg_sends_comes_back_to_it_and_is_counted(
    new_leg: Callable[[str], Leg], states: States, probes: Probes, told: Told
) -> None:
    leg = new_leg("a" * 32)
    async with far_end(leg) as end:
        await states.become("connected", leg.id)
        probes.begin(leg, 2)
        await end.see_in("2", 20)
        await end.see_in("3", 10)
        found = await told.next()
        assert found.leg_id == leg.id
        assert found.packets > 30
        assert found.lost == 0
        assert leg.tap is None
        assert all(leg.feeds(slot) is None for slot in leg.slots.values())


async def test_a_probe_takes_away_what_it_linked_and_nothing_else(
    new_leg: Callable[[str], Leg], states: States, probes: Probes
) -> None:
    leg = new_leg("a" * 32)
    async with far_end(leg):
        await states.become("connected", leg.id)
        slot = next(iter(leg.slots.values()))
        source = next(
            one for one in leg.sources.values() if one.section.media == slot.section.media
        )
        leg.link(source, slot, Echo(leg))
        probes.begin(leg, 10)
        probes.end(leg)
        left = [one for one in leg.slots.values() if leg.feeds(one) is not None]
        assert len(left) == 1
        assert left[0] is slot


async def test_a_probe_that_is_over_leaves_the_leg_to_the_call(
    new_leg: Callable[[str], Leg], states: States, probes: Probes, told: Told
) -> None:
    a, b = new_leg("a" * 32), new_leg("b" * 32)
    async with far_end(a), far_end(b):
        await states.become("connected", a.id, b.id)
        probes.begin(a, 10)
        assert all(a.feeds(slot) is not None for slot in a.slots.values())
        probes.end(a)
        assert all(a.feeds(slot) is None for slot in a.slots.values())
        room = Room("call", lambda *_: None, lambda *_: None)
        room.seat({"a": Place("a", a, frozenset("b")), "b": Place("b", b, frozenset("a"))})
        fed = {leg.id: [leg.feeds(slot) for slot in leg.slots.values()] for leg in (a, b)}
        assert {id(source) for source in fed[a.id]} == {id(one) for one in b.sources.values()}
        assert {id(source) for source in fed[b.id]} == {id(one) for one in a.sources.values()}
        probes.end(a)
        assert [leg.feeds(slot) for leg in (a, b) for slot in leg.slots.values()] == [
            *fed[a.id], *fed[b.id],
        ]  # fmt: skip
        assert told.queue.empty()

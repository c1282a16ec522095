"""Real connections through the relay, between ends that encode and decode."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace

from server.media.legs import Leg
from server.media.rooms import Place, Room, Stream, Wanted, recordable
from tests.server.media.conftest import States
from tests.support.browsers import far_end


class Told:
    """What rooms told the legs."""

    def __init__(self) -> None:
        self.streams: dict[str, list[Stream]] = {}
        self.wanted: dict[str, Wanted] = {}

    def mapped(self, leg: Leg, streams: list[Stream]) -> None:
        self.streams[leg.id] = streams

    def want(self, leg: Leg, wanted: Wanted) -> None:
        self.wanted[leg.id] = wanted

    def seats(self, name: str) -> set[tuple[str, str]]:
        return {(one.seat_id, one.kind) for one in self.streams.get(name, [])}


def everybody(legs: Iterable[Leg]) -> dict[str, Place]:
    """A seat for each leg, called like it, which gets the streams of all others."""
    names = {leg.id: leg for leg in legs}
    return {name: Place(name, leg, frozenset(names) - {name}) for name, leg in names.items()}


async def test_two_ends_see_and_hear_each_other(
    new_leg: Callable[[str], Leg], states: States
) -> None:
    told = Told()
    a, b = new_leg("a"), new_leg("b")
    async with far_end(a) as one, far_end(b) as other:
        await states.become("connected", "a", "b")
        room = Room("call", told.mapped, told.want)
        room.seat(everybody([a, b]))
        for end in (one, other):
            await end.see_in("2", 20)
            await end.see_in("3", 10)
        assert told.seats("a") == {("b", "camera")}
        assert told.wanted == {}
        room.close()
        assert told.streams == {"a": [], "b": []}


async def test_a_third_joins_and_leaves_without_disturbing_the_others(
    new_leg: Callable[[str], Leg], states: States
) -> None:
    told = Told()
    a, b, c = (new_leg(name) for name in "abc")
    async with far_end(a) as one, far_end(b) as other, far_end(c, slots=2) as third:
        await states.become("connected", "a", "b", "c")
        room = Room("call", told.mapped, told.want)
        room.seat(everybody([a, b]))
        await one.see_in("3", 5)
        links = [id(a.feeds(slot)) for slot in a.slots.values()]
        room.seat(everybody([a, b, c]))
        assert [id(a.feeds(slot)) for slot in a.slots.values()] == links
        assert told.wanted == {"a": Wanted(2, 2), "b": Wanted(2, 2)}
        for mid in ("3", "5"):
            await third.see_in(mid, 5)
        assert told.seats("c") == {("a", "camera"), ("b", "camera")}
        for end in (one, other):
            end.add_slots()
            await end.offer()
        room.arrange()
        assert told.seats("a") == {("b", "camera"), ("c", "camera")}
        await asyncio.gather(one.see_in("5", 5), other.see_in("5", 5))
        room.seat(everybody([a, b]))
        assert told.seats("a") == {("b", "camera")}
        assert told.streams["c"] == []
        before = one.frames["3"]
        await one.see_in("3", before + 5)


async def test_who_only_watches_gets_and_sends_nothing_to_others(
    new_leg: Callable[[str], Leg], states: States
) -> None:
    told = Told()
    a, b = new_leg("a"), new_leg("b")
    async with far_end(a) as one, far_end(b) as observer:
        await states.become("connected", "a", "b")
        room = Room("call", told.mapped, told.want)
        room.seat({
            "a": Place("a", a, frozenset()), "b": Place("b", b, frozenset({"a"})),
        })  # fmt: skip
        await observer.see_in("3", 5)
        assert one.frames["3"] == 0
        assert told.seats("a") == set()


async def test_another_source_comes_into_the_same_slot_without_negotiation(
    new_leg: Callable[[str], Leg], states: States
) -> None:
    told = Told()
    a, b, c = (new_leg(name) for name in "abc")
    async with far_end(a) as one, far_end(b), far_end(c):
        await states.become("connected", "a", "b", "c")
        room = Room("call", told.mapped, told.want)
        room.seat({"a": Place("a", a, frozenset("b")), "b": Place("b", b, frozenset())})
        await one.see_in("3", 5)
        room.seat({"a": Place("a", a, frozenset("c")), "c": Place("c", c, frozenset())})
        assert told.seats("a") == {("c", "camera")}
        before = one.frames["3"]
        await one.see_in("3", before + 10)
        assert told.wanted == {}


async def test_a_leg_that_ends_takes_its_streams_along(
    new_leg: Callable[[str], Leg], states: States
) -> None:
    told = Told()
    a, b = new_leg("a"), new_leg("b")
    async with far_end(a) as one, far_end(b):
        await states.become("connected", "a", "b")
        room = Room("call", told.mapped, told.want)
        room.seat(everybody([a, b]))
        await one.see_in("3", 5)
        await b.close()
        room.seat({"a": room.places["a"]})
        assert told.streams["a"] == []
        assert all(a.feeds(slot) is None for slot in a.slots.values())


async def test_who_sends_what_another_cannot_take_is_asked_to_offer_again(
    new_leg: Callable[[str], Leg], states: States
) -> None:
    told = Told()
    a, b = new_leg("a"), new_leg("b")
    async with far_end(a, only="video/H264"), far_end(b) as other:
        await states.become("connected", "a", "b")
        room = Room("call", told.mapped, told.want)
        room.seat(everybody([a, b]))
        assert told.wanted == {"b": Wanted(1, 1, again=True)}
        told.wanted.clear()
        room.arrange()
        assert told.wanted == {}
        room.repeat(b)
        assert told.wanted == {"b": Wanted(1, 1, again=True)}
        told.wanted.clear()
        await other.offer()
        [first, *_] = b.sources["1"].section.codecs.values()
        assert first.name == "H264"
        room.arrange()
        room.repeat(b)
        assert told.wanted == {}
        room.seat(everybody([b]))
        assert told.wanted == {}
        await other.offer()
        [first, *_] = b.sources["1"].section.codecs.values()
        assert first.name == "VP8"


async def test_who_is_recorded_sends_what_the_file_takes_whoever_watches(
    new_leg: Callable[[str], Leg], states: States
) -> None:
    told = Told()
    a, b = new_leg("a"), new_leg("b")
    async with far_end(a, only="video/H264"), far_end(b) as other:
        await states.become("connected", "a", "b")
        room = Room("call", told.mapped, told.want)
        seats = everybody([a, b])
        recorded = {**seats, "b": replace(seats["b"], recorded=True)}
        room.seat(recorded)
        await other.offer()
        [first, *_] = b.sources["1"].section.codecs.values()
        assert first.name == "VP8"
        assert told.wanted == {}
        [link] = b.sources["1"].links
        assert not link.takes
        room.seat(seats)
        await other.offer()
        told.wanted.clear()
        room.seat(recorded)
        assert told.wanted == {"b": Wanted(1, 1, again=True)}
        await other.offer()
        [first, *_] = b.sources["1"].section.codecs.values()
        assert first.name == "VP8"
        room.arrange()
        assert recordable(b) == {"VP8"}

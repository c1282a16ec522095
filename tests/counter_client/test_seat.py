from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from counter_client.client import Client
from counter_client.leg import Leg
from counter_client.seat import Seat
from tests.support.protocol_server import ProtocolServer, answer, protocol_server, refusal

SEATS = {"one": "s1", "two": "s2"}


class Calls:
    """One call with two seats on the protocol's shape: it relays, and tells who came."""

    def __init__(self, service: ProtocolServer) -> None:
        self.service = service
        self.holders: dict[str, str] = {}
        self.since: dict[str, int] = {}
        self.reports: list[dict[str, Any]] = []
        self.reported = asyncio.Event()
        self.relaying = True
        service.acknowledge = self.acknowledge
        service.answers["POST", "/api/login"] = {}
        service.answers["GET", "/api/calls/a1"] = self.shown_to

    def shown_to(self, name: str) -> dict[str, Any]:
        mine = SEATS[name]
        seats = [
            {"id": seat, "order": order, "connected": seat in self.holders,
             "since": self.since.get(seat)}
            for order, seat in enumerate(SEATS.values())
        ]  # fmt: skip
        ends = [{"seat_id": seat, "polite": mine == "s2"} for seat in ("s1", "s2") if seat != mine]
        return {"id": "a1", "my_seat": mine, "seats": seats, "ends": ends}

    async def take(self, sid: str) -> dict[str, Any]:
        name = self.service.name_behind(sid)
        self.holders[SEATS[name]] = sid
        self.since[SEATS[name]] = self.since.get(SEATS[name], 0) + 1
        await self.service.tell("call.changed", {"call_id": "a1", "state": "connecting"})
        return answer(self.shown_to(name))

    async def acknowledge(self, event: str, data: dict[str, Any], sid: str) -> dict[str, Any]:
        if event == "seat.taken":
            return await self.take(sid)
        if event == "seat.reported":
            self.reports.append(data)
            if len(self.reports) == len(SEATS):
                self.reported.set()
        if event == "signal.sent":
            if not self.relaying:
                return refusal("seat.unknown")
            to = data.pop("to")
            signal = data | {"from": SEATS[self.service.name_behind(sid)]}
            await self.service.tell("signal.received", signal, self.holders[to])
        return answer({})


@pytest.fixture
async def calls() -> AsyncIterator[Calls]:
    async with protocol_server() as service:
        yield Calls(service)


@asynccontextmanager
async def sitting(calls: Calls, name: str) -> AsyncIterator[Seat]:
    """A clerk who listens, with a seat that is not taken yet."""
    async with Client(calls.service.url) as client:
        await client.sign_in(name, "secret")
        await client.listen()
        seat = Seat(client, "a1")
        try:
            yield seat
        finally:
            await seat.leave()


@pytest.mark.parametrize("order", [("one", "two"), ("two", "one")])
async def test_two_seats_find_each_other_whoever_comes_first(
    calls: Calls, order: tuple[str, str]
) -> None:
    async with sitting(calls, order[0]) as one, sitting(calls, order[1]) as two:
        await one.take()
        await two.take()
        await asyncio.gather(one.see(5), two.see(5))
        assert (one.id, two.id) == (SEATS[order[0]], SEATS[order[1]])
        assert one.pictures >= 5
        async with asyncio.timeout(60):
            await calls.reported.wait()
        assert calls.reports == [{"call_id": "a1", "state": "connected"}] * 2


@pytest.mark.parametrize("reloaded", ["one", "two"])
async def test_a_seat_that_was_taken_again_is_met_anew(calls: Calls, reloaded: str) -> None:
    stays = "two" if reloaded == "one" else "one"
    async with sitting(calls, stays) as one:
        async with sitting(calls, reloaded) as two:
            await one.take()
            await two.take()
            await asyncio.gather(one.see(), two.see())
        seen = one.pictures
        async with sitting(calls, reloaded) as three:
            await three.take()
            await asyncio.gather(three.see(5), one.see(seen + 5))


async def test_bad_signals_and_refusals_do_not_end_a_seat(
    calls: Calls, caplog: pytest.LogCaptureFixture
) -> None:
    async with sitting(calls, "one") as one, sitting(calls, "two") as two:
        await one.take()
        bad = {"call_id": "a1", "from": "s2", "description": {"type": "offer", "sdp": "x"}}
        await calls.service.tell("signal.received", bad)
        calls.relaying = False
        await two.take()
        refused = ("description.invalid", "seat.unknown")
        async with asyncio.timeout(60):
            while not all(code in caplog.text for code in refused):  # noqa: ASYNC110 (a log)
                await asyncio.sleep(0.01)
        assert one.pictures == 0
        calls.relaying = True
        await one.peers["s2"].renew()
        await asyncio.gather(one.see(), two.see())


async def test_leaving_ends_everything_even_when_the_socket_is_gone(calls: Calls) -> None:
    before = asyncio.all_tasks()
    async with sitting(calls, "one") as seat:
        await seat.take()
        await calls.service.drop_sockets()
    left = [repr(task.get_coro()) for task in asyncio.all_tasks() - before]
    assert not [name for name in left if "Seat" in name or "Peer" in name]


class Reading(Client):
    """A client of no service that counts how often a call was read."""

    reads = 0

    async def call(self, _call_id: str) -> dict[str, Any]:
        self.reads += 1
        return {"topology": "direct", "seats": [], "ends": []}


async def test_a_seat_that_lost_its_leg_reads_the_call_when_its_turn_has_come() -> None:
    async with Reading("http://192.0.2.1") as client:
        seat, lost = Seat(client, "a1"), Leg(client)
        lost.broken.set()
        async with seat._turn:
            mending = asyncio.ensure_future(seat._mend(lost))
            for _ in range(10):
                await asyncio.sleep(0)
            assert client.reads == 0
        await mending
        assert client.reads == 1
        await lost.end()

"""Our end of a leg, with a real leg of the relay behind the protocol's shape."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from counter_client import leg as module
from counter_client.answers import Refusal
from counter_client.client import Client
from counter_client.leg import Leg
from server.media.legs import Leg as RelayLeg
from server.media.network import Network, own_address
from server.media.ports import Port
from tests.support.protocol_server import ProtocolServer, answer, protocol_server

LEG = "1" * 32


class Relay:
    """One worker with one leg, that may keep silent or refuse."""

    def __init__(self, service: ProtocolServer) -> None:
        self.service = service
        self.offers: list[dict[str, Any]] = []
        self.closed: list[str] = []
        self.silent, self.refusal, self.there = 0, "", True
        self.port = Port(Network(own_address(), range(43_500, 43_600)), Counter())
        self.leg = RelayLeg(LEG, self.port, lambda *_: None, time.monotonic)
        service.acknowledge = self.acknowledge
        service.answers["POST", "/api/login"] = {}

    async def acknowledge(self, event: str, data: dict[str, Any], _sid: str) -> dict[str, Any]:
        match event:
            case "leg.opened":
                return answer({"leg_id": LEG, "ice_servers": []} if self.there else None)
            case "leg.offered":
                await self.hear(data)
            case "leg.closed":
                self.closed.append(data["leg_id"])
        return answer(None)

    async def hear(self, data: dict[str, Any]) -> None:
        self.offers.append(data)
        said = {"leg_id": LEG, "n": data["n"]}
        if len(self.offers) <= self.silent:
            return
        if self.refusal:
            await self.service.tell("leg.refused", {**said, "code": self.refusal})
            return
        # An answer to an older offer is passed over.
        await self.service.tell("leg.answered", {**said, "n": data["n"] - 1, "sdp": "old"})
        sdp = await self.leg.answer(data["sdp"])
        await self.service.tell("leg.answered", {**said, "sdp": sdp})

    async def offered(self, count: int) -> None:
        async with asyncio.timeout(60):
            while len(self.offers) < count:  # noqa: ASYNC110 (an event of the client's ends it)
                await asyncio.sleep(0.01)


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with protocol_server() as service:
        made = Relay(service)
        yield made
        await made.leg.close()
        made.port.close()


@pytest.fixture
async def leg(relay: Relay) -> AsyncIterator[Leg]:
    async with Client(relay.service.url) as client:
        await client.sign_in("one", "secret")
        await client.listen()
        made = Leg(client)
        yield made
        await made.close()


async def test_a_leg_sends_its_camera_and_has_a_slot_for_each_kind(relay: Relay, leg: Leg) -> None:
    assert await leg.open({"call_id": "2" * 32})
    await asyncio.wait_for(leg.connected.wait(), 60)
    assert relay.service.events[0] == ("leg.opened", {"near": {"call_id": "2" * 32}})
    sdp = relay.offers[0]["sdp"]
    assert (sdp.count("a=sendonly"), sdp.count("a=recvonly")) == (2, 2)
    assert "a=msid:leg:camera" in sdp
    await leg.close()
    assert relay.closed == [LEG]


async def test_without_a_worker_there_is_no_leg(relay: Relay, leg: Leg) -> None:
    relay.there = False
    assert not await leg.open()
    assert relay.offers == []


async def test_an_offer_that_stays_unanswered_is_said_again_with_its_number(
    relay: Relay, leg: Leg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWERED_WITHIN", 0.2)
    relay.silent = 1
    assert await leg.open()
    assert relay.offers[0] == relay.offers[1]


async def test_a_refused_offer_raises_its_code(relay: Relay, leg: Leg) -> None:
    relay.refusal = "worker.full"
    with pytest.raises(Refusal, match=r"worker\.full"):
        await leg.open()


async def test_further_slots_are_offered_when_they_are_wanted(relay: Relay, leg: Leg) -> None:
    await leg.open()
    await relay.service.tell("negotiation.wanted", {"leg_id": LEG, "audio": 2, "video": 3})
    await relay.offered(2)
    assert (relay.offers[1]["n"], relay.offers[1]["sdp"].count("a=recvonly")) == (2, 5)


async def test_a_lost_leg_is_broken(relay: Relay, leg: Leg) -> None:
    await leg.open()
    await relay.service.tell("leg.lost", {"leg_id": "3" * 32, "reason": "worker_lost"})
    await relay.service.tell("leg.lost", {"leg_id": LEG, "reason": "worker_lost"})
    await asyncio.wait_for(leg.broken.wait(), 60)
    await leg.close()
    assert relay.closed == []

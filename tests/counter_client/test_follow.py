from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from counter_client.client import Client
from counter_client.follow import Follower
from tests.support.protocol_server import ProtocolServer, protocol_server

PAGE = 3


class Log:
    """A case's log on the protocol's shape, given out in small pages."""

    def __init__(self, service: ProtocolServer) -> None:
        self.service = service
        self.events: list[dict[str, object]] = []
        service.answers["POST", "/api/login"] = {}
        service.answers["GET", "/api/cases/k1/events"] = self.page

    def page(self, _name: str) -> dict[str, object]:
        after = int(self.service.seen[-1].query["after"])
        return {"events": self.events[after : after + PAGE], "seq": len(self.events)}

    def append(self, kind: str, **data: object) -> dict[str, object]:
        seq = len(self.events) + 1
        self.events.append({"seq": seq, "kind": kind, "data": data})
        return {"case_id": "k1", "seq": seq, "kind": kind}


@pytest.fixture
async def log() -> AsyncIterator[Log]:
    async with protocol_server() as service:
        yield Log(service)


@pytest.fixture
async def follower(log: Log) -> AsyncIterator[Follower]:
    async with Client(log.service.url) as client:
        await client.sign_in("clerk", "secret")
        await client.listen()
        follower = Follower(client, "k1")
        await follower.watch()
        yield follower


async def test_what_has_happened_is_found_over_many_pages(log: Log, follower: Follower) -> None:
    for number in range(10):
        log.append("field.changed", name=f"f{number}")
    event = await follower.until("field.changed", lambda data: data["name"] == "f9")
    assert event["seq"] == 10
    assert [event["seq"] for event in follower.log] == list(range(1, 11))


async def test_what_happens_later_is_heard_of(log: Log, follower: Follower) -> None:
    log.append("case.opened")
    waiting = asyncio.create_task(follower.until("certificate.issued"))
    await asyncio.sleep(0)
    await log.service.tell("case.changed", log.append("field.changed", name="x"))
    await log.service.tell("case.changed", log.append("certificate.issued"))
    assert (await waiting)["seq"] == 3


async def test_a_lost_notice_only_costs_time(log: Log, follower: Follower) -> None:
    log.append("case.opened")
    await follower.catch_up()
    log.append("certificate.issued")
    assert (await follower.until("certificate.issued", within=60))["seq"] == 2


async def test_doubled_and_late_notices_change_nothing(log: Log, follower: Follower) -> None:
    notices = [log.append("field.changed", name=f"f{number}") for number in range(3)]
    for notice in (*notices, *reversed(notices)):
        await log.service.tell("case.changed", notice)
    await log.service.tell("case.changed", {"case_id": "k2", "seq": 9, "kind": "case.opened"})
    await follower.until("field.changed", lambda data: data["name"] == "f2")
    with pytest.raises(TimeoutError):
        await follower.until("certificate.issued", within=0.1)
    assert [event["seq"] for event in follower.log] == [1, 2, 3]


async def test_notices_of_another_case_are_left_for_who_follows_it(
    log: Log, follower: Follower
) -> None:
    log.append("case.opened")
    other = {"case_id": "k2", "seq": 9, "kind": "case.opened"}
    await log.service.tell("case.changed", other)
    with pytest.raises(TimeoutError):
        await follower.until("certificate.issued", within=0.1)
    assert await follower._client.heard("case.changed", {"case_id": "k2"}) == other

"""Two processes of one service, as far as their sockets go: rooms reach from one to the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from server.access import Role
from server.db.unit import Notice, Units
from server.web.across import why_redis_is_silent
from server.web.http import Message
from server.web.socket import Heard, Hub, SocketEvent
from tests.support.redis_server import redis_running
from tests.support.site import Logins, Site, serving
from tests.support.wire import Wire, wired


class Room(Message):
    room: str


async def enter(heard: Heard[Room]) -> None:
    await heard.hub.enter(heard.connection, heard.said.room)


async def leave(heard: Heard[Room]) -> None:
    await heard.hub.leave(heard.connection, heard.said.room)


EVENTS = [
    SocketEvent("case.watched", Room, enter), SocketEvent("case.unwatched", Room, leave),
]  # fmt: skip


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[str]:
    async with redis_running(tmp_path) as url:
        yield url


@asynccontextmanager
async def two_sites(
    units: Units, logins: Logins, redis: str
) -> AsyncIterator[tuple[Wire, Wire, Site, Site]]:
    """Serve twice, with a counter's socket at the one and an agent's at the other."""
    logins.add("counter", Role.COUNTER)
    logins.add("agent", Role.AGENT)
    async with AsyncExitStack() as stack:
        one, other = [
            await stack.enter_async_context(
                serving(units, find=logins.find, hub=Hub(EVENTS, redis_url=redis))
            )
            for _ in range(2)
        ]
        counter = await stack.enter_async_context(wired(one, "counter"))
        agent = await stack.enter_async_context(wired(other, "agent"))
        await until_both_listen(redis)
        yield counter, agent, one, other


async def until_both_listen(url: str) -> None:
    """Wait until both processes hear each other: each subscribes with its first socket."""
    async with Redis.from_url(url) as client, asyncio.timeout(60):
        while await client.pubsub_numsub("socketio") != [(b"socketio", 2)]:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def tell(site: Site, about: str) -> None:
    """Tell the case's room of something, and then each clerk that this was all."""
    for room, event in (("case:1", about), ("clerk:id-counter", "end"), ("clerk:id-agent", "end")):
        await site.hub.publish(Notice(room, event, {}))


async def heard(wire: Wire, ends: int) -> list[str]:
    """Return what a clerk heard until so many processes had told all."""
    found: list[str] = []
    while found.count("end") < ends:
        notice = await wire.notice()
        assert notice is not None
        found.append(notice[0])
    return sorted(name for name in found if name != "end")


async def test_what_one_process_tells_a_room_is_heard_at_all_of_them_and_once(
    units: Units, logins: Logins, redis: str
) -> None:
    async with two_sites(units, logins, redis) as (counter, agent, one, other):
        for wire in (counter, agent):
            await wire.say("case.watched", {"room": "case:1"})
        await tell(one, "call.started")
        await tell(other, "call.changed")
        for wire in (counter, agent):
            assert await heard(wire, ends=2) == ["call.changed", "call.started"]

        await agent.say("case.unwatched", {"room": "case:1"})
        await tell(one, "case.changed")
        assert await heard(counter, ends=1) == ["case.changed"]
        assert await heard(agent, ends=1) == []

        await agent.say("case.watched", {"room": "case:1"})
        await one.hub.evict("case:1")
        await tell(one, "case.changed")
        for wire in (counter, agent):
            assert await heard(wire, ends=1) == []


async def test_without_redis_a_process_tells_its_own_and_says_what_is_lost(
    units: Units, logins: Logins, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        async with redis_running(tmp_path) as redis:
            assert await why_redis_is_silent(redis) is None
            counter, _, one, _ = await stack.enter_async_context(two_sites(units, logins, redis))
        assert await why_redis_is_silent(redis) is not None
        with capture_logs() as logs:
            await one.hub.publish(Notice("clerk:id-counter", "call.started", {}))
        assert await counter.notice() == ("call.started", {})
        assert any("redis" in log["event"] for log in logs)

"""A call over real media workers, between aiortc ends: they are killed, and it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from multiprocessing.context import SpawnProcess
from pathlib import Path

import pytest

from counter_client.answers import Data
from counter_client.cast import Accounts, Cast
from counter_client.rehearsal import Play
from counter_client.seat import Seat
from server import demo
from server.media.process import Orders
from server.workers import children
from tests.support.service import ACCOUNTS, MEDIA_SECRET, Service, demonstration

pytestmark = pytest.mark.journey


@asynccontextmanager
async def workers(service: Service, *names: str) -> AsyncIterator[list[SpawnProcess]]:
    """Have media workers of these names, all of which the service knows."""
    each = [Orders(service.url, MEDIA_SECRET, name, quiet=True) for name in names]
    async with children(each) as started:
        async with asyncio.timeout(30):
            while await count(service) < len(names):  # noqa: ASYNC110 (they are other processes)
                await asyncio.sleep(0.05)
        yield started


async def count(service: Service) -> int:
    async with service.house.database.reading() as session:
        return await service.house.relays.count(session, service.house.units.clock())


class Call(Play):
    """The main job up to the call."""

    @property
    def seats(self) -> list[Seat]:
        return list(self._seats.values())

    @property
    def id(self) -> str:
        return self._call_id

    async def begin(self) -> None:
        await self.open_case(None)
        await self.bring_materials()
        await self.meet()

    async def agent_sees(self) -> Data:
        return await self._agent.call(self._call_id)

    async def log(self) -> list[str]:
        return [event["kind"] for event in (await self._counter.events(self._id, 0))["events"]]


@asynccontextmanager
async def in_call(service: Service, accounts: Accounts = ACCOUNTS) -> AsyncIterator[Call]:
    async with AsyncExitStack() as stack:
        cast = await stack.enter_async_context(Cast(service.url, accounts, None))
        call = Call(cast, stack)
        await call.begin()
        yield call


async def see_more(call: Call, topology: str) -> None:
    """Wait until both ends are there in this topology, and see further pictures."""
    async with asyncio.timeout(30):
        for seat in call.seats:
            while seat.topology != topology:  # noqa: ASYNC110 (a notice of the service's moves it)
                await asyncio.sleep(0.02)
    for seat in call.seats:
        await seat.see(3, 20)


async def test_a_call_is_relayed_and_each_picture_bears_its_seats_name(tmp_path: Path) -> None:
    async with (
        demonstration(tmp_path) as service, workers(service, "w1"), in_call(service) as call
    ):  # fmt: skip
        await see_more(call, "relay")
        agent, counter = call.seats
        for one, other in ((agent, counter), (counter, agent)):
            assert one.leg is not None
            assert one.peers == {}
            named = {name for name in one.leg.frames if not name.startswith("/")}
            assert named == {f"{other.id}:camera/video", f"{other.id}:camera/audio"}
        assert "call.relayed" in await call.log()
        state = await call.agent_sees()
        assert (state["topology"], state["ends"]) == ("relay", [])


async def test_a_killed_worker_leaves_the_call_to_the_next(tmp_path: Path) -> None:
    async with demonstration(tmp_path) as service, AsyncExitStack() as stack:
        [first] = await stack.enter_async_context(workers(service, "w1"))
        async with in_call(service) as call:
            await see_more(call, "relay")
            before = [seat.leg for seat in call.seats]
            async with workers(service, "w2", "w3"):
                first.kill()
                async with asyncio.timeout(30):
                    while any(s.leg in {None, *before} for s in call.seats):  # noqa: ASYNC110
                        await asyncio.sleep(0.02)
                await see_more(call, "relay")
                assert "call.moved" in await call.log()


async def test_without_another_worker_the_call_becomes_direct(tmp_path: Path) -> None:
    async with (
        demonstration(tmp_path) as service, workers(service, "w1") as [only],
        in_call(service) as call,
    ):  # fmt: skip
        await see_more(call, "relay")
        only.kill()
        await see_more(call, "direct")
        assert [seat.leg for seat in call.seats] == [None, None]
        assert "call.moved" in await call.log()
        assert not await demo.has_worker(service.house)

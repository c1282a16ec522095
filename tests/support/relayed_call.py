"""A call between aiortc ends, over media workers that are processes of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from multiprocessing.context import SpawnProcess

from counter_client.answers import Data
from counter_client.cast import Accounts, Cast
from counter_client.client import Client
from counter_client.rehearsal import Play
from counter_client.seat import Seat
from server.media.process import Orders
from server.workers import media_workers
from tests.support.media_worker import workers as known
from tests.support.service import ACCOUNTS, MEDIA_SECRET, Service


@asynccontextmanager
async def workers(service: Service, *names: str) -> AsyncIterator[list[SpawnProcess]]:
    """Have media workers of these names, all of which the service knows."""
    each = [Orders(service.url, MEDIA_SECRET, name, quiet=True) for name in names]
    async with media_workers(each) as started:
        async with asyncio.timeout(60):
            while not {*names} <= {*(await known(service)).values()}:  # noqa: ASYNC110 (they are other processes)
                await asyncio.sleep(0.05)
        yield started


class Call(Play):
    """The main job up to the call."""

    @property
    def agent(self) -> Client:
        return self._agent

    @property
    def counter(self) -> Client:
        return self._counter

    @property
    def case_id(self) -> str:
        return self._id

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
    async with asyncio.timeout(60):
        for seat in call.seats:
            while seat.topology != topology:  # noqa: ASYNC110 (a notice of the service's moves it)
                await asyncio.sleep(0.02)
    for seat in call.seats:
        await seat.see(3, 40)

"""A call over real media workers, between aiortc ends: they are killed, and it goes on."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from server import demo
from tests.support.relayed_call import in_call, see_more, workers
from tests.support.service import demonstration

pytestmark = pytest.mark.journey


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
                async with asyncio.timeout(60):
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

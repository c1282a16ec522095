"""Lines that are cut and workers that are killed, counted: the calls stay what they were."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.support.figures import note
from tests.support.line import worker_behind
from tests.support.many_calls import cut, kill, talking
from tests.support.relayed_call import workers
from tests.support.service import demonstration

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

# Below those that the system gives to whoever asks for any.
PORT = 31_720


async def test_calls_whose_lines_are_cut_stay_where_they_were(tmp_path: Path) -> None:
    async with (
        demonstration(tmp_path) as service, worker_behind(service, PORT) as lane,
        talking(service, 3) as calls,
    ):  # fmt: skip
        places = [await call.place() for call in calls]
        long, *short = calls

        async def cut_short() -> list[float]:
            # Five cuts of five seconds while the long one lasts.
            return [
                await cut(call, lane, [], 5)
                for call in (*short, *short, short[0])
            ]  # fmt: skip

        longest, took = await asyncio.gather(cut(long, lane, short, 30), cut_short())
        note("cut of 30 s", longest)
        note("cut of 5 s", *took)
        assert [await call.place() for call in calls] == places
        assert len(took) == 5


async def test_calls_whose_workers_are_killed_stay_where_they_were(tmp_path: Path) -> None:
    async with demonstration(tmp_path) as service, AsyncExitStack() as stack:
        [there] = await stack.enter_async_context(workers(service, "w0"))
        async with talking(service, 2) as calls:
            places = [await call.place() for call in calls]
            took = []
            for number in range(1, 6):
                [fresh] = await stack.enter_async_context(workers(service, f"w{number}"))
                took.append(await kill(calls, there))
                there = fresh
            note("kill of a worker", *took)
            assert [await call.place() for call in calls] == places

"""How long calls take to be whole again after cuts of their lines and kills of their workers."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from bench.rehearsals import percentile
from bench.slices import portions
from tests.support.figures import note, noted
from tests.support.line import worker_behind
from tests.support.many_calls import cut, kill, talking
from tests.support.relayed_call import workers
from tests.support.service import demonstration

PORT: Final = 31_750
AT_ONCE: Final = 4
SHORT, LONG = 5.0, 30.0


class ChangedError(Exception):
    """A call, its case or a seat of it is not what it was before its line broke."""


async def cuts(count: int) -> int:
    """Cut lines of calls for 5 s, four at once, and every tenth time one for 30 s beside them."""
    done = 0
    with tempfile.TemporaryDirectory() as folder:
        async with (
            demonstration(Path(folder) / "data") as service,
            worker_behind(service, PORT) as lane, talking(service, AT_ONCE) as calls,
        ):  # fmt: skip
            places = [await call.place() for call in calls]
            for portion in portions(count, AT_ONCE):
                chosen = calls[:portion]
                tell("cut of 5 s", await asyncio.gather(
                    *(cut(call, lane, [], SHORT) for call in chosen)
                ))  # fmt: skip
                done += portion
                if done % 40 < AT_ONCE:
                    tell("cut of 30 s", [await cut(calls[0], lane, calls[1:], LONG)])
                if [await call.place() for call in calls] != places:
                    raise ChangedError
    return done


async def kills(count: int) -> int:
    """Kill the worker of two calls, again and again; another one is always there."""
    done = 0
    with tempfile.TemporaryDirectory() as folder:
        async with (
            demonstration(Path(folder) / "data") as service, AsyncExitStack() as stack
        ):  # fmt: skip
            [there] = await stack.enter_async_context(workers(service, "w0"))
            async with talking(service, 2) as calls:
                places = [await call.place() for call in calls]
                for _ in portions(count, 1):
                    done += 1
                    [fresh] = await stack.enter_async_context(workers(service, f"w{done}"))
                    tell("kill of a worker", [await kill(calls, there)])
                    there = fresh
                    if [await call.place() for call in calls] != places:
                        raise ChangedError
    return done


def tell(kind: str, took: Sequence[float]) -> None:
    """Keep how many seconds pictures were gone, and print what all slices say."""
    note(kind, *took)
    known = noted(kind)
    figures = [percentile([*known], 0.5), percentile([*known], 0.95), max(known)]
    print(f"{kind}: {len(known)}, p50 {figures[0]} p95 {figures[1]} max {figures[2]} s")

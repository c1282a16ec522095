"""Media workers as child processes: several for one machine's cores, or the demonstration's one."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from multiprocessing.context import SpawnProcess

from server.lifetime import stop_asked
from server.media.process import Orders, serve
from server.offspring import children, tie_to_parent

# Address space, not what is used: libraries for pictures alone map one.
MEMORY_BYTES = 4 * 1024**3


def serve_all(orders: Orders, count: int) -> int:
    """Serve with so many processes until a signal, or until one ends; return how that ended."""
    return serve(orders) if count == 1 else asyncio.run(_serve_all(orders, count))


@asynccontextmanager
async def media_workers(orders: Sequence[Orders]) -> AsyncIterator[list[SpawnProcess]]:
    """Have a worker process for each of these orders while the block runs."""
    async with children(_serve_as_child, [(one,) for one in orders]) as started:
        yield started


async def _serve_all(orders: Orders, count: int) -> int:
    stopped = stop_asked()
    each = [replace(orders, name=f"{orders.name}-{number}") for number in range(1, count + 1)]
    async with media_workers(each) as started:
        for child in started:
            asyncio.get_running_loop().add_reader(child.sentinel, stopped.set)
        await stopped.wait()
        ended = [child.exitcode for child in started if not child.is_alive()]
        for child in started:
            asyncio.get_running_loop().remove_reader(child.sentinel)
    return next((code for code in ended if code), 0)


def _serve_as_child(orders: Orders) -> None:
    tie_to_parent(MEMORY_BYTES)
    sys.exit(serve(orders))

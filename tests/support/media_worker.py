"""Media workers as processes of their own, so that a test can kill them as a machine would."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from sqlalchemy import select

from server.relays.models import MediaWorker
from tests.support.child import environment
from tests.support.service import MEDIA_SECRET, Service

GIVEN = {"KUAYU_MEDIA_SECRET": MEDIA_SECRET}


async def workers(service: Service) -> dict[str, str]:
    """The ids of the workers that the service believes in, and their names."""
    async with service.house.database.reading() as session:
        found = await session.execute(select(MediaWorker.id, MediaWorker.name))
        return {row[0]: row[1] for row in found}


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until another process has done something."""
    async with asyncio.timeout(250):
        while not await holds():  # noqa: ASYNC110 (it is another process)
            await asyncio.sleep(0.02)


@asynccontextmanager
async def worker_process(url: str, *more: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `kuayu media`, and kill what is left of it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server", "media", "--url", url, *more,
        env=environment(GIVEN), stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@asynccontextmanager
async def media_worker(
    service: Service, ports: range, *more: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a worker that listens on these ports; the service knows it when the block begins.

    Ports below 32,768, if they are told from others or may not be taken: a browser gets its own
    for each connection from those above.
    """
    name = f"{ports.start}-{ports.stop - 1}"
    async with worker_process(service.url, "--ports", name, "--name", name, *more) as process:

        async def known() -> bool:
            return name in (await workers(service)).values()

        await until(known)
        yield process

"""Debian's Redis on loopback, which keeps nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.service import free_port


@asynccontextmanager
async def redis_running(folder: Path) -> AsyncIterator[str]:
    """Run Redis as whoever runs the tests and give its address; stopped at the end."""
    port = free_port()
    running = await asyncio.create_subprocess_exec(
        "redis-server", "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder),
        "--save", "", "--appendonly", "no",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(60):
            await _ready(running)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        if running.returncode is None:
            running.terminate()
        await running.communicate()


async def _ready(running: asyncio.subprocess.Process) -> None:
    assert running.stdout is not None
    said = b""
    while b"Ready to accept connections" not in said:
        line = await running.stdout.readline()
        assert line, said.decode()
        said += line

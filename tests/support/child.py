"""The `kuayu` command and its server as processes of their own, on a data folder."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.service import REGIONS, free_port

LAST_WORDS = "按 Ctrl-C 停止"
PATIENCE = 240


def environment(given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment without settings of ours but the given ones and the regions."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KUAYU_")}
    path = os.pathsep.join(["", kept["PYTHONPATH"]]) if "PYTHONPATH" in kept else ""
    return {
        **kept,
        "PYTHONPATH": f"{REGIONS.parent}{path}",
        "KUAYU_REGIONS": str(REGIONS),
        **(given or {}),
    }


def kuayu(
    *args: str, given: Mapping[str, str] | None = None, said: str = "", folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "server", *args],
        env=environment(given), cwd=folder, input=said, capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip


@dataclass
class Demonstration:
    """`kuayu demo` on one data folder, started as often as one likes."""

    data: Path
    port: int = field(default_factory=free_port)
    lines: list[str] = field(default_factory=list)
    running: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Where it is served."""
        return f"http://localhost:{self.port}"

    @property
    def process(self) -> asyncio.subprocess.Process:
        """The process that runs, or the last one that did."""
        assert self.running is not None
        return self.running

    async def start(self, *options: str) -> None:
        """Start it, in a process group of its own, and wait until it says that it is there."""
        self.running = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "server", "demo",
            "--data", str(self.data), "--port", str(self.port), *options,
            env=environment(), start_new_session=True,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        self.lines = []
        async with asyncio.timeout(PATIENCE):
            while not (self.lines and LAST_WORDS in self.lines[-1]):
                await self._next()

    async def _next(self) -> None:
        assert self.process.stdout is not None
        line = (await self.process.stdout.readline()).decode()
        assert line, f"it ended too early: {self.lines}"
        self.lines.append(line)

    async def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """Signal the whole group, as a terminal's Ctrl-C does, and return the exit status."""
        os.killpg(self.process.pid, how)
        return await self.ended()

    async def ended(self) -> int:
        """Wait for the end, keep what it still printed, and return the exit status."""
        async with asyncio.timeout(PATIENCE):
            rest, _ = await self.process.communicate()
            self.lines += rest.decode().splitlines(keepends=True)
            return await self.process.wait()

    @asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        """Have it run while the block runs, whatever happens to it there."""
        try:
            await self.start()
            yield
        finally:
            if self.running is not None and self.running.returncode is None:
                await self.stop(signal.SIGTERM)

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
PATIENCE = 60


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
        [sys.executable, "-m", "server.cli", *args],
        env=environment(given), cwd=folder, input=said, capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip


@dataclass
class Served:
    """A `kuayu` server in a process of its own."""

    process: asyncio.subprocess.Process
    lines: list[str] = field(default_factory=list)

    async def until(self, words: str) -> None:
        """Read what it prints until a line has these words."""
        async with asyncio.timeout(PATIENCE):
            while not (self.lines and words in self.lines[-1]):
                await self._next(words)

    async def _next(self, words: str) -> None:
        assert self.process.stdout is not None
        line = (await self.process.stdout.readline()).decode()
        assert line, f"it ended before {words!r}: {self.lines}"
        self.lines.append(line)

    async def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(how)
        return await self.ended()

    async def kill(self) -> None:
        """End it as a lost power supply would."""
        self.process.kill()
        await self.ended()

    async def ended(self) -> int:
        """Wait for the end, keep the rest of what it printed, and return the exit status."""
        async with asyncio.timeout(PATIENCE):
            rest, _ = await self.process.communicate()
            self.lines += rest.decode().splitlines(keepends=True)
            return await self.process.wait()


@dataclass(frozen=True)
class Demonstration:
    """A data folder on which `kuayu demo` is started again and again."""

    data: Path
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        """Where it is served."""
        return f"http://localhost:{self.port}"

    @asynccontextmanager
    async def served(self) -> AsyncIterator[Served]:
        """Give the running server; whoever is still there at the end is stopped."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "server.cli", "demo",
            "--data", str(self.data), "--port", str(self.port),
            env=environment(), stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        served = Served(process)
        try:
            await served.until(LAST_WORDS)
            yield served
        finally:
            if process.returncode is None:
                await served.stop(signal.SIGTERM)

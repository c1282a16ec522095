"""Print what a session costs, relayed and recorded, and how soon two pages see each other.

    python -m bench.media.run [--only PART] [--seconds 8] [--rounds 3] [--resume]

Ratios within one run are what counts; the load is the machine's as each line was measured. Whatever
was measured is kept in build/, so that `--resume` goes on where a run was broken off.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import uvloop

from bench.media import pages
from bench.media.ends import Connect, End, pump
from bench.media.janus import running_janus
from bench.media.turn import running_coturn

TICKS = os.sysconf("SC_CLK_TCK")
# What the distribution brings, by the first word of a target.
PROGRAMS = {"Janus": "janus", "coturn": "turnserver"}
PAGE = os.sysconf("SC_PAGE_SIZE")
KEPT = Path("build/media-bench.json")
PAGES = "pages"


@dataclass(frozen=True)
class Result:
    """One line of the table; a session is two ends, each sending and receiving both tracks."""

    name: str
    sessions: int
    cpu_per_session_minute: float
    per_core: float
    microseconds: float
    delivered: float
    p50: float
    p99: float
    megabytes: float


Target = tuple[Connect, int]
Open = Callable[[Path], AbstractAsyncContextManager[Target]]


def processor_seconds(pid: int) -> float:
    """Return what a process has used, from /proc/PID/stat."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def megabytes(pid: int) -> float:
    """Return what a process holds of memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 1e6


@asynccontextmanager
async def python(module: str, *options: str, folder: Path, slots: bool) -> AsyncIterator[Target]:
    """Start one of our processes and connect ends through it."""
    path = folder / "bench.sock"
    process = subprocess.Popen([sys.executable, "-m", module, str(path), *options])
    try:
        async with asyncio.timeout(30):
            while not path.exists():
                await asyncio.sleep(0.05)

        async def exchange(
            end: End, lines: tuple[asyncio.StreamReader, asyncio.StreamWriter]
        ) -> None:
            reader, writer = lines
            writer.write(json.dumps({"sdp": await end.offer()}).encode() + b"\n")
            await end.accept(json.loads(await reader.readline())["sdp"])
            await end.connected()

        async def connect(one: End, other: End) -> None:
            pair = []
            for end in (one, other):
                end.slots = slots
                pair.append((end, await asyncio.open_unix_connection(path, limit=1 << 20)))
            if slots:
                for end, lines in pair:
                    await exchange(end, lines)
            else:
                await asyncio.gather(*(exchange(end, lines) for end, lines in pair))

        yield connect, process.pid
    finally:
        process.terminate()
        process.wait()


@asynccontextmanager
async def janus(folder: Path, *, record: bool) -> AsyncIterator[Target]:
    """Start Janus and connect ends through its video call."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with running_janus(folder, port, record=record) as (session, pid):
        yield session.connect, pid


async def measure(name: str, open_target: Open, sessions: int, seconds: float) -> Result:
    """Let so many sessions run for so long, and weigh the process between them."""
    with tempfile.TemporaryDirectory() as name_of_folder:
        async with open_target(Path(name_of_folder)) as (connect, pid):
            ends = [End(slots=False) for _ in range(2 * sessions)]
            empty = megabytes(pid)
            for one, other in zip(ends[::2], ends[1::2], strict=True):
                await connect(one, other)
            stop = asyncio.Event()
            pumping = asyncio.create_task(pump(ends, stop))
            await asyncio.sleep(4)
            for end in ends[:4]:
                end.measures = True
            before = processor_seconds(pid)
            sent, received = (sum(getattr(end, of) for end in ends) for of in ("sent", "received"))
            began = time.monotonic()
            await asyncio.sleep(seconds)
            took = time.monotonic() - began
            used = processor_seconds(pid) - before
            sent = sum(end.sent for end in ends) - sent
            received = sum(end.received for end in ends) - received
            full = megabytes(pid)
            stop.set()
            await pumping
            await asyncio.gather(*(end.connection.close() for end in ends))
    delays = sorted(delay for end in ends for delay in end.delays) or [float("nan")]
    return Result(
        name=name,
        sessions=sessions,
        cpu_per_session_minute=used / sessions / took * 60,
        per_core=sessions / (used / took),
        microseconds=used / sent * 1e6,
        delivered=received / sent,
        p50=delays[len(delays) // 2] * 1000,
        p99=delays[int(len(delays) * 0.99)] * 1000,
        megabytes=(full - empty) / sessions,
    )


def targets() -> dict[str, tuple[Open, list[int]]]:
    """Return what is measured and with how many sessions."""
    ours = partial(python, "bench.media.ours", slots=True)
    recording = partial(python, "bench.media.ours", "--record", slots=True)
    alone = partial(python, "bench.media.ours", "--record", "--alone", slots=True)
    return {
        "relay": (lambda folder: ours(folder=folder), [1, 10, 30, 60]),
        "relay, recording": (lambda folder: recording(folder=folder), [10, 30]),
        "Janus": (lambda folder: janus(folder, record=False), [10, 30]),
        "Janus, recording": (lambda folder: janus(folder, record=True), [10, 30]),
        "coturn": (running_coturn, [10, 30]),
        "aiortc MediaRelay": (
            lambda folder: python("bench.media.stock", folder=folder, slots=False), [1],
        ),
        # Half a session is one stream: an end that is recorded and seen by nobody.
        "recorder": (lambda folder: alone(folder=folder), [10, 30]),
        "aiortc MediaRecorder": (
            lambda folder: python("bench.media.stock", "--record", folder=folder, slots=False), [1],
        ),
    }  # fmt: skip


def _keep(known: dict[str, list[str]]) -> None:
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps(known, indent=1))


class Lines:
    """What was printed, kept from run to run: a line that is known is not measured again."""

    def __init__(self, *, resume: bool) -> None:
        self._known: dict[str, list[str]] = {}
        if resume and KEPT.exists():
            self._known = json.loads(KEPT.read_text())

    async def tell(self, name: str, measured: Callable[[], Awaitable[list[str]]]) -> None:
        """Print the lines of a measurement, and keep them."""
        if name not in self._known:
            self._known[name] = await measured()
            _keep(self._known)
        print("\n".join(self._known[name]), flush=True)


async def row(name: str, open_target: Open, count: int, seconds: float) -> list[str]:
    """Return a target's line for so many sessions."""
    found = await measure(name, open_target, count, seconds)
    return [f"{found.name:<20}{found.sessions:>9}{found.cpu_per_session_minute:>11.3f}"
            f"{found.per_core:>10.1f}{found.microseconds:>11.1f}{found.delivered:>11.3f}"
            f"{found.p50:>8.1f}{found.p99:>8.1f}{found.megabytes:>7.2f}{os.getloadavg()[0]:>6.1f}"
            ]  # fmt: skip


async def main(seconds: float, rounds: int, only: str | None, *, resume: bool) -> None:
    """Print a line for each target and count, and then what two pages see."""
    lines = Lines(resume=resume)
    print("a session is two ends, each sending a picture (about 800 kbps) and sound")
    print(f"{'':<20}{'sessions':>9}{'CPU s/min':>11}{'per core':>10}{'µs/packet':>11}"
          f"{'delivered':>11}{'p50 ms':>8}{'p99 ms':>8}{'MB':>7}{'load':>6}")  # fmt: skip
    for name, (open_target, counts) in targets().items():
        if only not in {None, name}:
            continue
        if shutil.which(PROGRAMS.get(name.split(",")[0], sys.executable)) is None:
            print(f"{name:<20} is not installed")
            continue
        for count in counts:
            await lines.tell(f"{name} {count}", partial(row, name, open_target, count, seconds))
    if only in {None, PAGES}:
        print(f"\n{pages.HEAD}")
        for name in pages.CONTENDERS:
            await lines.tell(name, partial(pages.row, name, rounds))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument(
        "--rounds", type=int, default=4, help="calls of each kind between two pages"
    )
    parser.add_argument("--only", choices=[*targets(), PAGES])
    parser.add_argument("--resume", action="store_true", help="measure what is not measured yet")
    given = parser.parse_args()
    uvloop.run(main(given.seconds, given.rounds, given.only, resume=given.resume))

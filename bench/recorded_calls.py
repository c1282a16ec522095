"""`make soak PART=recorded-calls N=120`: twenty relayed, recorded calls for so many minutes.

In slices of at most eight minutes, each with a process of its own: its memory is sampled, its files
are compared with what was sent frame by frame, and at the end nothing may be left of the calls.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import av

from bench.media.ends import MARK, End, pump
from bench.media.run import megabytes, python
from bench.media.stream import steps
from server.media.frames import OPUS_SILENCE

CALLS = 20
SLICE_MINUTES = 8
SAMPLED_EVERY = 2.0
# Buffers and caches fill in the first part of a slice.
WARM = 0.4
SLOPES = Path("build/recorded-calls.json")
VIDEO, AUDIO = "video", "audio"


async def recorded_calls(count: int) -> int:
    """Let the calls run for at most `count` minutes; return how many they ran."""
    minutes = min(count, SLICE_MINUTES)
    if not minutes:
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples, left = await _run(folder, minutes * 60.0)
        if left["tasks"]:
            raise AssertionError(f"tasks are left: {left}")
        frames, missing = _compare(folder)
    if missing and not left["lost"]:
        raise AssertionError(f"{missing} frames are missing, and no packet was said to be lost")
    slope = _slope(samples[int(len(samples) * WARM) :])
    print(
        f"{frames} frames as sent, {missing} missing, {left['lost']} packets lost on the way;"
        f" {samples[-1][1]:.1f} MB, {slope:+.1f} MB/h in this slice,"
        f" {_keep(minutes, slope):+.1f} MB/h over all",
        file=sys.stderr,
    )
    return minutes


def _keep(minutes: int, slope: float) -> float:
    """Keep a slice's slope, and return that of all slices by their length."""
    slopes = [*(json.loads(SLOPES.read_text()) if SLOPES.exists() else []), (minutes, slope)]
    SLOPES.parent.mkdir(exist_ok=True)
    SLOPES.write_text(json.dumps(slopes))
    return sum(m * s for m, s in slopes) / sum(m for m, _ in slopes)


async def _run(folder: Path, seconds: float) -> tuple[list[tuple[float, float]], dict[str, Any]]:
    """Run the calls; return memory by time, and what the process says is left of them."""
    samples: list[tuple[float, float]] = []
    async with python("bench.media.ours", "--record", folder=folder, slots=True) as (connect, pid):
        ends = [End(slots=True) for _ in range(2 * CALLS)]
        for one, other in zip(ends[::2], ends[1::2], strict=True):
            await connect(one, other)
        stop = asyncio.Event()
        pumping = asyncio.create_task(pump(ends, stop))
        until = time.monotonic() + seconds
        while (now := time.monotonic()) < until:
            samples.append((now, megabytes(pid)))
            await asyncio.sleep(SAMPLED_EVERY)
        stop.set()
        await pumping
        await asyncio.sleep(1)  # What is on the way arrives.
        # First, for aiortc waits for ever for its end of a connection that the other has closed.
        await asyncio.gather(*(end.connection.close() for end in ends))
        reader, writer = await asyncio.open_unix_connection(folder / "bench.sock")
        writer.write(b'{"end": true}\n')
        left = json.loads(await reader.readline())
        writer.close()
    return samples, left


def _compare(folder: Path) -> tuple[int, int]:
    """Return how many frames the files have, and how many are missing between them.

    AssertionError for a frame that was not sent, and for one out of its order.
    """
    expected = {kind: _sent(kind) for kind in (VIDEO, AUDIO)}
    frames = missing = 0
    paths = sorted(folder.glob("*.webm"))
    if len(paths) != 2 * CALLS:
        raise AssertionError(f"{len(paths)} files")
    for path in paths:
        for kind, sent in expected.items():
            places = _places(path, kind, sent)
            # The stream is repeated, so that a hole is known but for whole rounds of it.
            missing += sum((after - before - 1) % len(sent) for before, after in pairwise(places))
            frames += len(places)
    return frames, missing


def _sent(kind: str) -> dict[bytes, int]:
    """Return each frame's place in the stream."""
    track = 1 if kind == VIDEO else 0
    # A picture's packets begin with a byte of VP8's payload descriptor.
    skip = 1 if kind == VIDEO else 0
    parts = [step.payloads for step in steps() if step.track == track]
    return {b"".join(one[skip:] for one in each): place for place, each in enumerate(parts)}


def _places(path: Path, kind: str, sent: dict[bytes, int]) -> list[int]:
    with av.open(str(path)) as container:
        [stream] = [one for one in container.streams if one.type == kind]
        # The time of sending stands behind each picture.
        end = -MARK.size if kind == VIDEO else None
        contents = [bytes(one)[:end] for one in container.demux(stream) if one.size]
    # Where sound was lost the recorder puts silence.
    contents = [content for content in contents if content != OPUS_SILENCE]
    strange = [content for content in contents if content not in sent]
    if strange or not contents:
        raise AssertionError(f"{path.name}: {len(strange)} of {len(contents)} {kind} frames")
    return [sent[content] for content in contents]


def _slope(samples: Sequence[tuple[float, float]]) -> float:
    """Return how fast the second number grows by the first, per hour (least squares)."""
    count = len(samples)
    middle = sum(at for at, _ in samples) / count
    mean = sum(size for _, size in samples) / count
    spread = sum((at - middle) ** 2 for at, _ in samples)
    return sum((at - middle) * (size - mean) for at, size in samples) / spread * 3600

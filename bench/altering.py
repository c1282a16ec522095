"""`make soak PART=altered-certificates` and `PART=altered-codes`: what forgers make of ours."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from bench.slices import counted
from tests.support import codes, tampering

PORTION = 500


async def altered_certificates(count: int) -> int:
    """Judge altered certificates; raise for one that is genuine, or slow."""
    with tempfile.TemporaryDirectory() as folder:
        wares = await asyncio.to_thread(tampering.make_wares, Path(folder))
        return await _judge(count, lambda seeds: tampering.judge_altered(wares, seeds))


async def altered_codes(count: int) -> int:
    """Read altered payloads of QR codes; raise for one that is read, or slow."""
    return await _judge(count, codes.judge_altered)


async def _judge(count: int, judge: Callable[[Iterable[int]], Counter[str]]) -> int:
    return await counted(
        count, PORTION, lambda n, left: asyncio.to_thread(judge, range(left - n, left))
    )

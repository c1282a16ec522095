"""`make soak PART=datagrams` and `PART=descriptions`: what a hostile peer sends, by the million."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Awaitable, Callable

from bench.slices import portions
from tests.support.hostile import throw_datagrams, throw_descriptions

# As many for each call, or for each run of legs.
PORTION = 10_000


async def datagrams(count: int) -> int:
    """Throw bad datagrams at a call with real media, and as many packets at an open connection."""
    return await _throw(count, throw_datagrams)


async def descriptions(count: int) -> int:
    """Offer bad descriptions to the service's check and, if they pass it, to legs."""
    return await _throw(count, throw_descriptions)


async def _throw(count: int, throw: Callable[[int, int], Awaitable[Counter[str]]]) -> int:
    """Each portion's seed is how many are left, so that no slice repeats another's."""
    done, became = 0, Counter[str]()
    for portion in portions(count, PORTION):
        became += await throw(portion, count - done)
        done += portion
    print(dict(became), file=sys.stderr)
    return done

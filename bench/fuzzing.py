"""`make soak PART=datagrams` and `PART=descriptions`: what a hostile peer sends, by the million."""

from __future__ import annotations

from bench.slices import counted
from tests.support.hostile import throw_datagrams, throw_descriptions

# As many for each call, or for each run of legs.
PORTION = 10_000


async def datagrams(count: int) -> int:
    """Throw bad datagrams at a call with real media, and as many packets at an open connection."""
    return await counted(count, PORTION, throw_datagrams)


async def descriptions(count: int) -> int:
    """Offer bad descriptions to the service's check and, if they pass it, to legs."""
    return await counted(count, PORTION, throw_descriptions)

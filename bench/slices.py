"""A slice of a long count: as much of it as one command may take."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

SECONDS: Final = 540.0


def portions(count: int, size: int) -> Iterator[int]:
    """Yield portions of at most `size` until they add up to `count` or the slice's time is over."""
    ends, left = time.monotonic() + SECONDS, count
    while left > 0 and time.monotonic() < ends:
        yield min(size, left)
        left -= size


async def counted(
    count: int, size: int, judge: Callable[[int, int], Awaitable[Counter[str]]]
) -> int:
    """Judge portion after portion, say what became of them, and return how many were judged.

    `judge` is given a portion and how many are left, which are the seeds: no slice repeats
    another's.
    """
    done, became = 0, Counter[str]()
    for portion in portions(count, size):
        became += await judge(portion, count - done)
        done += portion
    print(dict(sorted(became.items())), file=sys.stderr)
    return done

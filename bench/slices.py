"""A slice of a long count: as much of it as one command may take."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

SECONDS: Final = 540.0


def portions(count: int, size: int) -> Iterator[int]:
    """Yield portions of at most `size` until they add up to `count` or the slice's time is over."""
    ends, left = time.monotonic() + SECONDS, count
    while left > 0 and time.monotonic() < ends:
        yield min(size, left)
        left -= size

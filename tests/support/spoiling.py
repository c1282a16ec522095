"""What bad lines do to the packets of a stream."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable

from tests.support.line import Spoil


def is_media(data: bytes) -> bool:
    """Say whether a datagram is RTP and no report."""
    return 128 <= data[0] < 192 and not 192 <= data[1] < 224


def losing(share: float, lost: Counter[bytes]) -> Spoil:
    """Lose a share of the packets; `lost` counts them by their SSRC."""
    dice = random.Random(11)

    def spoil(data: bytes) -> Iterable[bytes]:
        if is_media(data) and dice.random() < share:
            lost[data[8:12]] += 1
            return ()
        return (data,)

    return spoil


def bursting(every: int, length: int, lost: Counter[bytes]) -> Spoil:
    """Lose so many packets in a row, again and again."""
    seen = 0

    def spoil(data: bytes) -> Iterable[bytes]:
        nonlocal seen
        seen += is_media(data)
        if is_media(data) and seen % every < length:
            lost[data[8:12]] += 1
            return ()
        return (data,)

    return spoil


def disordering(every: int, late: int, _lost: Counter[bytes]) -> Spoil:
    """Let one packet in so many come after those that followed it."""
    seen, held = 0, list[bytes]()

    def spoil(data: bytes) -> Iterable[bytes]:
        nonlocal seen
        seen += is_media(data)
        if is_media(data) and seen % every == 0:
            held.append(data)
            return ()
        if held and seen % every == late:
            return (data, held.pop())
        return (data,)

    return spoil

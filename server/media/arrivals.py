"""When packets arrived, told to their sender: transport-wide congestion feedback.

With it a browser finds its bandwidth within two seconds; from a receiver's estimate alone it needs
fifteen (measured). Format: draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1.
"""

from __future__ import annotations

import struct
from typing import Final

from server.media.rtcp import RTPFB, TRANSPORT

_HEAD = struct.Struct("!BBHLLHH")
_DELTA: Final = 0.000_25
_REFERENCE: Final = 0.064
_SMALL, _LARGE = 1, 2
# A report must fit one datagram.
MOST_PACKETS: Final = 400
_IN_A_VECTOR: Final = 7
_LONGEST_RUN: Final = 0x1FFF


class Arrivals:
    """Collects the arrival of each transport-wide sequence number of one connection."""

    __slots__ = ("_arrived", "_count", "_next", "reporter")

    def __init__(self, reporter: int) -> None:
        """Report as the SSRC `reporter`."""
        self.reporter = reporter
        self._arrived: dict[int, float] = {}
        self._next: int | None = None
        self._count = 0

    def note(self, number: int, now: float) -> None:
        """Take down that packet `number` (16 bit) arrived at `now` (seconds, monotonic)."""
        expected = self._next
        if expected is None:
            self._next = expected = number
        # Numbers are kept as distances from what comes next, so that the wrap needs no care.
        ahead = (number - expected) & 0xFFFF
        if ahead < 0x8000 and len(self._arrived) < MOST_PACKETS:  # noqa: PLR2004 (half of 16 bits)
            self._arrived.setdefault(number, now)

    def report(self, media: int) -> bytes | None:
        """Return the feedback for what arrived since the last report; None if nothing did.

        `media` is the SSRC of any stream of the connection, as the format asks for one.
        """
        if not self._arrived or self._next is None:
            return None
        base = self._next
        span = 1 + max((number - base) & 0xFFFF for number in self._arrived)
        span = min(span, MOST_PACKETS)
        first = min(self._arrived.values())
        reference = int(first / _REFERENCE)
        symbols, deltas = self._measure(base, span, reference * _REFERENCE)
        self._next = (base + span) & 0xFFFF
        self._arrived.clear()
        body = _chunks(symbols) + deltas
        body += bytes(-len(body) % 4)
        words = 4 + len(body) // 4
        head = _HEAD.pack(0x80 | TRANSPORT, RTPFB, words, self.reporter, media, base, span)
        count, self._count = self._count, (self._count + 1) & 0xFF
        return head + ((reference & 0xFFFFFF) << 8 | count).to_bytes(4, "big") + body

    def _measure(self, base: int, span: int, before: float) -> tuple[list[int], bytes]:
        """Return each packet's symbol, and the deltas of those that arrived, in their order."""
        symbols, deltas = [], bytearray()
        for ahead in range(span):
            at = self._arrived.get((base + ahead) & 0xFFFF)
            if at is None:
                symbols.append(0)
                continue
            ticks = round((at - before) / _DELTA)
            before += ticks * _DELTA
            if 0 <= ticks <= 0xFF:  # noqa: PLR2004 (a small delta is one byte)
                symbols.append(_SMALL)
                deltas.append(ticks)
            else:
                symbols.append(_LARGE)
                deltas += max(-0x8000, min(ticks, 0x7FFF)).to_bytes(2, "big", signed=True)
        return symbols, bytes(deltas)


def _chunks(symbols: list[int]) -> bytes:
    """Pack symbols into runs where they are alike, else into two-bit vectors of seven."""
    packed = bytearray()
    at = 0
    while at < len(symbols):
        symbol, run = symbols[at], 1
        while at + run < len(symbols) and symbols[at + run] == symbol and run < _LONGEST_RUN:
            run += 1
        if run >= _IN_A_VECTOR or at + run == len(symbols):
            packed += (symbol << 13 | run).to_bytes(2, "big")
            at += run
        else:
            vector = 0xC000
            for index, one in enumerate(symbols[at : at + _IN_A_VECTOR]):
                vector |= one << (12 - 2 * index)
            packed += vector.to_bytes(2, "big")
            at += _IN_A_VECTOR
    return bytes(packed)

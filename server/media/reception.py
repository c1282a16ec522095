"""How well a sender's packets come to the worker, as it is told in receiver reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from server.media.rtcp import Block

_HALF: Final = 0x8000
_MOST_LOST: Final = 0x7FFFFF
_UNITS: Final = 65_536


@dataclass(slots=True)
class Arrived:
    """How many packets of one stream came, of how many that were sent.

    `highest` counts on where the 16 bits of a packet's number begin anew.
    """

    first: int
    highest: int
    packets: int = 0

    def note(self, number: int) -> None:
        """Count a packet; one from before the first we saw is none of ours."""
        step = (number - self.highest) & 0xFFFF
        whole = self.highest + (step if step < _HALF else step - 0x10000)
        if whole < self.first:
            return
        self.packets += 1
        self.highest = max(self.highest, whole)

    @property
    def expected(self) -> int:
        """How many were sent, by their numbers."""
        return self.highest - self.first + 1

    @property
    def lost(self) -> int:
        """How many never came, or have not come yet."""
        return max(self.expected - self.packets, 0)


@dataclass(slots=True)
class Reception:
    """One stream as it comes in, reported by RFC 3550, A.3 and A.8."""

    ssrc: int
    arrived: Arrived
    expected_before: int = 0
    packets_before: int = 0
    stamp: int | None = None
    transit: int | None = None
    jitter: float = 0.0
    last_report: int = 0
    reported_at: float = 0.0

    @classmethod
    def begin(cls, ssrc: int, number: int) -> Reception:
        """Begin with a stream's first packet, which is yet to be noted."""
        return cls(ssrc, Arrived(number, number))

    def note(self, number: int, stamp: int, ticks: float) -> None:
        """Count a packet that came at `ticks` of its own clock."""
        arrived = self.arrived
        if (number - arrived.highest) & 0xFFFF == 1:
            # Nearly all packets come in their order.
            arrived.highest += 1
            arrived.packets += 1
        else:
            arrived.note(number)
        if stamp == self.stamp:
            # The further packets of a picture were sent later than their stamp says.
            return
        transit = int(ticks) - stamp
        if self.transit is not None:
            # The stamps begin anew after 32 bits.
            off = abs(((transit - self.transit + 0x80000000) & 0xFFFFFFFF) - 0x80000000)
            self.jitter += (off - self.jitter) / 16
        self.stamp, self.transit = stamp, transit

    def hear(self, ntp: int, now: float) -> None:
        """Take the time of a sender report: from it the sender measures its round trip."""
        self.last_report, self.reported_at = (ntp >> 16) & 0xFFFFFFFF, now

    def report(self, now: float) -> Block | None:
        """Return what is to be said of the time since the last report; None if nothing came."""
        came = self.arrived.packets - self.packets_before
        if came == 0:
            return None
        expected = self.arrived.expected - self.expected_before
        self.packets_before, self.expected_before = self.arrived.packets, self.arrived.expected
        loss = max(expected - came, 0) * 256 // expected if expected > 0 else 0
        delay = int((now - self.reported_at) * _UNITS) if self.last_report else 0
        return Block(
            self.ssrc,
            min(loss, 0xFF) << 24 | min(self.arrived.lost, _MOST_LOST),
            self.arrived.highest & 0xFFFFFFFF,
            int(self.jitter) & 0xFFFFFFFF,
            self.last_report,
            delay & 0xFFFFFFFF,
        )

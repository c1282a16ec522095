"""Probes: for a while what a leg sends comes back to it alone, and what got lost is counted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from server.media import messages as wire
from server.media import rtcp
from server.media.forwarding import Packet, Sender, Slot, Source
from server.media.legs import Leg
from server.media.reception import Arrived


@dataclass(frozen=True, slots=True)
class Echo:
    """A leg as the origin of what comes back to it.

    Its own estimate of what it can take is kept from it: that begins low and grows slowly, and
    would bound what is sent before the way does.
    """

    leg: Leg

    @property
    def sender(self) -> Sender:
        """What brings reports and requests to the leg's browser."""
        return self.leg.sender

    def request_key(self, source: Source) -> None:
        """Ask for a key frame."""
        self.leg.request_key(source)

    def tell_estimate(self, source: Source) -> None:
        """Keep it."""


@dataclass(eq=False)
class Probe:
    """One leg that hears itself. It is the leg's tap meanwhile, for nothing else listens there."""

    leg: Leg
    arrived: dict[int, Arrived] = field(default_factory=dict)
    linked: list[tuple[Slot, Source]] = field(default_factory=list)
    ending: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Link each stream of the leg to a free slot of its own."""
        self.leg.tap = self
        for source in self.leg.sources.values():
            free = (
                slot
                for slot in self.leg.slots.values()
                if slot.section.media == source.section.media and self.leg.feeds(slot) is None
            )
            slot = next(free, None)
            if slot is not None:
                self.leg.link(source, slot, Echo(self.leg))
                self.linked.append((slot, source))

    def end(self) -> None:
        """Let the leg be as it was."""
        if self.ending is not None:
            self.ending.cancel()
        if self.leg.tap is self:
            self.leg.tap = None
        for slot, source in self.linked:
            if self.leg.feeds(slot) is source:
                self.leg.unlink(slot)

    def on_rtp(self, source: Source, packet: Packet) -> None:  # noqa: ARG002 (a tap)
        """Count a packet; what is sent once more shows a loss and does not undo it."""
        _, _, (_, _, number, _, ssrc), _, repair, _ = packet
        if repair:
            return
        self.arrived.setdefault(ssrc, Arrived(number, number)).note(number)

    def on_report(self, source: Source, info: rtcp.SenderInfo) -> None:
        """A sender's clocks tell nothing of its way here."""


class Probes:
    """The probes of a worker; `told` hears what each one found."""

    def __init__(self, told: Callable[[wire.LegMeasured], None]) -> None:
        """Begin with none."""
        self._told = told
        self._running: dict[str, Probe] = {}

    def begin(self, leg: Leg, seconds: int) -> None:
        """Let a leg hear itself for so long; one that does already begins anew."""
        self.end(leg)
        probe = self._running[leg.id] = Probe(leg)
        probe.begin()
        loop = asyncio.get_running_loop()
        probe.ending = loop.call_later(seconds, self._finish, probe)

    def end(self, leg: Leg) -> None:
        """Have a leg hear itself no more, without a word: a call begins, or it is closed."""
        probe = self._running.pop(leg.id, None)
        if probe is not None:
            probe.end()

    def _finish(self, probe: Probe) -> None:
        self.end(probe.leg)
        self._told(
            wire.LegMeasured(
                leg_id=probe.leg.id,
                packets=sum(one.packets for one in probe.arrived.values()),
                lost=sum(one.lost for one in probe.arrived.values()),
            )
        )

"""A leg: one browser's connection with this worker, what it sends and what it watches."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

from server.media import rtcp
from server.media.arrivals import Arrivals
from server.media.cells import Cell
from server.media.forwarding import Header, Inflow, Link, Origin, Packet, Slot, Source
from server.media.ports import Budget, Port
from server.media.reception import Reception
from server.media.rtp import HEADER, MID, read_extension
from server.media.sections import Section
from server.media.stack import Transport

KEY_EVERY: Final = 0.3
FEEDBACK_EVERY: Final = 0.1
ESTIMATE_EVERY: Final = 0.2
REPORT_EVERY: Final = 1.0
MOST_STRANGERS: Final = 32
# An honest leg sends some 600 packets a second with two HD pictures.
MOST_PACKETS: Final = 4_000
# A browser reports some 30 times a second, and names losses with each packet that shows one.
MOST_REPORTS: Final = 500


class Tap(Protocol):
    """Who also takes what a leg sends, such as a recorder."""

    def on_rtp(self, source: Source, packet: Packet) -> None:
        """Take a packet; it must be left as it is, and its cell is another's afterwards."""

    def on_report(self, source: Source, info: rtcp.SenderInfo) -> None:
        """Take what the sender says of its clocks."""


@dataclass(slots=True)
class Asked:
    """When a key frame was last asked of a source, and whether it will be again."""

    at: float = 0.0
    again: asyncio.TimerHandle | None = None


@dataclass(eq=False)
class Leg:
    """One connection. It forwards nothing by itself: `link` says what goes where.

    All methods belong to the event loop's thread.
    """

    id: str
    port: Port
    told: Callable[[Leg, str], None]
    clock: Callable[[], float]
    dropped: Counter[str] = field(default_factory=Counter)
    sources: dict[str, Source] = field(default_factory=dict)
    slots: dict[str, Slot] = field(default_factory=dict)
    tap: Tap | None = None
    packets: int = 0

    def __post_init__(self) -> None:
        """Make the connection; it is not heard of before an offer is answered."""
        self.ssrc = secrets.randbits(32) or 1
        self.transport = Transport(self.port, self, self.dropped)
        self.arrivals = Arrivals(self.ssrc)
        self._inflows: dict[int, Inflow] = {}
        self._strangers: set[int] = set()
        self._by_slot: dict[int, Link] = {}
        self._asked: dict[str, Asked] = {}
        self._estimated_at = 0.0
        self._packets, self._reports = Budget(MOST_PACKETS), Budget(MOST_REPORTS)
        self._feedback: asyncio.TimerHandle | None = None
        self._reporting: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def sender(self) -> Transport:
        """What brings packets to our browser."""
        return self.transport

    async def answer(self, offer: str) -> str:
        """Answer an offer, the first one or a further one; UnfitError leaves all as it was."""
        answer, sections = await self.transport.answer(offer)
        self._take(sections)
        return answer

    def prefer(self, taken: frozenset[str]) -> bool:
        """Answer with this first; say whether that is new and it needs another offer for it."""
        before, self.transport.taken = self.transport.taken, taken
        return taken != before and self.must_offer

    @property
    def must_offer(self) -> bool:
        """Whether it could send what is to be answered first, and was answered otherwise.

        A browser sends what was answered first, and to whom does not take that nothing comes.
        """
        taken = self.transport.taken
        sent = [one.section for one in self.sources.values() if one.section.media == "video"]
        fit = all(not one.codecs or next(iter(one.codecs.values())).name in taken for one in sent)
        could = any(one.names & taken for one in sent)
        return not fit and could

    def _take(self, sections: Iterable[Section]) -> None:
        """Know the streams and slots that were negotiated; what is gone loses its links."""
        for section in sections:
            self._take_source(section)
            self._take_slot(section)

    def _take_source(self, section: Section) -> None:
        known = self.sources.get(section.mid)
        if not section.sends:
            if known is not None:
                self._forget(known)
            return
        ssrcs = [*section.ssrcs, 0, 0]
        if known is not None and known.ssrc == ssrcs[0]:
            known.renew(section)
            for inflow in self._inflows.values():
                inflow.shape = inflow.shape if inflow.source is not known else None
            return
        if known is not None:
            self._forget(known)
        source = Source(section, ssrcs[0], ssrcs[1])
        self.sources[section.mid] = source
        for ssrc, repair in ((ssrcs[0], False), (ssrcs[1], True)):
            if ssrc:
                self._inflows[ssrc] = Inflow(source, repair)

    def _take_slot(self, section: Section) -> None:
        known = self.slots.get(section.mid)
        if not section.receives:
            if known is not None:
                self.unlink(known)
                del self.slots[section.mid]
        elif known is None:
            self.slots[section.mid] = Slot(section, self.transport)

    def _forget(self, source: Source) -> None:
        del self.sources[source.section.mid]
        for link in list(source.links):
            source.links.remove(link)
        self._inflows = {
            ssrc: one for ssrc, one in self._inflows.items() if one.source is not source
        }

    def link(self, source: Source, slot: Slot, origin: Origin) -> None:
        """Have a stream of `origin` come into a slot of ours, and ask it for a key frame."""
        self.unlink(slot)
        link = Link(source, slot, origin)
        source.links.append(link)
        self._by_slot[slot.media.ssrc] = link
        origin.request_key(source)

    def unlink(self, slot: Slot) -> None:
        """Have nothing come into a slot any more."""
        link = self._by_slot.pop(slot.media.ssrc, None)
        if link is not None and link in link.source.links:
            link.source.links.remove(link)

    def feeds(self, slot: Slot) -> Source | None:
        """Return what comes into a slot."""
        link = self._by_slot.get(slot.media.ssrc)
        return None if link is None else link.source

    # What comes over the connection

    def on_rtp(self, cell: Cell, size: int) -> None:
        """Forward the packet in a cell to every slot that its stream feeds."""
        now = self.clock()
        if not self._packets.spend(now):
            self.dropped["rate"] += 1
            return
        view = cell.view
        header = HEADER.unpack_from(view)
        inflow = self._inflows.get(header[4]) or self._meet(view, size, header)
        if inflow is None:
            return
        self.packets += 1
        source, repair, shape = inflow.source, inflow.repair, inflow.shape
        if shape is None or not shape.fits(view, size):
            shape = inflow.shape = source.shapes.find(view, size)
        if shape.number_at:
            self._note_arrival(view[shape.number_at] << 8 | view[shape.number_at + 1], now)
        if not repair:
            reception = inflow.reception or self._begin_reception(inflow, header)
            if reception is not None:
                reception.note(header[2], header[3], now * inflow.clock)
        packet = cell, size, header, shape, repair, now
        if self.tap is not None:
            self.tap.on_rtp(source, packet)
        source.forward(packet)

    def _meet(self, view: memoryview, size: int, header: Header) -> Inflow | None:
        """Learn whose an SSRC is that the offer did not name, from the packet's own MID."""
        _, second, _, _, ssrc = header
        if ssrc in self._strangers or len(self._strangers) >= MOST_STRANGERS:
            self.dropped["stranger"] += 1
            return None
        for source in self.sources.values():
            mid = read_extension(view, size, source.section.extensions.id_of(MID))
            codec = source.section.codecs.get(second & 0x7F)
            if mid is None or codec is None or mid.decode("ascii", "replace") != source.section.mid:
                continue
            self._inflows[ssrc] = Inflow(source, codec.repairs is not None)
            if codec.repairs is None:
                source.ssrc = ssrc
            else:
                source.repair_ssrc = ssrc
            self._strangers.add(ssrc)
            return self._inflows[ssrc]
        self.dropped["stranger"] += 1
        return None

    def _note_arrival(self, number: int, now: float) -> None:
        self.arrivals.note(number, now)
        if self._feedback is None and not self._closed:
            loop = asyncio.get_running_loop()
            self._feedback = loop.call_later(FEEDBACK_EVERY, self._send_feedback)

    def _send_feedback(self) -> None:
        self._feedback = None
        source = next(iter(self.sources.values()), None)
        report = self.arrivals.report(source.ssrc if source else 0)
        if report is not None:
            self.transport.send_rtcp(report)

    def _begin_reception(self, inflow: Inflow, header: Header) -> Reception | None:
        """Begin to count a stream with its first packet, and to report what comes of it."""
        _, second, number, _, ssrc = header
        codec = inflow.source.section.codecs.get(second & 0x7F)
        if codec is None:
            return None
        inflow.clock = codec.clock
        inflow.reception = Reception.begin(ssrc, number)
        self._plan_reports()
        return inflow.reception

    def _plan_reports(self) -> None:
        if self._reporting is None and not self._closed:
            self._reporting = asyncio.get_running_loop().call_later(
                REPORT_EVERY, self._send_reports
            )

    def _send_reports(self) -> None:
        """Tell our browser how its streams come in here.

        What their receivers lost is not passed on: one of them on a poor line, who may only look
        on, would have everybody's picture taken away. Their estimates bound it instead.
        """
        self._reporting = None
        now = self.clock()
        told = [
            rtcp.write_receiver_report(self.ssrc, block)
            for inflow in self._inflows.values()
            if inflow.reception is not None and (block := inflow.reception.report(now)) is not None
        ]
        if told:
            self.transport.send_rtcp(b"".join(told))
        self._plan_reports()

    def on_rtcp(self, compound: bytes) -> None:
        """Pass on what a browser reports, to the one whom it concerns."""
        if not self._reports.spend(self.clock()):
            self.dropped["reports"] += 1
            return
        for part in rtcp.split(compound):
            match part.kind:
                case rtcp.SR:
                    self._pass_report(part)
                case rtcp.RTPFB if part.format == rtcp.NACK:
                    self._pass_nack(part)
                case rtcp.PSFB:
                    self._take_feedback(part)
                case _:
                    # Names and goodbyes are told by the signalling, losses by our own reports.
                    pass

    def _pass_report(self, part: rtcp.Part) -> None:
        info = rtcp.sender_info(part)
        inflow = None if info is None else self._inflows.get(info.ssrc)
        if info is None or inflow is None or inflow.repair:
            return
        source = inflow.source
        if inflow.reception is not None:
            inflow.reception.hear(info.ntp, self.clock())
        if self.tap is not None:
            self.tap.on_report(source, info)
        for link in source.links:
            told = link.translate_report(info)
            if told is not None:
                link.slot.sender.send_rtcp(rtcp.write_sender_report(told))

    def _pass_nack(self, part: rtcp.Part) -> None:
        link = self._by_slot.get(rtcp.media_ssrc(part) or 0)
        if link is None:
            return
        lost = [link.original(number) for number in rtcp.nacked(part)]
        if lost:
            link.origin.sender.send_rtcp(rtcp.write_nack(self.ssrc, link.source.ssrc, lost))

    def _take_feedback(self, part: rtcp.Part) -> None:
        match part.format:
            case rtcp.PLI:
                wanted = [rtcp.media_ssrc(part) or 0]
            case rtcp.FIR:
                wanted = rtcp.fir_ssrcs(part)
            case rtcp.AFB:
                self._take_estimate(part)
                return
            case _:
                return
        for ssrc in wanted:
            link = self._by_slot.get(ssrc)
            if link is not None:
                link.origin.request_key(link.source)

    def _take_estimate(self, part: rtcp.Part) -> None:
        """Pass on how much this browser can take, shared between the pictures that come in."""
        found = rtcp.read_remb(part)
        now = self.clock()
        if found is None or now - self._estimated_at < ESTIMATE_EVERY:
            return
        self._estimated_at = now
        pictures = [link for link in self._by_slot.values() if link.source.section.media == "video"]
        for link in pictures:
            link.estimate = found[0] // len(pictures)
        for link in pictures:
            link.origin.tell_estimate(link.source)

    def tell_estimate(self, source: Source) -> None:
        """Tell our browser how much the weakest of those who watch a stream can take."""
        known = [link.estimate for link in source.links if link.estimate is not None]
        if known:
            self.transport.send_rtcp(rtcp.write_remb(self.ssrc, min(known), [source.ssrc]))

    def request_key(self, source: Source) -> None:
        """Ask our browser for a key frame of a stream, now or as soon as it may be asked again.

        Asked again until everybody who waits for one has it: the request may be lost.
        """
        if source.section.media != "video" or self._closed:
            return
        asked = self._asked.setdefault(source.section.mid, Asked())
        now = self.clock()
        if asked.again is not None:
            return
        wait = asked.at + KEY_EVERY - now
        if wait <= 0:
            asked.at, wait = now, KEY_EVERY
            self.transport.send_rtcp(rtcp.write_pli(self.ssrc, source.ssrc))
            if not any(link.waiting and link.takes for link in source.links):
                return
        loop = asyncio.get_running_loop()
        asked.again = loop.call_later(wait, self._ask_again, source, asked)

    def _ask_again(self, source: Source, asked: Asked) -> None:
        asked.again = None
        if self.sources.get(source.section.mid) is source:
            self.request_key(source)

    def ask_again(self, source: Source, lost: list[int]) -> None:
        """Ask our browser for packets again."""
        self.transport.send_rtcp(rtcp.write_nack(self.ssrc, source.ssrc, lost))

    def on_state(self, state: str) -> None:
        """Hear what aiortc says of the connection."""
        if state == "connected":
            for source in self.sources.values():
                if source.links:
                    self.request_key(source)
        self.told(self, state)

    async def close(self) -> None:
        """End the connection; nobody is fed by it any more."""
        if self._closed:
            return
        self._closed = True
        for slot in self.slots.values():
            self.unlink(slot)
        for source in list(self.sources.values()):
            self._forget(source)
        for asked in self._asked.values():
            if asked.again is not None:
                asked.again.cancel()
        for timer in (self._feedback, self._reporting):
            if timer is not None:
                timer.cancel()
        await self.transport.close()

"""Streams on their way: from a source that a browser sends in to the slots of those who watch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from server.media.cells import OUTBOX, Cell
from server.media.reception import Reception
from server.media.rtcp import SenderInfo
from server.media.rtp import HEADER, TRANSPORT_CC, find_payload, newer, starts_key_frame
from server.media.sections import Codec, Section
from server.media.shapes import Shape, Shapes

# A packet that left before the first one of a new source may come after it, but not much later.
_SETTLED_AFTER: Final = 256
_DROP: Final = 0xFF
_HALF: Final = 0x8000
_MARKER: Final = 0x80
_TYPE: Final = 0x7F


# First byte, second byte, number, time and SSRC, as HEADER has them.
Header = tuple[int, int, int, int, int]
Kind = Literal["camera", "screen", "document"]
KINDS: Final[tuple[Kind, ...]] = ("camera", "screen", "document")


# An RTP packet in its cell, which is changed where it is forwarded: its size and header, the shape
# of its extensions, whether it repeats another one, and when it came. Made for every packet: a
# bare tuple costs a fifth of a named one.
Packet = tuple[Cell, int, Header, Shape, bool, float]


class Sender(Protocol):
    """What brings packets to a browser."""

    def send_rtp(self, cell: Cell, size: int) -> None:
        """Send the packet in a cell, which is changed by it."""

    def send_rtcp(self, compound: bytes) -> None:
        """Send a report or a request."""


class Origin(Protocol):
    """The leg that a source belongs to, as those whom it feeds know it."""

    @property
    def sender(self) -> Sender:
        """What brings reports and requests to the source's browser."""

    def request_key(self, source: Source) -> None:
        """Ask for a key frame."""

    def tell_estimate(self, source: Source) -> None:
        """Tell how much those who watch can take."""


@dataclass(slots=True)
class Lane:
    """One SSRC towards a browser: its numbering goes on whatever source feeds it."""

    ssrc: int
    last: int | None = None
    offset: int = 0

    def begin(self, number: int) -> None:
        """Let a source's packet `number` come right after what was sent last."""
        self.offset = 0 if self.last is None else (self.last + 1 - number) & 0xFFFF

    def number(self, number: int) -> int:
        """Return what a source's packet is called here."""
        out = (number + self.offset) & 0xFFFF
        last = self.last
        if last is None or 0 < (out - last) & 0xFFFF < _HALF:
            self.last = out
        return out


@dataclass(slots=True)
class Slot:
    """A section in which a browser receives: one picture or one voice at a time."""

    section: Section
    sender: Sender
    media: Lane = field(init=False)
    repair: Lane = field(init=False)
    time_offset: int = 0
    last_time: int | None = None
    last_at: float = 0.0

    def __post_init__(self) -> None:
        """Take the SSRCs that the browser was told."""
        self.media, self.repair = (Lane(ssrc) for ssrc in self.section.out_ssrcs)


@dataclass(slots=True)
class Source:
    """A stream that a browser sends."""

    section: Section
    ssrc: int
    repair_ssrc: int
    links: list[Link] = field(default_factory=list)
    shapes: Shapes = field(init=False)

    def __post_init__(self) -> None:
        """Look up once what is needed for every packet."""
        self.renew(self.section)

    def renew(self, section: Section) -> None:
        """Go on under what was negotiated anew."""
        self.section = section
        self.shapes = Shapes(section.extensions.id_of(TRANSPORT_CC))
        for link in self.links:
            link.fit()

    def forward(self, packet: Packet) -> None:
        """Bring a packet to all whom its stream feeds."""
        links = self.links
        if len(links) > 1:
            cell, size, header, shape, repair, now = packet
            for link in links[1:]:
                copy = OUTBOX.spare()
                copy.view[:size] = cell.view[:size]
                link.forward((copy, size, header, shape, repair, now))
        if links:
            # The last one needs no copy: the packet goes out from where it came in.
            links[0].forward(packet)

    @property
    def kind(self) -> Kind:
        """What it shows, by the name its browser gave it; a camera's if it gave none."""
        named = self.section.stream.rpartition(":")[2]
        return next((kind for kind in KINDS if kind == named), "camera")


@dataclass(slots=True)
class Inflow:
    """One SSRC of ours: whose packets it bears, how the last one looked, and how they come in."""

    source: Source
    repair: bool
    shape: Shape | None = None
    reception: Reception | None = None
    clock: int = 0


class Link:
    """Brings one source's packets into one slot, under that slot's names and numbers.

    A picture begins with a key frame: what comes before it could not be decoded.
    """

    __slots__ = (
        "_fresh", "_names", "_start", "_types", "estimate", "origin", "slot", "source", "waiting",
    )  # fmt: skip

    def __init__(self, source: Source, slot: Slot, origin: Origin) -> None:
        """Prepare to forward; nothing is sent before the first fit packet."""
        self.source, self.slot, self.origin = source, slot, origin
        self.waiting = source.section.media == "video"
        self.estimate: int | None = None
        self._start: int | None = None
        self._fresh = 0
        self.fit()

    def fit(self) -> None:
        """Learn what the source's types and extensions are called in the slot, once more if new."""
        source, slot = self.source.section, self.slot.section
        self._types = payload_types(source, slot)
        self._names = source.extensions.onto(slot.extensions)

    @property
    def takes(self) -> bool:
        """Whether the slot takes what the source sends: what was answered first."""
        return self._types[next(iter(self.source.section.codecs))] != _DROP

    def forward(self, packet: Packet) -> None:
        """Forward a packet, in its cell, if it is fit for this slot."""
        cell, size, (first, second, number, stamp, _), shape, repair, now = packet
        kind = self._types[second & _TYPE]
        if kind == _DROP or (self._start is None and not self._begin(packet)):
            return
        slot, view = self.slot, cell.view
        lane = slot.media
        if repair:
            if not self._rename_repeated(view, size, number):
                return
            lane = slot.repair
        elif self._fresh < _SETTLED_AFTER:
            self._fresh += 1
            if self._start is not None and newer(self._start, number):
                return
        out_stamp = (stamp + slot.time_offset) & 0xFFFFFFFF
        HEADER.pack_into(
            view, 0, first, second & _MARKER | kind, lane.number(number), out_stamp, lane.ssrc
        )
        if not repair:
            slot.last_time, slot.last_at = out_stamp, now
        for place, content in shape.patches(self._names):
            view[place] = content
        slot.sender.send_rtp(cell, size)

    def _begin(self, packet: Packet) -> bool:
        """Let the slot's numbers and times go on with this packet, if a picture can begin so."""
        cell, size, (_, second, number, stamp, _), _, _, now = packet
        codec = self.source.section.codecs[second & _TYPE]
        if codec.repairs is not None:
            return False
        if self.waiting:
            at = find_payload(cell.view, size)
            if at is None or not starts_key_frame(codec.name, cell.view, at):
                return False
        slot = self.slot
        self.waiting = False
        self._start = number
        slot.media.begin(number)
        if slot.last_time is None:
            slot.time_offset = 0
        else:
            elapsed = max(int((now - slot.last_at) * codec.clock), 1)
            slot.time_offset = (slot.last_time + elapsed - stamp) & 0xFFFFFFFF
        # The repair stream's numbers begin anew with the first packet that comes in it.
        slot.repair.offset = -1
        return True

    def _rename_repeated(self, view: memoryview, size: int, number: int) -> bool:
        """Have a retransmission say what it repeats by the slot's number of it (RFC 4588, 4)."""
        at = find_payload(view, size)
        if at is None or at.end - at.start < 2:  # noqa: PLR2004 (the repeated number)
            return False
        slot = self.slot
        if slot.repair.offset < 0:
            slot.repair.begin(number)
        repeated = view[at.start] << 8 | view[at.start + 1]
        original = (repeated + slot.media.offset) & 0xFFFF
        view[at.start], view[at.start + 1] = original >> 8, original & 0xFF
        return True

    def translate_report(self, info: SenderInfo) -> SenderInfo | None:
        """Return a sender report as the slot's browser must read it; None before anything flows."""
        if self._start is None:
            return None
        stamp = (info.rtp + self.slot.time_offset) & 0xFFFFFFFF
        return info._replace(ssrc=self.slot.media.ssrc, rtp=stamp)

    def original(self, number: int) -> int:
        """Return what the source calls the packet that has this number in the slot."""
        return (number - self.slot.media.offset) & 0xFFFF


def payload_types(source: Section, slot: Section) -> bytes:
    """Return 128 bytes: each payload type of the source's as the slot's browser knows it.

    0xFF for what that browser does not take.
    """
    table = bytearray([_DROP]) * 128
    known = {_likeness(one, slot): number for number, one in slot.codecs.items()}
    for number, one in source.codecs.items():
        table[number] = known.get(_likeness(one, source), _DROP)
    return bytes(table)


def _likeness(codec: Codec, section: Section) -> tuple[object, ...]:
    """Return what makes two payload types of two connections the same."""
    repaired = section.codecs.get(codec.repairs) if codec.repairs is not None else None
    base = None if repaired is None else (repaired.name, repaired.parameters)
    return codec.name, codec.clock, codec.parameters, base

"""Whole frames from packets, as a file takes them; nothing is decoded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from server.media.rtp import Payload, vp8_payload

# One frame of 20 ms in which nothing is heard: CELT, full band, one channel (RFC 6716, 3.1).
OPUS_SILENCE: Final = b"\xf8\xff\xfe"
OPUS_SILENCE_MS: Final = 20
_START_CODE: Final = b"\x9d\x01\x2a"


class Packet(NamedTuple):
    """What the recorder keeps of an RTP packet."""

    stamp: int
    marker: bool
    payload: bytes


class Frame(NamedTuple):
    """One frame: its RTP time, whether it stands alone, and for key frames its size in pixels."""

    stamp: int
    key: bool
    content: bytes
    size: tuple[int, int] | None = None


@dataclass(slots=True)
class Sound:
    """Opus: every packet is a frame."""

    needs_key: bool = False

    def push(self, packet: Packet) -> Frame | None:
        """Return the packet's frame; an empty packet is only a sign of life."""
        return Frame(packet.stamp, key=True, content=packet.payload) if packet.payload else None

    def break_off(self) -> None:
        """Go on after a hole: what follows stands alone."""


@dataclass(slots=True)
class Vp8:
    """VP8 (RFC 7741): a frame is one or more packets, its last one marked.

    After a hole nothing is kept before the next key frame: it would be a broken picture.
    """

    needs_key: bool = True
    _parts: list[bytes] = field(default_factory=list)
    _stamp: int | None = None

    def push(self, packet: Packet) -> Frame | None:
        """Take a packet in its order; return the frame that it completes."""
        at = (
            vp8_payload(memoryview(packet.payload), 0, len(packet.payload))
            if packet.payload
            else None
        )
        if at is None:
            return None
        start, first = at
        if first:
            self._parts, self._stamp = [packet.payload[start:]], packet.stamp
        elif self._stamp == packet.stamp:
            self._parts.append(packet.payload[start:])
        else:
            # The frame's beginning is missing.
            self.break_off()
            return None
        return self._complete() if packet.marker else None

    def _complete(self) -> Frame | None:
        content, stamp = b"".join(self._parts), self._stamp
        self._parts, self._stamp = [], None
        if stamp is None or not content:
            return None
        key = not content[0] & 1
        if self.needs_key and not key:
            return None
        self.needs_key = False
        return Frame(stamp, key, content, vp8_size(content) if key else None)

    def break_off(self) -> None:
        """Go on after a hole."""
        self._parts, self._stamp = [], None
        self.needs_key = True


def vp8_size(content: bytes) -> tuple[int, int] | None:
    """Return the width and height that a key frame says it has (RFC 6386, 9.1)."""
    if len(content) < 10 or content[3:6] != _START_CODE:  # noqa: PLR2004 (tag, code and sizes)
        return None
    width, height = (int.from_bytes(content[at : at + 2], "little") & 0x3FFF for at in (6, 8))
    return width, height


def opus_milliseconds(content: bytes) -> int:
    """Return how long an Opus packet sounds, as its first bytes say (RFC 6716, 3.1 and 3.2)."""
    config, code = content[0] >> 3, content[0] & 3
    if config >= 16:  # noqa: PLR2004 (CELT: 2.5 to 20 ms)
        tenths = 25 << (config & 3)
    elif config >= 12:  # noqa: PLR2004 (hybrid: 10 or 20 ms)
        tenths = 100 << (config & 1)
    else:
        tenths = (100, 200, 400, 600)[config & 3]
    many = code == 3 and len(content) > 1  # noqa: PLR2004 (a number of frames that is told)
    frames = content[1] & 0x3F if many else (1, 2, 2, 1)[code]
    return tenths * frames // 10


def payload_of(packet: memoryview, at: Payload, *, skip: int = 0) -> bytes:
    """Copy a payload out of the buffer that the next packet will be in."""
    return bytes(packet[at.start + skip : at.end])

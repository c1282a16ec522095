"""RTP packets as bytes in a buffer: headers, extensions, and what a packet carries.

Nothing here allocates per packet more than it must: the forwarder calls these for every datagram.
Sources: RFC 3550 (header), RFC 8285 (one-byte extensions), RFC 4588 (RTX), RFC 7741 (VP8),
RFC 6184 (H264); VP9 has a file of its own.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from server.media import vp9

HEADER = struct.Struct("!BBHLL")
HEADER_SIZE: Final = 12
ONE_BYTE: Final = 0xBEDE
_SHORT = struct.Struct("!H")
# The id 15 ends a block (RFC 8285, 4.2).
_LAST_ID: Final = 15 << 4

MID: Final = "urn:ietf:params:rtp-hdrext:sdes:mid"
STREAM_ID: Final = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_ID: Final = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
SEND_TIME: Final = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
AUDIO_LEVEL: Final = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
TRANSPORT_CC: Final = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
# What one peer's packets say to another unchanged; all else is of one connection only.
PASSED_ON: Final = frozenset({SEND_TIME, AUDIO_LEVEL})


class Payload(NamedTuple):
    """Where a packet's payload lies in its buffer: [start, end)."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Extensions:
    """What the header extensions of one connection are called: id by URI."""

    ids: Mapping[str, int]

    def id_of(self, uri: str) -> int:
        """Return the extension's id; 0, which no extension has, if it was not negotiated."""
        return self.ids.get(uri, 0)

    def onto(self, other: Extensions) -> bytes:
        """Return 16 bytes: each of our ids' name on the other connection, 0 for what stays here."""
        table = bytearray(16)
        for uri in PASSED_ON & self.ids.keys() & other.ids.keys():
            table[self.ids[uri]] = other.ids[uri]
        return bytes(table)


def find_payload(packet: memoryview, size: int) -> Payload | None:
    """Return where the payload of an RTP packet of `size` bytes lies; None if it is malformed."""
    if size < HEADER_SIZE:
        return None
    first = packet[0]
    start = HEADER_SIZE + 4 * (first & 0x0F)
    if first & 0x10:
        if start + 4 > size:
            return None
        start += 4 + 4 * _SHORT.unpack_from(packet, start + 2)[0]
    end = size - packet[size - 1] if first & 0x20 else size
    return Payload(start, end) if start <= end else None


def read_extension(packet: memoryview, size: int, wanted: int) -> bytes | None:
    """Return the value of a one-byte header extension, or None."""
    block = extension_block(packet, size)
    for ident, start, end in () if block is None else elements(packet, *block):
        if ident == wanted:
            return bytes(packet[start:end])
    return None


def extension_block(packet: memoryview, size: int) -> tuple[int, int] | None:
    """Return where a packet's extensions lie behind their head: [start, end).

    None if there are none, or fewer bytes than it says.
    """
    first = packet[0]
    start = HEADER_SIZE + 4 * (first & 0x0F) + 4
    if not first & 0x10 or start > size:
        return None
    end = start + 4 * _SHORT.unpack_from(packet, start - 2)[0]
    return (start, end) if end <= size else None


def elements(packet: memoryview, start: int, end: int) -> list[tuple[int, int, int]]:
    """Return (id, start, end) of the value of each one-byte extension in a block."""
    at = start
    found: list[tuple[int, int, int]] = []
    if _SHORT.unpack_from(packet, start - 4)[0] != ONE_BYTE:
        return found
    while at < end:
        head = packet[at]
        at += 1
        if head == 0:
            continue
        after = at + (head & 0x0F) + 1
        if head >= _LAST_ID or after > end:
            break
        found.append((head >> 4, at, after))
        at = after
    return found


def starts_key_frame(codec: str, packet: memoryview, at: Payload) -> bool:
    """Say whether a packet begins a picture that can be decoded without any before it."""
    start, end = at
    if start >= end:
        return False
    match codec:
        case "VP8":
            return _starts_vp8_key_frame(packet, start, end)
        case "VP9":
            return vp9.starts_key_frame(packet[start:end])
        case "H264":
            return _starts_h264_key_frame(packet, start, end)
        case _:
            return True


def vp8_payload(packet: memoryview, start: int, end: int) -> tuple[int, bool] | None:
    """Return where VP8 data begins behind its descriptor, and whether a frame begins with it."""
    first = packet[start]
    at = start + 1
    if first & 0x80:
        if at >= end:
            return None
        more = packet[at]
        at += 1
        if more & 0x80:
            if at >= end:
                return None
            at += 2 if packet[at] & 0x80 else 1
        if more & 0x40:
            at += 1
        if more & 0x30:
            at += 1
    if at >= end:
        return None
    return at, first & 0x17 == 0x10  # noqa: PLR2004 (S set and partition 0: RFC 7741, 4.2)


def _starts_vp8_key_frame(packet: memoryview, start: int, end: int) -> bool:
    found = vp8_payload(packet, start, end)
    return found is not None and found[1] and not packet[found[0]] & 1


_IDR, _SPS, _STAP_A, _FU_A = 5, 7, 24, 28


def _starts_h264_key_frame(packet: memoryview, start: int, end: int) -> bool:
    kind = packet[start] & 0x1F
    if kind in {_IDR, _SPS}:
        return True
    if kind == _FU_A:
        began = start + 1 < end and bool(packet[start + 1] & 0x80)
        return began and packet[start + 1] & 0x1F in {_IDR, _SPS}
    at = start + 1
    while kind == _STAP_A and at + 2 < end:
        if packet[at + 2] & 0x1F in {_IDR, _SPS}:
            return True
        at += 2 + _SHORT.unpack_from(packet, at)[0]
    return False


def newer(number: int, than: int) -> bool:
    """Say whether a 16-bit sequence number comes after another (RFC 1982)."""
    return number != than and (number - than) & 0xFFFF < 0x8000  # noqa: PLR2004 (half of 16 bits)

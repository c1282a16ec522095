"""RTP packets made by hand."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from server.media.cells import INBOX, Cell
from server.media.forwarding import Packet
from server.media.rtp import AUDIO_LEVEL, HEADER, MID, SEND_TIME, TRANSPORT_CC, Extensions
from server.media.sections import Codec, Section
from server.media.shapes import Shape

# How a browser numbers its extensions, and how another one might.
OURS = Extensions({MID: 1, AUDIO_LEVEL: 2, SEND_TIME: 3, TRANSPORT_CC: 4})
THEIRS = Extensions({AUDIO_LEVEL: 6, SEND_TIME: 5})

VP8_KEY = b"\x90\x80\x01\x10\x02\x00\x9d\x01\x2a"
VP8_DELTA = b"\x90\x80\x02\x11\x02\x00"
VP8_LATER_PART = b"\x80\x80\x02more"


def codecs(*numbers: int) -> dict[int, Codec]:
    """VP8, its repair and H264 under these payload types."""
    vp8, rtx, h264 = numbers
    return {
        vp8: Codec(vp8, "VP8", 90_000, ()),
        rtx: Codec(rtx, "RTX", 90_000, (), repairs=vp8),
        h264: Codec(h264, "H264", 90_000, (("packetization-mode", "1"),)),
    }


def section(
    mid: str = "1", *, sends: bool = True, stream: str = "leg:camera", media: str = "video",
    ssrcs: tuple[int, ...] = (1111, 1112), out: tuple[int, int] = (2221, 2222),
    types: tuple[int, int, int] = (96, 97, 98), extensions: Extensions = OURS,
) -> Section:  # fmt: skip
    """One negotiated section, a browser's own or a slot of it."""
    known = codecs(*types) if media == "video" else {111: Codec(111, "OPUS", 48_000, ())}
    return Section(mid, media, sends, not sends, stream, ssrcs, out, known, extensions)


def packet(
    number: int, payload: bytes = VP8_KEY, *, stamp: int = 9000, ssrc: int = 1111, kind: int = 96,
    extensions: Mapping[int, bytes] | None = None, marker: bool = False,
) -> bytes:  # fmt: skip
    """An RTP packet with one-byte extensions."""
    head = 0x80
    block = b""
    if extensions:
        head |= 0x10
        for ident, value in extensions.items():
            block += bytes([ident << 4 | len(value) - 1]) + value
        block += bytes(-len(block) % 4)
        block = struct.pack("!HH", 0xBEDE, len(block) // 4) + block
    first = struct.pack(
        "!BBHLL", head, kind | (0x80 if marker else 0), number & 0xFFFF, stamp, ssrc
    )
    return first + block + payload


def laid(content: bytes) -> tuple[Cell, int]:
    """Lay a packet into a cell; return it with the packet's size."""
    cell = INBOX.cells[0]
    cell.view[: len(content)] = content
    return cell, len(content)


def received(content: bytes, now: float, *, repair: bool = False) -> Packet:
    """Lay a packet into a cell, as a leg hands it on."""
    cell, size = laid(content)
    shape = Shape(cell.view, size, OURS.id_of(TRANSPORT_CC))
    return cell, size, HEADER.unpack_from(content), shape, repair, now

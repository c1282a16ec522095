"""RTCP packets: reading what a peer says, and writing what the relay asks and says.

Sources: RFC 3550 (SR, RR), RFC 4585 (NACK, PLI), RFC 5104 (FIR), draft-alvestrand-rmcat-remb
(REMB), draft-holmer-rmcat-transport-wide-cc-extensions-01 (transport-wide feedback).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

SR, RR, SDES, BYE, APP, RTPFB, PSFB, XR = range(200, 208)
NACK: Final = 1
TRANSPORT: Final = 15
PLI: Final = 1
FIR: Final = 4
AFB: Final = 15

_HEAD = struct.Struct("!BBH")
_LONG = struct.Struct("!L")
_SENDER = struct.Struct("!LQLLL")
_BLOCK = struct.Struct("!LLLLLL")
_PAIR = struct.Struct("!HH")
_TWO = struct.Struct("!LL")
_FEEDBACK = struct.Struct("!BBHLL")
_MANTISSA_BITS = 18


class Part(NamedTuple):
    """One packet of a compound: its type, its count or format, and its body after the header."""

    kind: int
    format: int
    body: bytes


class SenderInfo(NamedTuple):
    """What a sender report says of a stream: NTP (64 bit) and RTP time of one instant, and sums."""

    ssrc: int
    ntp: int
    rtp: int
    packets: int
    octets: int


class Block(NamedTuple):
    """A report block: what a receiver says of one stream; `loss` is the share and the sum."""

    ssrc: int
    loss: int
    highest: int
    jitter: int
    last_report: int
    delay: int


def split(compound: bytes) -> Iterator[Part]:
    """Yield a compound's packets; it ends where the bytes are no packet any more."""
    at, size = 0, len(compound)
    while at + 8 <= size:
        first, kind, words = _HEAD.unpack_from(compound, at)
        end = at + 4 + 4 * words
        if first >> 6 != 2 or end > size:  # noqa: PLR2004 (RTP's version)
            return
        padding = compound[end - 1] if first & 0x20 and words else 0
        yield Part(kind, first & 0x1F, compound[at + 4 : max(end - padding, at + 4)])
        at = end


def sender_info(part: Part) -> SenderInfo | None:
    """Read a sender report's sender; None if it is short."""
    return SenderInfo(*_SENDER.unpack_from(part.body)) if len(part.body) >= _SENDER.size else None


def media_ssrc(part: Part) -> int | None:
    """Return which stream a feedback packet is about."""
    return _LONG.unpack_from(part.body, 4)[0] if len(part.body) >= 8 else None  # noqa: PLR2004


def nacked(part: Part) -> list[int]:
    """Return the sequence numbers that a NACK names."""
    found = []
    for at in range(8, len(part.body) - 3, 4):
        lost, mask = _PAIR.unpack_from(part.body, at)
        found.append(lost)
        found += [(lost + bit + 1) & 0xFFFF for bit in range(16) if mask >> bit & 1]
    return found


def fir_ssrcs(part: Part) -> list[int]:
    """Return which streams a FIR asks a key frame of."""
    return [_LONG.unpack_from(part.body, at)[0] for at in range(8, len(part.body) - 7, 8)]


def read_remb(part: Part) -> tuple[int, list[int]] | None:
    """Read a receiver's estimate: bits per second, and of which streams; None if it is none."""
    body = part.body
    if len(body) < 16 or body[8:12] != b"REMB":  # noqa: PLR2004
        return None
    exponent, mantissa = body[13] >> 2, (body[13] & 3) << 16 | body[14] << 8 | body[15]
    count = min(body[12], (len(body) - 16) // 4)
    ssrcs = [_LONG.unpack_from(body, 16 + 4 * index)[0] for index in range(count)]
    return mantissa << exponent, ssrcs


def write_sender_report(info: SenderInfo) -> bytes:
    """Write an SR without report blocks."""
    return _HEAD.pack(0x80, SR, 6) + _SENDER.pack(*info)


def write_receiver_report(reporter: int, block: Block) -> bytes:
    """Write an RR with one block."""
    return _HEAD.pack(0x81, RR, 7) + _LONG.pack(reporter) + _BLOCK.pack(*block)


def write_nack(reporter: int, ssrc: int, lost: Sequence[int]) -> bytes:
    """Write one NACK for these sequence numbers, which are in their order."""
    pairs: list[tuple[int, int]] = []
    for number in lost:
        distance = (number - pairs[-1][0] - 1) & 0xFFFF if pairs else 16
        if distance < 16:  # noqa: PLR2004 (bits of a mask)
            pairs[-1] = (pairs[-1][0], pairs[-1][1] | 1 << distance)
        else:
            pairs.append((number, 0))
    head = _FEEDBACK.pack(0x80 | NACK, RTPFB, 2 + len(pairs), reporter, ssrc)
    return head + b"".join(_PAIR.pack(*pair) for pair in pairs)


def write_pli(reporter: int, ssrc: int) -> bytes:
    """Ask for a key frame."""
    return _FEEDBACK.pack(0x80 | PLI, PSFB, 2, reporter, ssrc)


def write_remb(reporter: int, bits_per_second: int, ssrcs: Sequence[int]) -> bytes:
    """Say how much a receiver can take."""
    exponent = max(bits_per_second.bit_length() - _MANTISSA_BITS, 0)
    mantissa = bits_per_second >> exponent
    head = _FEEDBACK.pack(0x80 | AFB, PSFB, 4 + len(ssrcs), reporter, 0)
    estimate = bytes([len(ssrcs), exponent << 2 | mantissa >> 16]) + _LONG.pack(mantissa)[2:]
    return head + b"REMB" + estimate + b"".join(_LONG.pack(ssrc) for ssrc in ssrcs)

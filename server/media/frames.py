"""Whole frames from packets, as a file takes them; nothing is decoded."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar, Final, NamedTuple

from server.media import vp9
from server.media.rtp import Payload, vp8_payload
from server.media.vp9 import MOST_LAYERS, join_layers

# One frame of 20 ms in which nothing is heard: CELT, full band, one channel (RFC 6716, 3.1).
OPUS_SILENCE: Final = b"\xf8\xff\xfe"
OPUS_SILENCE_MS: Final = 20
# The pictures that a WebM has a place for.
RECORDABLE: Final = frozenset({"VP8", "VP9"})
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

    codec: ClassVar[str] = "opus"
    needs_key: bool = False

    def push(self, packet: Packet) -> Frame | None:
        """Return the packet's frame; an empty packet is only a sign of life."""
        return Frame(packet.stamp, key=True, content=packet.payload) if packet.payload else None

    def break_off(self) -> None:
        """Go on after a hole: what follows stands alone."""


class Part(NamedTuple):
    """One packet's piece of a picture, and whether that, or a layer of it, begins here."""

    content: bytes
    first: bool
    layer: bool = False


@dataclass(slots=True)
class Pictures(ABC):
    """A picture is one or more packets, its last one marked.

    After a hole nothing is kept before the next key frame: it would be a broken picture.
    """

    codec: ClassVar[str]
    needs_key: bool = True
    _layers: list[list[bytes]] = field(default_factory=list)
    _stamp: int | None = None

    def push(self, packet: Packet) -> Frame | None:
        """Take a packet in its order; return the frame that it completes."""
        part = self._read(packet.payload) if packet.payload else None
        if part is None:
            return None
        if part.first:
            self._layers, self._stamp = [[part.content]], packet.stamp
        elif self._stamp != packet.stamp or len(self._layers) + part.layer > MOST_LAYERS:
            # The frame's beginning is missing, or there is no end to it.
            self.break_off()
            return None
        elif part.layer:
            self._layers.append([part.content])
        else:
            self._layers[-1].append(part.content)
        return self._complete() if packet.marker else None

    def _complete(self) -> Frame | None:
        layers, stamp = [b"".join(parts) for parts in self._layers], self._stamp
        self._layers, self._stamp = [], None
        if stamp is None or not layers[0]:
            return None
        key = self._is_key(layers[0])
        if self.needs_key and not key:
            return None
        self.needs_key = False
        return Frame(stamp, key, join_layers(layers), self._size(layers[0]) if key else None)

    def break_off(self) -> None:
        """Go on after a hole."""
        self._layers, self._stamp = [], None
        self.needs_key = True

    @abstractmethod
    def _read(self, payload: bytes) -> Part | None:
        """Return what a payload brings; None if nothing."""

    @abstractmethod
    def _is_key(self, content: bytes) -> bool:
        """Say whether a frame stands alone."""

    @abstractmethod
    def _size(self, content: bytes) -> tuple[int, int] | None:
        """Return what a key frame says of its size."""


class Vp8(Pictures):
    """VP8 (RFC 7741)."""

    __slots__ = ()
    codec = "vp8"

    def _read(self, payload: bytes) -> Part | None:
        at = vp8_payload(memoryview(payload), 0, len(payload))
        return None if at is None else Part(payload[at[0] :], at[1])

    def _is_key(self, content: bytes) -> bool:
        return not content[0] & 1

    def _size(self, content: bytes) -> tuple[int, int] | None:
        return vp8_size(content)


class Vp9(Pictures):
    """VP9 (RFC 9628), with as many spatial layers as are sent."""

    __slots__ = ()
    codec = "vp9"

    def _read(self, payload: bytes) -> Part | None:
        part = vp9.read_part(payload)
        if part is None:
            return None
        first = part.begins and part.layer == 0
        return Part(payload[part.start :], first, layer=part.begins)

    def _is_key(self, content: bytes) -> bool:
        return vp9.is_key(content)

    def _size(self, content: bytes) -> tuple[int, int] | None:
        return vp9.size_of(content)


def frames_of(codec: str) -> Sound | Pictures | None:
    """Return what makes frames of a codec's packets; None for what a WebM has no place for."""
    match codec:
        case "OPUS":
            return Sound()
        case "VP8":
            return Vp8()
        case "VP9":
            return Vp9()
        case _:
            return None


def vp8_size(content: bytes) -> tuple[int, int] | None:
    """Return the width and height that a key frame says it has (RFC 6386, 9.1), if it has any."""
    if len(content) < 10 or content[3:6] != _START_CODE:  # noqa: PLR2004 (tag, code and sizes)
        return None
    width, height = (int.from_bytes(content[at : at + 2], "little") & 0x3FFF for at in (6, 8))
    return (width, height) if width and height else None


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

"""Shapes: where the header extensions of a packet lie, looked up and not read again each time.

Nearly all packets of a stream have the same extensions at the same places; only their values
differ. Walking them took longer than decrypting the packet (measured: docs/adr/0010).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

from server.media.rtp import HEADER_SIZE, elements, extension_block

# Honest streams have a few; a peer that makes up new ones must not fill the memory.
MOST_SHAPES: Final = 16

# Bytes to be written from a place on.
Patch = tuple[slice, bytes]


class Shape:
    """What packets have in common whose extensions lie alike: all up to `end` but the values."""

    __slots__ = ("_patches", "elements", "end", "expected", "first", "number_at", "read")

    def __init__(self, packet: memoryview, size: int, numbered: int) -> None:
        """Learn from a packet; `numbered` is the id of the extension that numbers packets."""
        block = extension_block(packet, size)
        self.elements = [] if block is None else elements(packet, *block)
        # Where the 16-bit number lies; 0: there is none.
        self.number_at = 0
        layout, at = f"{HEADER_SIZE}x", HEADER_SIZE
        for ident, value, end in self.elements:
            layout += f"{value - at}s{end - value}x"
            at = end
            if ident == numbered and end - value == 2:  # noqa: PLR2004 (16 bits)
                self.number_at = value
        self.first: int = packet[0]
        self.end = HEADER_SIZE if block is None else block[1]
        if block is None and self.first & 0x10:
            # It is longer than its packet, and nothing else is like it.
            self.first = -1
        self.read: Callable[[Any], tuple[bytes, ...]] = struct.Struct(
            f"{layout}{self.end - at}s"
        ).unpack_from
        self.expected = self.read(packet)
        self._patches: dict[bytes, list[Patch]] = {}

    def fits(self, packet: memoryview, size: int) -> bool:
        """Say whether a packet's extensions lie so."""
        return packet[0] == self.first and size >= self.end and self.read(packet) == self.expected

    def patches(self, names: bytes) -> list[Patch]:
        """Return what gives the extensions the ids that the next connection knows them by.

        What has no name there (the MID, transport-wide numbers) becomes padding of the same
        length: a MID of one connection would put the packet into another's wrong section.
        """
        known = self._patches.get(names)
        if known is None:
            if len(self._patches) >= MOST_SHAPES:
                self._patches.clear()
            known = self._patches[names] = _joined([
                (value - 1, bytes([names[ident] << 4 | end - value - 1]) if names[ident]
                 else bytes(end - value + 1))
                for ident, value, end in self.elements
            ])  # fmt: skip
        return known


def _joined(changes: list[tuple[int, bytes]]) -> list[Patch]:
    """Write what lies side by side at once."""
    found: list[tuple[int, bytes]] = []
    for at, content in changes:
        if found and found[-1][0] + len(found[-1][1]) == at:
            found[-1] = found[-1][0], found[-1][1] + content
        else:
            found.append((at, content))
    return [(slice(at, at + len(content)), content) for at, content in found]


class Shapes:
    """The shapes that one stream's packets have had, the latest first."""

    __slots__ = ("_known", "_numbered")

    def __init__(self, numbered: int) -> None:
        """Begin with none; `numbered` as a Shape has it."""
        self._numbered = numbered
        self._known: list[Shape] = []

    def find(self, packet: memoryview, size: int) -> Shape:
        """Return the shape of a packet, learnt from it if none fits."""
        known = self._known
        for shape in known:
            if shape.fits(packet, size):
                return shape
        made = Shape(packet, size, self._numbered)
        known.insert(0, made)
        del known[MOST_SHAPES:]
        return made

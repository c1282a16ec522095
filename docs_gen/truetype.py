"""A TrueType face, read once: which characters it has, how wide they are, and subsets of it.

reportlab reads the file. Its subsets are not used: they copy the whole glyph table for each page,
and carry tables that a PDF has no use for.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from reportlab.pdfbase.ttfonts import TTFontFace

KEPT = ("cvt ", "fpgm", "prep")
HEAD_CHECK, HEAD_LOCA_FORMAT, HHEA_METRICS, MAXP_GLYPHS = 8, 50, 34, 4
CHECKSUM = 0xB1B0AFBA
COMPOSITE_HEAD = 10
WORDS, SCALE, MORE, SCALE_XY, SCALE_2X2 = 0x01, 0x08, 0x20, 0x40, 0x80


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a PDF says of a face, in thousandths of its size."""

    name: str
    ascent: float
    descent: float
    cap_height: float
    stem_v: float
    italic_angle: float
    box: tuple[float, float, float, float]


class Face:
    """A face of a TrueType file; reportlab's TTFError says what is wrong with the file."""

    def __init__(self, path: str) -> None:
        """Read a file."""
        self._face = face = TTFontFace(path)
        self._glyphs: dict[int, int] = face.charToGlyph
        self._start, _ = face.get_table_pos("glyf")
        self._metrics: bytes = face.get_table("hmtx")
        [self._full] = struct.unpack_from(">H", face.get_table("hhea"), HHEA_METRICS)
        self.metrics = Metrics(
            name=face.name.decode("ascii"),
            ascent=face.ascent,
            descent=face.descent,
            cap_height=face.capHeight,
            stem_v=face.stemV,
            italic_angle=face.italicAngle,
            box=tuple(face.bbox),
        )

    def glyph(self, character: str) -> int | None:
        """Return the number of the glyph that draws a character, if there is one."""
        return self._glyphs.get(ord(character)) or None

    def advance(self, character: str) -> float:
        """Return how wide a character is, in thousandths of the size."""
        return float(self._face.getCharWidth(ord(character)))

    def subset(self, glyphs: Sequence[int]) -> bytes:
        """Return a TrueType file of these glyphs in this order, with those they are composed of.

        The first is to be 0, what is drawn for a character without glyph.
        """
        order = list(glyphs)
        places = {glyph: place for place, glyph in enumerate(order)}
        outlines: list[bytes] = []
        for glyph in order:  # Grows by the glyphs of which others are composed.
            outline = self._outline(glyph)
            for at in _parts(outline):
                [part] = struct.unpack_from(">H", outline, at)
                if part not in places:
                    places[part] = len(order)
                    order.append(part)
                outline = outline[:at] + places[part].to_bytes(2) + outline[at + 2 :]
            outlines.append(outline + bytes(-len(outline) % 4))
        ends = [0]
        for outline in outlines:
            ends.append(ends[-1] + len(outline))
        count = len(order)
        return _file(
            {
                **self._kept,
                "glyf": b"".join(outlines),
                "loca": struct.pack(f">{count + 1}L", *ends),
                "hmtx": b"".join(map(self._advance, order)),
                "head": self._patched("head", HEAD_LOCA_FORMAT, 1),
                "hhea": self._patched("hhea", HHEA_METRICS, count),
                "maxp": self._patched("maxp", MAXP_GLYPHS, count),
            }
        )

    @cached_property
    def _kept(self) -> dict[str, bytes]:
        return {tag: self._face.get_table(tag) for tag in KEPT if tag in self._face.table}

    def _outline(self, glyph: int) -> bytes:
        start, end = self._face.glyphPos[glyph : glyph + 2]
        outline: bytes = self._face.get_chunk(self._start + start, end - start)
        return outline

    def _advance(self, glyph: int) -> bytes:
        """Return a glyph's advance and left side bearing as the table has them."""
        if glyph < self._full:
            return self._metrics[4 * glyph : 4 * glyph + 4]
        last, bearing = 4 * self._full - 4, 4 * self._full + 2 * (glyph - self._full)
        return self._metrics[last : last + 2] + self._metrics[bearing : bearing + 2]

    def _patched(self, tag: str, at: int, value: int) -> bytes:
        table: bytes = self._face.get_table(tag)
        return table[:at] + value.to_bytes(2) + table[at + 2 :]


def _parts(outline: bytes) -> Iterator[int]:
    """Go through the places in a composite glyph at which the glyphs that it uses are named."""
    at, flags = COMPOSITE_HEAD, MORE if outline[:1] >= b"\x80" else 0
    while flags & MORE:
        [flags] = struct.unpack_from(">H", outline, at)
        yield at + 2
        at += 4 + (4 if flags & WORDS else 2)
        at += 2 if flags & SCALE else 4 if flags & SCALE_XY else 8 if flags & SCALE_2X2 else 0


def _file(tables: dict[str, bytes]) -> bytes:
    """Put tables together; all begin at multiples of four bytes."""
    count = len(tables)
    steps = count.bit_length() - 1
    start = 12 + 16 * count
    head = struct.pack(">LHHHH", 0x10000, count, 16 << steps, steps, 16 * count - (16 << steps))
    parts: list[bytes] = []
    total = 0
    for tag, table in sorted(tables.items()):
        content = table[:HEAD_CHECK] + bytes(4) + table[12:] if tag == "head" else table
        padded = content + bytes(-len(content) % 4)
        check = _checksum(padded)
        if tag == "head":
            head_at = start
        head += struct.pack(">4sLLL", tag.encode(), check, start, len(content))
        total += check
        start += len(padded)
        parts.append(padded)
    whole = head + b"".join(parts)
    left = (CHECKSUM - total - _checksum(head)) & 0xFFFFFFFF
    at = head_at + HEAD_CHECK
    return whole[:at] + left.to_bytes(4) + whole[at + 4 :]


def _checksum(content: bytes) -> int:
    words = array("I", content)
    if sys.byteorder == "little":
        words.byteswap()
    return sum(words) & 0xFFFFFFFF

"""The faces of a PDF file: of each the characters that its pages use, and nothing of others."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from docs_gen.fonts import face_of
from docs_gen.truetype import Face

FULL_WIDTH = 1000.0
SYMBOLIC = 4
MOST_IN_BLOCK = 100
TAG_LETTERS = 6

Add = Callable[[bytes], int]


class Subset(dict[str, str]):
    """A face's characters that a document uses, each with its code in hexadecimal."""

    def __init__(self, face: Face) -> None:
        """Begin with no character; code 0 is what is drawn for one without glyph."""
        super().__init__()
        self.face = face
        self.glyphs = [0]

    def __missing__(self, character: str) -> str:
        """Give a character the next code; KeyError if the face cannot draw it."""
        glyph = self.face.glyph(character)
        if glyph is None:
            raise KeyError(character)
        code = self[character] = f"{len(self.glyphs):04X}"
        self.glyphs.append(glyph)
        return code


class Faces(dict[str, Subset]):
    """The faces that a document uses, by name."""

    def __missing__(self, name: str) -> Subset:
        """Take a face in."""
        subset = self[name] = Subset(face_of(name))
        return subset


def embed(subset: Subset, add: Add) -> int:
    """Add a face's objects to a file; return its font's number.

    Codes are two bytes and are the numbers of the subset's glyphs, so however many characters a
    page has, one font takes them.
    """
    said = subset.face.metrics
    name = b"/%s+%s" % (_tag(subset), said.name.encode())
    content = subset.face.subset(subset.glyphs)
    program = add(stream(content, b"/Length1 %d" % len(content)))
    descriptor = add(
        b"<</Type /FontDescriptor /FontName %s /Flags %d /FontBBox [%s] /ItalicAngle %s "
        b"/Ascent %s /Descent %s /CapHeight %s /StemV %s /FontFile2 %d 0 R>>"
        % (
            name, SYMBOLIC, b" ".join(map(_number, said.box)), _number(said.italic_angle),
            _number(said.ascent), _number(said.descent), _number(said.cap_height),
            _number(said.stem_v), program,
        )
    )  # fmt: skip
    glyphs = add(
        b"<</Type /Font /Subtype /CIDFontType2 /BaseFont %s /CIDSystemInfo <</Registry (Adobe) "
        b"/Ordering (Identity) /Supplement 0>> /CIDToGIDMap /Identity /FontDescriptor %d 0 R "
        b"/DW %s /W [%s]>>" % (name, descriptor, _number(FULL_WIDTH), _widths(subset))
    )
    meanings = add(stream(_meanings(subset)))
    return add(
        b"<</Type /Font /Subtype /Type0 /BaseFont %s /Encoding /Identity-H "
        b"/DescendantFonts [%d 0 R] /ToUnicode %d 0 R>>" % (name, glyphs, meanings)
    )


def stream(content: bytes, said: bytes = b"") -> bytes:
    """Return a stream as an object of a PDF file, compressed."""
    packed = zlib.compress(content)
    return b"<</Length %d /Filter /FlateDecode %s>>\nstream\n%s\nendstream" % (
        len(packed), said, packed,
    )  # fmt: skip


def _tag(subset: Subset) -> bytes:
    """Return the letters that tell this subset from others of the same face."""
    left = zlib.crc32("".join(subset).encode("utf-16-be", "surrogatepass"))
    letters = []
    for _ in range(TAG_LETTERS):
        left, letter = divmod(left, 26)
        letters.append(ord("A") + letter)
    return bytes(letters)


def _widths(subset: Subset) -> bytes:
    """Return how wide the characters are that are not of full width, by their codes."""
    wide = ((code, subset.face.advance(character)) for character, code in subset.items())
    return b" ".join(
        b"%d [%s]" % (int(code, 16), _number(one)) for code, one in wide if one != FULL_WIDTH
    )


def _meanings(subset: Subset) -> bytes:
    """Return the map from codes to characters, for searching and copying."""
    lines = [f"<{code}> <{_utf16(character)}>" for character, code in subset.items()]
    blocks = [lines[i : i + MOST_IN_BLOCK] for i in range(0, len(lines), MOST_IN_BLOCK)]
    said = "\n".join(
        "\n".join((f"{len(block)} beginbfchar", *block, "endbfchar")) for block in blocks
    )
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n"
        f"{said}\nendcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    ).encode()


def _utf16(character: str) -> str:
    return character.encode("utf-16-be", "surrogatepass").hex().upper()


def _number(value: float) -> bytes:
    return f"{value:.6g}".encode()

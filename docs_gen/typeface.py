"""A TrueType face as reportlab embeds it, made fit for large faces and rare characters."""

from __future__ import annotations

import re

from reportlab.pdfbase.pdfdoc import PDFDocument
from reportlab.pdfbase.ttfonts import TTFont, TTFontFace

MEANINGS = "toUnicodeCMap:"
_BEYOND = re.compile(r"<([0-9A-F]{5,6})>")


class _Outlines:
    """A face's glyph table, cut where it lies: reportlab copies all of it for each subset."""

    def __init__(self, face: TTFontFace) -> None:
        self._face = face
        self._start, _ = face.get_table_pos("glyf")

    def __getitem__(self, part: slice) -> bytes:
        outline: bytes = self._face.get_chunk(self._start + part.start, part.stop - part.start)
        return outline


class Typeface(TTFont):  # type: ignore[misc]  # reportlab has no type marker
    """A face of a TrueType file; reportlab's TTFError says what is wrong with the file."""

    def __init__(self, name: str, path: str) -> None:
        """Read a file."""
        # Characters get codes in the order in which they come; ASCII none of its own.
        super().__init__(name, path, asciiReadable=False, shapable=False)
        table, outlines = self.face.get_table, _Outlines(self.face)
        self.face.get_table = lambda tag: outlines if tag == "glyf" else table(tag)

    def has(self, character: str) -> bool:
        """Say whether the face draws a character."""
        return bool(self.face.charToGlyph.get(ord(character)))

    def advance(self, character: str) -> float:
        """Return how wide a character is, in thousandths of the size."""
        return float(self.face.getCharWidth(ord(character)))

    def addObjects(self, doc: PDFDocument) -> None:  # noqa: N802 (reportlab's name)
        """Add the document's subsets; what a code means is UTF-16, rare characters too."""
        super().addObjects(doc)
        for name, held in doc.idToObject.items():
            if name.startswith(MEANINGS):
                held.content = _BEYOND.sub(_utf16, held.content)


def _utf16(code: re.Match[str]) -> str:
    return f"<{chr(int(code[1], 16)).encode('utf-16-be').hex().upper()}>"

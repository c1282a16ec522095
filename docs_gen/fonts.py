"""A certificate's faces: embedded TrueType subsets of Noto Serif SC and Sans SC (SIL OFL)."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

SERIF, BOLD, SANS, FALLBACK = "KuayuSerif", "KuayuBold", "KuayuSans", "KuayuFallback"
FILES = {
    SERIF: "NotoSerifSC_400Regular.ttf",
    BOLD: "NotoSerifSC_700Bold.ttf",
    SANS: "NotoSansSC_400Regular.ttf",
}


@cache
def load_fonts(fallback: Path | None = None) -> frozenset[str]:
    """Register the faces, once per process; return their names.

    `fallback` is a TrueType file for characters that Noto does not have.
    """
    folder = resources.files("docs_gen") / "font_files"
    for name, file in FILES.items():
        pdfmetrics.registerFont(TTFont(name, str(folder / file)))
    if fallback is not None:
        pdfmetrics.registerFont(TTFont(FALLBACK, str(fallback)))
    return frozenset(pdfmetrics.getRegisteredFontNames()) & {*FILES, FALLBACK}


def has_glyph(font: str, character: str) -> bool:
    """Say whether a face can draw a character."""
    return ord(character) in pdfmetrics.getFont(font).face.charToGlyph


def face_for(character: str, wanted: str, loaded: frozenset[str]) -> str | None:
    """Return the face that draws a character: the wanted one, the fallback, or None."""
    if has_glyph(wanted, character):
        return wanted
    if FALLBACK in loaded and has_glyph(FALLBACK, character):
        return FALLBACK
    return None


def unprintable(text: str, fallback: Path | None = None) -> list[str]:
    """Return the characters of a text that no loaded face can draw, each once."""
    loaded = load_fonts(fallback)
    faces = (SERIF, BOLD)
    return sorted({c for c in text if any(face_for(c, face, loaded) is None for face in faces)})


def width(text: str, font: str, size: float, loaded: frozenset[str]) -> float:
    """Return how wide a text is, in points, with the fallback where it is needed."""
    parts = runs(text, font, loaded)
    return float(sum(pdfmetrics.stringWidth(run, face, size) for face, run in parts))


def runs(text: str, font: str, loaded: frozenset[str]) -> list[tuple[str, str]]:
    """Split a text into runs of one face each; ValueError names a character nobody can draw."""
    found: list[tuple[str, str]] = []
    for character in text:
        face = face_for(character, font, loaded)
        if face is None:
            raise ValueError(f"no glyph for {character!r} (U+{ord(character):04X})")
        if found and found[-1][0] == face:
            found[-1] = (face, found[-1][1] + character)
        else:
            found.append((face, character))
    return found

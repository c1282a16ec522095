"""A certificate's faces: embedded TrueType subsets of Noto Serif SC and Sans SC (SIL OFL)."""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib import resources
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError

from docs_gen.text import is_unseen
from docs_gen.typeface import Typeface

SERIF, BOLD, SANS, FALLBACK = "KuayuSerif", "KuayuBold", "KuayuSans", "KuayuFallback"
# Free faces of rare ideographs, where the system has them: those drawn for China first.
RARE = "KuayuRare"
RARE_FILES = (
    "BabelStoneHan.ttf", "PlangothicP1-Regular.ttf", "PlangothicP2-Regular.ttf", "HanaMinA.ttf",
    "HanaMinB.ttf", "Jigmo.ttf", "Jigmo2.ttf", "Jigmo3.ttf",
)  # fmt: skip
FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
FILES = {
    SERIF: "NotoSerifSC_400Regular.ttf",
    BOLD: "NotoSerifSC_700Bold.ttf",
    SANS: "NotoSansSC_400Regular.ttf",
}
_FACES: dict[str, Typeface] = {}


class FontError(Exception):
    """A face that is not there or cannot be embedded; names its file."""


@cache
def load_fonts(fallback: Path | None = None) -> frozenset[str]:
    """Read the faces, once per process; return their names. FontError names a bad file.

    `fallback` is a TrueType file for characters that Noto does not have. After it the system's
    faces of rare characters are asked, as far as we know them; each is read when it is needed.
    """
    folder = resources.files("docs_gen") / "font_files"
    for name, file in FILES.items():
        if name not in _FACES:
            _read(name, str(folder / file))
    names = {*FILES, *_rare_files()}
    if fallback is None:
        return frozenset(names)
    _read(FALLBACK, str(fallback))
    return frozenset({*names, FALLBACK})


@cache
def _rare_files() -> dict[str, Path]:
    """Return the system's faces of rare characters, by name, in the order they are asked in."""
    found = {path.name: path for folder in FONT_FOLDERS for path in folder.rglob("*.ttf")}
    return {f"{RARE}{i}": found[file] for i, file in enumerate(RARE_FILES) if file in found}


def _read(name: str, path: str) -> Typeface:
    """Read a face and make it known to reportlab."""
    try:
        face = _FACES[name] = Typeface(name, path)
    except TTFError as error:
        raise FontError(f"{path}: {error}") from None
    pdfmetrics.registerFont(face)
    return face


def has_glyph(font: str, character: str) -> bool:
    """Say whether a face can draw a character."""
    face = _FACES.get(font) or _rare_face(font)
    return face is not None and face.has(character)


@cache
def _rare_face(name: str) -> Typeface | None:
    """Read a face of the system's; one that cannot be embedded draws nothing."""
    try:
        return _read(name, str(_rare_files()[name]))
    except FontError:
        return None


@cache
def face_for(character: str, wanted: str, loaded: frozenset[str]) -> str | None:
    """Return the face that draws a character: the wanted one, a fallback, or None.

    Of the fallbacks the configured one is asked first.
    """
    others = sorted(loaded - {*FILES})
    return next((face for face in (wanted, *others) if has_glyph(face, character)), None)


def unprintable(text: str, fallback: Path | None = None) -> list[str]:
    """Return the characters of a text that cannot be printed, each once.

    Those are the ones that no loaded face draws, and those that cannot be seen: control, bidi.
    """
    loaded = load_fonts(fallback)
    return sorted({c for c in set(text) if is_unseen(c) or not _is_drawn(c, loaded)})


def _is_drawn(character: str, loaded: frozenset[str]) -> bool:
    """Say whether every face draws what a character becomes in Unicode's form NFC."""
    return all(
        face_for(one, face, loaded) is not None
        for one in unicodedata.normalize("NFC", character)
        for face in (SERIF, BOLD)
    )


def width(text: str, font: str, size: float, loaded: frozenset[str]) -> float:
    """Return how wide a text is, in points, with the fallback where it is needed."""
    return size * sum(_advance(character, font, loaded) for character in text)


@cache
def _advance(character: str, font: str, loaded: frozenset[str]) -> float:
    [(face, _)] = runs(character, font, loaded)
    return _FACES[face].advance(character) / 1000


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

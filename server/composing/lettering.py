"""Words in grey on dark, as the brightness plane of a picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from PIL import Image, ImageDraw, ImageFont

# Brightness in video's own range.
DARK: Final = 30
_GREY, _WHITE = 170, 225
_MARGIN: Final = 12
_SHORTEST: Final = 2


@dataclass(frozen=True, slots=True)
class Lettering:
    """Sets words in one face."""

    font: str

    def strip(self, width: int, height: int, left: str, right: str = "") -> bytes:
        """Return a strip with words at its left and others at its right; too long ones are cut."""
        image, draw = _sheet(width, height)
        face = _face(self.font, height * 5 // 9)
        middle, room = height // 2, width - 2 * _MARGIN
        if right:
            draw.text((width - _MARGIN, middle), right, _GREY, face, "rm")
            room -= int(face.getlength(right)) + _MARGIN
        draw.text((_MARGIN, middle), _cut(left, face, room), _WHITE, face, "lm")
        return image.tobytes()

    def sign(self, width: int, height: int, words: str, why: str) -> bytes:
        """Return a dark picture with words in its middle and the reason under them."""
        image, draw = _sheet(width, height)
        face, small = _face(self.font, height // 10), _face(self.font, height // 20)
        draw.text((width // 2, height // 2), words, _WHITE, face, "mm")
        line = _cut(why, small, width - 2 * _MARGIN)
        draw.text((width // 2, height // 2 + height // 9), line, _GREY, small, "mm")
        return image.tobytes()


def _sheet(width: int, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("L", (width, height), DARK)
    return image, ImageDraw.Draw(image)


@lru_cache(maxsize=8)
def _face(font: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(font, size)


def _cut(words: str, face: ImageFont.FreeTypeFont, room: int) -> str:
    if face.getlength(words) <= room:
        return words
    while len(words) > _SHORTEST and face.getlength(words + "…") > room:
        words = words[:-1]
    return words + "…"

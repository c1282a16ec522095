"""An invented seal as a platform would give it: red on nothing, and it says 演示."""

from __future__ import annotations

import io
import math
from functools import cache
from importlib import resources
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from docs_gen.imageseal import ImageSeal
from docs_gen.picture import Picture

RED = (214, 24, 32)
FACE = Path(str(resources.files("docs_gen") / "font_files" / "NotoSansSC_400Regular.ttf"))
WORDS = "某某省统一印章平台"
TIMES = 2
# Whose seal it is, and how many mm wide.
PICTURED, WIDTH = "huoqiu-hrss", 42.0


@cache
def seal_image(
    wide: int = 700, high: int = 700, colour: tuple[int, int, int] = RED, words: str = WORDS
) -> Image.Image:
    """Draw it twice as large, for smooth edges."""
    w, h = wide * TIMES, high * TIMES
    image = Image.new("RGBA", (w, h), (*colour, 0))
    pen = ImageDraw.Draw(image)
    pen.ellipse((0, 0, w - 1, h - 1), outline=(*colour, 255), width=w // 32)
    star = [
        (w / 2 + w * r * math.sin(a), h / 2 - w * r * math.cos(a))
        for i in range(10)
        for r, a in [((0.14, 0.0535)[i % 2], math.radians(36 * i))]
    ]
    pen.polygon(star, fill=(*colour, 255))
    for i, word in enumerate(words):
        _turned(image, word, 30 * (i - (len(words) - 1) / 2), colour)
    face = ImageFont.truetype(str(FACE), w // 12)
    pen.text((w / 2, h * 0.78), "演 示", (*colour, 255), face, anchor="mm")
    return image.resize((wide, high), Image.Resampling.LANCZOS)


def _turned(image: Image.Image, word: str, degrees: float, colour: tuple[int, int, int]) -> None:
    w, h = image.size
    side = w // 9
    one = Image.new("RGBA", (side, side), (*colour, 0))
    face = ImageFont.truetype(str(FACE), int(side * 0.8))
    ImageDraw.Draw(one).text((side / 2, side / 2), word, (*colour, 255), face, anchor="mm")
    one = one.rotate(-degrees, resample=Image.Resampling.BICUBIC)
    x = w / 2 + w * 0.39 * math.sin(math.radians(degrees)) - side / 2
    y = h / 2 - h * 0.39 * math.cos(math.radians(degrees)) - side / 2
    image.alpha_composite(one, (int(x), int(y)))


def png(image: Image.Image, **options: object) -> bytes:
    """Return an image as PNG, with what the options ask for."""
    kept = io.BytesIO()
    image.save(kept, "PNG", **options)  # type: ignore[arg-type]
    return kept.getvalue()


def image_seal(*, demo: bool = True) -> ImageSeal:
    """Return the invented seal for a page."""
    return ImageSeal(Picture.read(seal_png(), WIDTH), demo)


@cache
def seal_png() -> bytes:
    """Return the invented seal, 42 mm with 420 dpi."""
    return png(seal_image())

"""Pictures that no camera took: papers, a document camera's still, a drawn signature."""

from __future__ import annotations

import random
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

STILL = (3840, 2160)  # Pixels of the document camera that a rehearsal pretends to have.
PAGE = (1240, 1754)  # A4 at 150 dots an inch.
PAD = (600, 240)  # The facing screen's signature pad.

INK = (24, 32, 48)
PAPER = (250, 248, 242)
DESK = (96, 84, 72)
GRAIN = 12  # Strength of the sensor's noise: without it a JPEG is smaller than any camera's.
LINE = 44  # Pixels from one written line to the next, on a page.


def paper(title: str, *, size: tuple[int, int] = PAGE, seed: int = 0) -> bytes:
    """Return a JPEG of a page of invented writing, marked as of a rehearsal."""
    page = _written(title, size, seed)
    return _jpeg(page)


def still(title: str, *, seed: int = 0) -> bytes:
    """Return a JPEG of a card on a desk as a document camera gives it: 3840 by 2160 pixels."""
    width, height = STILL
    picture = Image.new("RGB", STILL, DESK)
    card = _written(title, (width * 5 // 8, height * 5 // 8), seed)
    turned = card.rotate(random.Random(seed).uniform(-4, 4), expand=True, fillcolor=DESK)  # noqa: S311 (a drawing)
    picture.paste(turned, ((width - turned.width) // 2, (height - turned.height) // 2))
    grain = Image.effect_noise(STILL, GRAIN).convert("RGB")
    return _jpeg(Image.blend(picture, grain, 0.06))


def signature(*, seed: int = 0) -> bytes:
    """Return a PNG of a few strokes on white, as the signature pad gives it."""
    chance = random.Random(seed)  # noqa: S311 (a drawing)
    picture = Image.new("RGB", PAD, "white")
    draw = ImageDraw.Draw(picture)
    width, height = PAD
    for stroke in range(5):
        x, y = width * (stroke + 1) // 7, height // 2
        points = [(x, y)]
        for _ in range(12):
            x += chance.randint(-6, 22)
            y = min(height - 20, max(20, y + chance.randint(-40, 40)))
            points.append((x, y))
        draw.line(points, fill=INK, width=5, joint="curve")
    content = BytesIO()
    picture.save(content, "PNG", optimize=True)
    return content.getvalue()


def _written(title: str, size: tuple[int, int], seed: int) -> Image.Image:
    """Return a sheet with a title and lines that look like writing."""
    chance = random.Random(seed)  # noqa: S311 (a drawing)
    width, height = size
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    # Pillow's own font has no Chinese; what the title says is for a person who looks closely.
    draw.text((width // 12, height // 20), f"REHEARSAL  {title}", INK, ImageFont.load_default(LINE))
    for y in range(height // 6, height - height // 12, LINE):
        x = width // 12
        while x < width - width // 6:
            word = chance.randint(20, 120)
            draw.rectangle((x, y, x + word, y + LINE // 3), fill=INK)
            x += word + 18
    return sheet


def _jpeg(picture: Image.Image) -> bytes:
    """Return a picture as JPEG."""
    content = BytesIO()
    picture.save(content, "JPEG", quality=88)
    return content.getvalue()

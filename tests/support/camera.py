"""What Chromium's camera sees: a film of one picture, in a file that can be drawn anew."""

from __future__ import annotations

from pathlib import Path

import pypdfium2
import segno
from PIL import Image, ImageFilter

SIZE = 1280, 720
DPI = 300
# The QR code's middle on a page of ours, and how much of the page a phone shows around it.
MIDDLE, SHOWN = (45.0, 234.0), 132.0
TILT, BLUR = 4.0, 0.6
DESK = 150


def film(path: Path, picture: Image.Image) -> None:
    """Have the camera see a picture from its next opening on (YUV4MPEG2, four frames)."""
    shown = Image.new("L", SIZE, DESK)
    fitted = picture.convert("L")
    fitted.thumbnail(SIZE, Image.Resampling.LANCZOS)
    shown.paste(fitted, ((SIZE[0] - fitted.width) // 2, (SIZE[1] - fitted.height) // 2))
    blurred = shown.rotate(TILT, Image.Resampling.BICUBIC, fillcolor=DESK)
    grey = blurred.filter(ImageFilter.GaussianBlur(BLUR)).tobytes()
    frame = b"FRAME\n" + grey + bytes([128]) * (SIZE[0] * SIZE[1] // 2)
    head = f"YUV4MPEG2 W{SIZE[0]} H{SIZE[1]} F10:1 Ip A1:1 C420jpeg\n".encode()
    # A camera that is just closing reads the old one to its end.
    drawn = path.with_suffix(".new")
    drawn.write_bytes(head + frame * 4)
    drawn.replace(path)


def paper(pdf: bytes) -> Image.Image:
    """Return the lower left of a printed certificate, as a phone sees it that is held over it."""
    page = pypdfium2.PdfDocument(pdf)[0].render(scale=DPI / 72, grayscale=True).to_pil()
    x, y, width = (round(length / 25.4 * DPI) for length in (*MIDDLE, SHOWN))
    height = width * SIZE[1] // SIZE[0]
    left, top = x - width // 2, y - height // 2
    return page.crop((left, top, left + width, top + height))


def printed(text: str) -> Image.Image:
    """Return any QR code on white paper."""
    code = segno.make(text, error="m", micro=False)
    side = code.symbol_size(border=8)[0]
    drawn = Image.new("L", (side, side), 255)
    for y, row in enumerate(code.matrix_iter(border=8)):
        for x, dark in enumerate(row):
            if dark:
                drawn.putpixel((x, y), 0)
    return drawn.resize((side * 6, side * 6), Image.Resampling.NEAREST)

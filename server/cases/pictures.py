"""Uploaded files made safe: sniffed, capped before decoding, re-encoded, drawn page by page.

Everything here decodes what strangers sent, so it runs in a worker process with limits on its
memory and time, never in the service's own.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, TypeVarTuple, Unpack

import pypdfium2
from PIL import Image, ImageOps, UnidentifiedImageError

from server.errors import ServiceError
from server.pool import WorkerPool

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 50_000_000
MAX_PAGES = 200
THUMB_PIXELS = 320
FULL_PIXELS = 2400
JPEG, PNG, PDF = "image/jpeg", "image/png", "application/pdf"
_SIGNATURES = {b"\xff\xd8\xff": JPEG, b"\x89PNG\r\n\x1a\n": PNG, b"%PDF-": PDF}

Given = TypeVarTuple("Given")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Picture:
    """A file that may go into a case."""

    content: bytes
    media_type: str
    width: int | None
    height: int | None
    pages: int


class Pictures:
    """A process with limits, in which files from outside are decoded."""

    def __init__(self) -> None:
        """Start no process before the first file comes."""
        self._pool = WorkerPool("pictures", 1, _prepare, (), refusal="material.unreadable")

    async def admit(self, content: bytes, media_type: str) -> Picture:
        """Return the file as it may be kept: pictures re-encoded without EXIF, PDFs unchanged.

        Refuses material.wrong_type, material.too_many_pixels, material.unreadable and
        material.too_large.
        """
        return await self._run(_admit, content, media_type)

    async def draw(self, content: bytes, media_type: str, page: int, *, thumb: bool) -> bytes:
        """Return one page as a JPEG picture; refuses material.unreadable, material.unknown."""
        pixels = THUMB_PIXELS if thumb else FULL_PIXELS
        return await self._run(_draw, content, media_type, page, pixels)

    async def close(self) -> None:
        """Stop the process."""
        await self._pool.close()

    async def _run(self, work: Callable[[Unpack[Given]], R | str], *given: *Given) -> R:
        found = await self._pool.run(work, *given)
        if isinstance(found, str):
            raise ServiceError(found)
        return found


def sniff(content: bytes) -> str | None:
    """Return the media type that the first bytes speak of."""
    return next((kind for mark, kind in _SIGNATURES.items() if content.startswith(mark)), None)


def _prepare() -> None:
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS


def _admit(content: bytes, media_type: str) -> Picture | str:
    """Return the picture, or the code of the refusal: exceptions of ours do not cross processes."""
    if len(content) > MAX_BYTES:
        return "material.too_large"
    if not content:
        return "material.unreadable"  # Of nothing nobody can say that it is of the wrong type.
    if sniff(content) != media_type:
        return "material.wrong_type"
    return _admit_pdf(content) if media_type == PDF else _admit_image(content, media_type)


def _admit_image(content: bytes, media_type: str) -> Picture | str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=["JPEG", "PNG"])
        width, height = image.size
        if width * height > MAX_PIXELS:
            return "material.too_many_pixels"
        upright = ImageOps.exif_transpose(image)
        kept = io.BytesIO()
        if media_type == JPEG:
            upright.convert("RGB").save(kept, "JPEG", quality=92)
        else:
            upright.convert("RGBA" if "A" in upright.getbands() else "RGB").save(kept, "PNG")
    except Image.DecompressionBombError:
        return "material.too_many_pixels"
    except (OSError, ValueError, SyntaxError, MemoryError, UnidentifiedImageError):
        return "material.unreadable"
    return Picture(kept.getvalue(), media_type, *upright.size, pages=1)


def _admit_pdf(content: bytes) -> Picture | str:
    try:
        document = pypdfium2.PdfDocument(content)
        pages = len(document)
        document.close()
    except pypdfium2.PdfiumError:
        return "material.unreadable"
    if not 0 < pages <= MAX_PAGES:
        return "material.unreadable"
    return Picture(content, PDF, None, None, pages)


def _draw(content: bytes, media_type: str, page: int, pixels: int) -> bytes | str:
    try:
        if media_type == PDF:
            document = pypdfium2.PdfDocument(content)
            if page > len(document):
                return "material.unknown"
            sheet = document[page - 1]
            image = sheet.render(scale=pixels / max(sheet.get_size())).to_pil()
        elif page > 1:
            return "material.unknown"
        else:
            image = Image.open(io.BytesIO(content), formats=["JPEG", "PNG"])
        image.thumbnail((pixels, pixels))
        drawn = io.BytesIO()
        image.convert("RGB").save(drawn, "JPEG", quality=88)
    except (OSError, ValueError, MemoryError, pypdfium2.PdfiumError, Image.DecompressionBombError):
        return "material.unreadable"
    return drawn.getvalue()

"""Files from outside: sniffed, capped before decoding, re-encoded."""

from __future__ import annotations

import io
import struct
import zlib

import pypdfium2
import pytest
from PIL import Image

from server.cases.pictures import JPEG, PDF, PNG, Pictures
from server.errors import ServiceError


def image(kind: str, size: tuple[int, int] = (60, 40), exif: bool = False) -> bytes:  # noqa: FBT001, FBT002 (a test's own switch)
    kept = io.BytesIO()
    picture = Image.new("RGB", size, "navy")
    options = {}
    if exif:
        tags = Image.Exif()
        tags[0x0112], tags[0x010F] = 6, "SecretCamera"
        options["exif"] = tags
    picture.save(kept, kind, **options)
    return kept.getvalue()


def bomb() -> bytes:
    """A PNG of a few hundred bytes that says it is 30,000 × 30,000 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b"")


def pages(count: int) -> bytes:
    document = pypdfium2.PdfDocument.new()
    for _ in range(count):
        document.new_page(300, 400)
    kept = io.BytesIO()
    document.save(kept)
    return kept.getvalue()


async def test_a_photo_loses_its_exif_and_stands_upright(pictures: Pictures) -> None:
    kept = await pictures.admit(image("JPEG", exif=True), JPEG)
    assert b"SecretCamera" not in kept.content
    assert (kept.width, kept.height) == (40, 60)


@pytest.mark.parametrize(
    ("content", "media_type", "code"),
    [
        (bomb(), PNG, "material.too_many_pixels"),
        (b"", PNG, "material.unreadable"),
        (pages(1), JPEG, "material.wrong_type"),
        (image("PNG"), JPEG, "material.wrong_type"),
        (image("PNG")[:60], PNG, "material.unreadable"),
        (b"\xff\xd8\xff" + b"x" * 100, JPEG, "material.unreadable"),
        (b"%PDF-1.7 nothing", PDF, "material.unreadable"),
        (pages(201), PDF, "material.unreadable"),
        (b"<svg onload=alert(1)>", PNG, "material.wrong_type"),
    ],
)
async def test_what_is_no_picture_or_paper_is_refused(
    pictures: Pictures, content: bytes, media_type: str, code: str
) -> None:
    with pytest.raises(ServiceError) as refused:
        await pictures.admit(content, media_type)
    assert refused.value.code == code
    # The process lives on, or a fresh one does.
    assert (await pictures.admit(image("PNG"), PNG)).width == 60


async def test_every_page_of_a_paper_is_drawn_and_no_other(pictures: Pictures) -> None:
    paper = pages(3)
    assert (await pictures.admit(paper, PDF)).pages == 3
    drawn = await pictures.draw(paper, PDF, 3, thumb=True)
    assert max(Image.open(io.BytesIO(drawn)).size) == 320
    with pytest.raises(ServiceError) as refused:
        await pictures.draw(paper, PDF, 4, thumb=True)
    assert refused.value.code == "material.unknown"

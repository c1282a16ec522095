"""What the facing screen draws and what it sends: links as QR codes, signatures as PNG."""

from __future__ import annotations

import base64
import binascii
import struct
from typing import Final

import segno

from server.cases.pictures import PNG, Picture, Pictures
from server.errors import ServiceError

MAX_SIGNATURE_BYTES: Final = 200_000
MAX_SIGNATURE_SIDE: Final = 4000
LEAST_SIDE: Final = 16
_HEADER = struct.Struct(">8sI4sII")


def draw_link(url: str) -> str:
    """Return a link as a QR code: the data URL of an SVG."""
    made: str = segno.make(url, error="m", micro=False).svg_data_uri(scale=4, border=4)
    return made


async def admit_signature(pictures: Pictures, text: str) -> Picture:
    """Return a signature as it may be filed; signature.unreadable unless it is an honest PNG.

    Type and size in pixels are read from the header before anything is decoded.
    """
    try:
        content = base64.b64decode(text, validate=True)
        mark, _length, chunk, width, height = _HEADER.unpack_from(content)
    except (binascii.Error, struct.error):
        raise ServiceError("signature.unreadable", field="signature") from None
    fits = all(LEAST_SIDE <= side <= MAX_SIGNATURE_SIDE for side in (width, height))
    right = mark == b"\x89PNG\r\n\x1a\n" and chunk == b"IHDR"
    if not (fits and right) or len(content) > MAX_SIGNATURE_BYTES:
        raise ServiceError("signature.unreadable", field="signature")
    try:
        return await pictures.admit(content, PNG)
    except ServiceError as error:
        raise ServiceError("signature.unreadable", field="signature") from error

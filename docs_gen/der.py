"""DER written from parts that are DER already."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

SEQUENCE, SET, OCTETS, OPTION_0, OPTION_1 = 0x30, 0x31, 0x04, 0xA0, 0xA1
SHORT_LENGTH: Final = 0x80


def set_of(members: Iterable[bytes]) -> bytes:
    """Return a set of these members, in DER's order."""
    return element(SET, *sorted(members))


def element(tag: int, *parts: bytes) -> bytes:
    """Return one element of this tag and these contents."""
    content = b"".join(parts)
    length = len(content)
    if length < SHORT_LENGTH:
        return bytes((tag, length)) + content
    digits = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes((tag, SHORT_LENGTH | len(digits))) + digits + content

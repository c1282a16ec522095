"""VP9 as it travels and as a file takes it: its descriptor (RFC 9628) and its frames' headers.

Only profile 0 is negotiated, so a frame's header is read as that profile has it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

_ID, _PREDICTED, _LAYERED, _FLEXIBLE = 0x80, 0x40, 0x20, 0x10
_BEGINS, _STRUCTURED = 0x08, 0x02
# Two bits of marker, profile 0, no frame that is shown again, a key frame.
_KEY: Final = 0x80
_KEY_BITS: Final = 0xFC
_SYNC_CODE: Final = b"\x49\x83\x42"
_MOST_REFERENCES: Final = 3
MOST_LAYERS: Final = 8


class Part(NamedTuple):
    """One packet's piece of a picture: where it begins behind the descriptor, and what it is of.

    `layer` is the spatial layer, and `begins` says that its frame begins with this packet.
    """

    start: int
    begins: bool
    predicted: bool
    layer: int


def read_part(payload: bytes | memoryview) -> Part | None:
    """Read a descriptor; None if there is nothing behind it, or it ends too early."""
    try:
        first, at = payload[0], 1
        if first & _ID:
            at += 2 if payload[at] & 0x80 else 1
        layer = 0
        if first & _LAYERED:
            layer = payload[at] >> 1 & 7
            at += 1 if first & _FLEXIBLE else 2
        if first & _FLEXIBLE and first & _PREDICTED:
            at = _skip_references(payload, at)
        if first & _STRUCTURED:
            at = _skip_structure(payload, at)
    except IndexError:
        return None
    if at >= len(payload):
        return None
    return Part(at, bool(first & _BEGINS), bool(first & _PREDICTED), layer)


def _skip_references(payload: bytes | memoryview, at: int) -> int:
    for _ in range(_MOST_REFERENCES):
        at += 1
        if not payload[at - 1] & 1:
            break
    return at


def _skip_structure(payload: bytes | memoryview, at: int) -> int:
    """Skip the sizes of the layers and what the pictures of a group refer to."""
    head = payload[at]
    at += 1
    if head & 0x10:
        at += 4 * ((head >> 5) + 1)
    if head & 0x08:
        pictures = payload[at]
        at += 1
        for _ in range(pictures):
            at += 1 + (payload[at] >> 2 & 3)
    return at


def starts_key_frame(payload: bytes | memoryview) -> bool:
    """Say whether a packet begins a picture that can be decoded without any before it."""
    part = read_part(payload)
    return (
        part is not None
        and part.begins
        and not part.predicted
        and part.layer == 0
        and is_key(payload[part.start :])
    )


def is_key(frame: bytes | memoryview) -> bool:
    """Say whether a frame is a key frame."""
    return len(frame) > 0 and frame[0] & _KEY_BITS == _KEY


def size_of(frame: bytes) -> tuple[int, int] | None:
    """Return the width and height that a key frame says it has; None if it says none."""
    if len(frame) < 9 or frame[1:4] != _SYNC_CODE:  # noqa: PLR2004 (header, code and sizes)
        return None
    # Behind four bits of colour come twice 16 bits, each one less than it means.
    said = int.from_bytes(frame[4:9], "big")
    return (said >> 20 & 0xFFFF) + 1, (said >> 4 & 0xFFFF) + 1


def join_layers(layers: list[bytes]) -> bytes:
    """Return a picture of its layers' frames: with an index, without which players see one only."""
    if len(layers) == 1:
        return layers[0]
    wide = max((max(map(len, layers)).bit_length() + 7) // 8, 1)
    marker = bytes([0xC0 | (wide - 1) << 3 | len(layers) - 1])
    sizes = b"".join(len(one).to_bytes(wide, "little") for one in layers)
    return b"".join([*layers, marker, sizes, marker])

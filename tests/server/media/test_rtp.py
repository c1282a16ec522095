from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.media.rtp import (
    Payload,
    find_payload,
    newer,
    read_extension,
    starts_key_frame,
)
from server.media.shapes import Shape
from tests.support.packets import OURS, THEIRS, VP8_DELTA, VP8_KEY, VP8_LATER_PART, packet


def view(content: bytes) -> memoryview:
    return memoryview(bytearray(content))


def test_a_payload_lies_behind_header_and_extensions_and_before_the_padding() -> None:
    whole = packet(1, b"abc", extensions={1: b"0", 3: b"xyz"})
    at = find_payload(view(whole), len(whole))
    assert at is not None
    assert whole[at.start : at.end] == b"abc"
    padded = bytes([whole[0] | 0x20]) + whole[1:] + b"\x00\x00\x03"
    assert find_payload(view(padded), len(padded)) == at


@pytest.mark.parametrize(
    "content",
    [b"", b"\x80" * 11, packet(1, b"")[:-1], b"\x9f" + packet(1)[1:], b"\xa0" + bytes(11),
     b"\xb0" + packet(1, b"\xff")[1:], packet(1, b"", extensions={1: b"0"})[:15]],
)  # fmt: skip
def test_a_packet_that_is_shorter_than_it_says_has_no_payload(content: bytes) -> None:
    found = find_payload(view(content), len(content))
    assert found is None or found.start == found.end


@given(st.binary(max_size=80))
def test_no_bytes_whatever_break_the_reading_of_a_packet(content: bytes) -> None:
    given = bytearray(content)
    size = len(given)
    at = find_payload(memoryview(given), size)
    assert at is None or 0 <= at.start <= at.end <= size
    if size >= 12:
        read_extension(memoryview(given), size, 3)
        for place, written in Shape(memoryview(given), size, 4).patches(OURS.onto(THEIRS)):
            memoryview(given)[place] = written
    if at is not None:
        for codec in ("VP8", "VP9", "H264", "OPUS"):
            starts_key_frame(codec, memoryview(given), at)
    assert len(given) == size


@pytest.mark.parametrize(
    ("codec", "payload", "starts"),
    [
        ("VP8", VP8_KEY, True),
        ("VP8", VP8_DELTA, False),
        ("VP8", VP8_LATER_PART, False),
        ("VP8", b"\x10\x00", True),
        ("VP8", b"\x90", False),
        ("H264", b"\x67\x42", True),
        ("H264", b"\x65\x88", True),
        ("H264", b"\x41\x9a", False),
        ("H264", b"\x78\x00\x02\x67\x42\x00\x02\x68\xce", True),
        ("H264", b"\x78\x00\x02\x06\x42\x00\x02\x41\xce", False),
        ("H264", b"\x7c\x85\x88", True),
        ("H264", b"\x7c\x05\x88", False),
        ("H264", b"\x7c\x81\x88", False),
        ("OPUS", b"\x00", True),
        ("VP8", b"", False),
    ],
)
def test_a_key_frame_is_known_by_its_first_packet(
    codec: str, payload: bytes, *, starts: bool
) -> None:
    assert starts_key_frame(codec, view(payload), Payload(0, len(payload))) is starts


@pytest.mark.parametrize(
    ("number", "than", "after"),
    [(2, 1, True), (1, 2, False), (1, 1, False), (0, 65535, True), (65535, 0, False)],
)
def test_numbers_are_compared_around_their_wrap(number: int, than: int, *, after: bool) -> None:
    assert newer(number, than) is after

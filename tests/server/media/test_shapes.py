"""Where extensions lie, learnt from one packet and used for those that look alike."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.media.rtp import TRANSPORT_CC, read_extension
from server.media.shapes import MOST_SHAPES, Shape, Shapes
from tests.support.packets import OURS, THEIRS, packet

NUMBERED = OURS.id_of(TRANSPORT_CC)


def renamed(content: bytes, names: bytes, by: bytes | None = None) -> bytearray:
    """A packet under other names, by its own shape or by another packet's."""
    model = content if by is None else by
    after = bytearray(content)
    for place, written in Shape(memoryview(model), len(model), NUMBERED).patches(names):
        memoryview(after)[place] = written
    return after


def test_extensions_get_the_next_connections_names_and_what_is_private_is_taken_out() -> None:
    given = {1: b"0", 4: b"\x00\x07", 3: b"abc", 2: b"\x7f"}
    before = packet(1, b"payload", extensions=given)
    after = renamed(before, OURS.onto(THEIRS))
    size = len(after)
    assert read_extension(memoryview(after), size, 5) == b"abc"
    assert read_extension(memoryview(after), size, 6) == b"\x7f"
    for gone in (1, 2, 3, 4):
        assert read_extension(memoryview(after), size, gone) is None
    assert size == len(before)
    assert bytes(after).endswith(b"payload")
    assert bytes(after[:12]) == before[:12]


def test_an_extension_that_the_other_side_did_not_negotiate_is_taken_out() -> None:
    after = renamed(packet(1, b"x", extensions={3: b"abc"}), bytes(16))
    assert read_extension(memoryview(after), len(after), 3) is None


def test_packets_that_differ_in_values_only_are_of_one_shape() -> None:
    one = packet(1, b"payload", extensions={1: b"0", 4: b"\x00\x07", 3: b"abc"})
    other = packet(9, b"longer payload", stamp=5, extensions={1: b"7", 4: b"\x12\x34", 3: b"xyz"})
    shape = Shape(memoryview(one), len(one), NUMBERED)
    assert shape.fits(memoryview(other), len(other))
    assert other[shape.number_at : shape.number_at + 2] == b"\x12\x34"
    assert renamed(other, OURS.onto(THEIRS), by=one) == renamed(other, OURS.onto(THEIRS))


@pytest.mark.parametrize(
    "other",
    [
        packet(1, b"payload"),
        packet(1, b"payload", extensions={1: b"0", 3: b"abc", 4: b"\0\7"}),
        packet(1, b"payload", extensions={1: b"0", 4: b"\0\7", 3: b"abcd"}),
        packet(1, b"payload", extensions={1: b"0", 4: b"\0\7"}),
        packet(1, b"", extensions={1: b"0", 4: b"\0\7", 3: b"abc"})[:-1],
        b"\xb0" + packet(1, b"payload\1", extensions={1: b"0", 4: b"\0\7", 3: b"abc"})[1:],
        packet(1, b"", extensions={1: b"0", 4: b"\0\7", 3: b"abc"})[:-1] + b"\x10",
    ],
)
def test_other_extensions_are_another_shape(other: bytes) -> None:
    one = packet(1, b"payload", extensions={1: b"0", 4: b"\0\7", 3: b"abc"})
    shape = Shape(memoryview(one), len(one), NUMBERED)
    assert not shape.fits(memoryview(other), len(other))


def test_an_extension_that_is_no_16_bit_number_numbers_nothing() -> None:
    for extensions in ({4: b"\1"}, {4: b"abc"}, {3: b"\0\7"}, None):
        content = packet(1, b"payload", extensions=extensions)
        assert Shape(memoryview(content), len(content), NUMBERED).number_at == 0


def test_a_peer_that_makes_up_shapes_does_not_fill_the_memory() -> None:
    shapes = Shapes(NUMBERED)
    for ident in range(1, 15):
        for length in range(1, 16):
            content = packet(1, b"payload", extensions={ident: bytes(length)})
            found = shapes.find(memoryview(content), len(content))
            assert shapes.find(memoryview(content), len(content)) is found
    assert len(shapes._known) == MOST_SHAPES


@given(st.binary(min_size=12, max_size=60), st.binary(min_size=12, max_size=60))
def test_what_fits_a_shape_is_renamed_by_it_as_by_its_own(head: bytes, tail: bytes) -> None:
    block = head[12:]
    block += bytes(-len(block) % 4)
    one = b"\x90" + head[1:12] + struct.pack("!HH", 0xBEDE, len(block) // 4) + block
    other = one[:12] + one[12:16] + tail[: len(block)].ljust(len(block), b"\0")
    shape = Shape(memoryview(one), len(one), NUMBERED)
    if shape.fits(memoryview(other), len(other)):
        assert renamed(other, OURS.onto(THEIRS), by=one) == renamed(other, OURS.onto(THEIRS))

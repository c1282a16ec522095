from __future__ import annotations

from itertools import pairwise

import av
import av.video.codeccontext
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.media import vp9
from server.media.frames import Packet, Vp9
from server.media.rtp import Payload, starts_key_frame
from server.media.vp9 import (
    Part,
    is_key,
    join_layers,
    read_part,
    size_of,
)
from tests.support.clips import HEIGHT, WIDTH, flash_and_beep, vp9_packets

KEY = b"\x82\x49\x83\x42\x00\x13\xf0\x0e\xf0"


@pytest.mark.parametrize(
    ("payload", "part"),
    [
        # Nothing but the flags; a number of 7 bits, of 15 bits.
        (b"\x08" + KEY, Part(1, begins=True, predicted=False, layer=0)),
        (b"\x88\x05" + KEY, Part(2, begins=True, predicted=False, layer=0)),
        (b"\x88\x85\x06" + KEY, Part(3, begins=True, predicted=False, layer=0)),
        # Layers, with their picture's number in groups, and in flexible mode without it.
        (b"\xa4\x05\x02\x09" + KEY, Part(4, begins=False, predicted=False, layer=1)),
        (b"\xbc\x05\x04" + KEY, Part(3, begins=True, predicted=False, layer=2)),
        # One reference, and three; what says that there is a fourth is the frame's own byte.
        (b"\xd8\x05\x02" + KEY, Part(3, begins=True, predicted=True, layer=0)),
        (b"\xd8\x05\x03\x05\x07" + KEY, Part(5, begins=True, predicted=True, layer=0)),
        # Two layers with sizes; a group of two pictures that refer to one and to three others.
        (b"\x0a\x30" + bytes(8) + KEY, Part(10, begins=True, predicted=False, layer=0)),
        (b"\x0a\x08\x02\x04\x01\x0c\x01\x02\x03" + KEY,
         Part(9, begins=True, predicted=False, layer=0)),
    ],
)  # fmt: skip
def test_a_descriptor_is_read_and_what_it_describes_lies_behind_it(
    payload: bytes, part: Part
) -> None:
    assert read_part(payload) == part
    assert payload[part.start :] == KEY
    for size in range(part.start + 1):
        assert read_part(payload[:size]) is None


@given(st.binary(max_size=60))
def test_no_bytes_whatever_break_the_reading_of_a_picture(content: bytes) -> None:
    part = read_part(content)
    assert part is None or 0 < part.start < len(content)
    starts_key_frame("VP9", memoryview(content), Payload(0, len(content)))
    size_of(content)
    frames = Vp9()
    for marker in (False, True, True):
        frames.push(Packet(9000, marker, content))


@pytest.mark.parametrize(
    ("payload", "starts"),
    [
        (b"\x88\x05" + KEY, True),
        # It goes on, refers to others, is of a further layer, shows an old picture, is no key.
        (b"\x80\x05" + KEY, False),
        (b"\xc8\x05" + KEY, False),
        (b"\xb8\x05\x02" + KEY, False),
        (b"\x88\x05\x88", False),
        (b"\x88\x05\x86" + KEY, False),
        (b"\x88", False),
    ],
)
def test_a_key_frame_is_known_by_its_first_packet(payload: bytes, *, starts: bool) -> None:
    assert vp9.starts_key_frame(payload) is starts


def test_a_key_frame_says_its_size_and_a_coders_frames_are_known() -> None:
    first, second = flash_and_beep(2, coder="libvpx-vp9")["video"][:2]
    assert (is_key(first.content), is_key(second.content)) == (True, False)
    assert size_of(first.content) == (WIDTH, HEIGHT)
    assert size_of(KEY) == (320, 240)
    assert size_of(b"\x82\x49\x83\x43" + KEY[4:]) is None
    assert size_of(KEY[:-1]) is None


def test_the_layers_of_a_picture_are_one_frame_that_a_decoder_takes_apart() -> None:
    coded = [frame.content for frame in flash_and_beep(2, coder="libvpx-vp9")["video"][:3]]
    joined = join_layers(coded)
    decoder = av.CodecContext.create("vp9", "r")
    assert isinstance(decoder, av.video.codeccontext.VideoCodecContext)
    seen = decoder.decode(av.Packet(joined)) + decoder.decode(None)
    assert len(seen) == len(coded)
    assert join_layers(coded[:1]) == coded[0]


def test_layers_are_put_together_and_what_lacks_its_base_is_dropped() -> None:
    frames = Vp9()
    base, more = b"\xb8\x05\x00" + KEY, b"\xbc\x05\x02" + b"\x86more"
    assert frames.push(Packet(1, marker=False, payload=base)) is None
    whole = frames.push(Packet(1, marker=True, payload=more))
    assert whole is not None
    assert whole.key
    assert whole.content == join_layers([KEY, b"\x86more"])
    assert frames.push(Packet(2, marker=True, payload=more)) is None
    assert frames.needs_key


def test_a_picture_of_many_layers_without_end_is_none() -> None:
    frames = Vp9()
    assert frames.push(Packet(1, marker=False, payload=b"\xb8\x05\x00" + KEY)) is None
    for _ in range(20):
        assert frames.push(Packet(1, marker=False, payload=b"\xbc\x05\x02more")) is None
    assert frames.needs_key
    assert frames.push(Packet(1, marker=True, payload=b"\xbc\x05\x02more")) is None


@pytest.mark.parametrize("mode", ["numbered", "flexible"])
def test_a_coders_frames_come_out_of_their_packets_as_they_went_in(mode: str) -> None:
    coded = flash_and_beep(2, coder="libvpx-vp9")["video"]
    frames, found = Vp9(), []
    for number, frame in enumerate(coded):
        parts = vp9_packets(frame.content, key=frame.key, mode=mode)
        for part, after in pairwise([*parts, b""]):
            one = frames.push(Packet(number, after == b"", part))
            found += [one] if one else []
    assert [(one.content, one.key) for one in found] == [(one.content, one.key) for one in coded]

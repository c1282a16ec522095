"""A flash and a beep every second, as RTP packets of a browser that would send it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Final

import av
import av.audio.stream
import av.video.stream

from server.media.muxing import WebM

WIDTH, HEIGHT = 320, 240
FRAMES_A_SECOND: Final = 30
SAMPLES: Final = 960
RATE: Final = 48_000
FLASH_FRAMES: Final = 3
BEEP_PACKETS: Final = 5
LARGEST: Final = 300


@dataclass(frozen=True)
class Encoded:
    """A frame as encoded: seconds from the clip's beginning, its bytes, and whether it is key."""

    at: float
    content: bytes
    key: bool


@cache
def flash_and_beep(
    seconds: int, size: tuple[int, int] = (WIDTH, HEIGHT), coder: str = "libvpx"
) -> dict[str, list[Encoded]]:
    """Encode the clip once: at each full second three white pictures and a tenth of a tone."""
    return {"video": list(_video(seconds, size, coder)), "audio": list(_audio(seconds))}


def _video(seconds: int, size: tuple[int, int], name: str) -> Iterator[Encoded]:
    coder = av.CodecContext.create(name, "w")
    assert isinstance(coder, av.video.codeccontext.VideoCodecContext)
    coder.width, coder.height = size
    coder.pix_fmt = "yuv420p"
    coder.time_base = Fraction(1, FRAMES_A_SECOND)
    coder.bit_rate = 300_000
    # Threads of libvpx wait for one another by spinning.
    coder.thread_count = 1
    coder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "g": "60"}
    for index in range(seconds * FRAMES_A_SECOND):
        frame = av.VideoFrame(*size, "yuv420p")
        bright = 235 if index % FRAMES_A_SECOND < FLASH_FRAMES else 16 + index % 8
        for plane, value in zip(frame.planes, (bright, 128, 128), strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        frame.pts = index
        frame.time_base = coder.time_base
        for packet in coder.encode(frame):
            yield Encoded(index / FRAMES_A_SECOND, bytes(packet), packet.is_keyframe)


def _audio(seconds: int) -> Iterator[Encoded]:
    coder = av.CodecContext.create("libopus", "w")
    assert isinstance(coder, av.audio.codeccontext.AudioCodecContext)
    coder.sample_rate = RATE
    coder.layout = "stereo"
    coder.format = "s16"
    # Without look-ahead the beep stands where it was put.
    coder.options = {"application": "lowdelay", "frame_duration": "20"}
    a_second = RATE // SAMPLES
    # One kilohertz: 24 samples up, 24 down.
    loud = struct.pack("<hh", 15_000, 15_000) * 24 + struct.pack("<hh", -15_000, -15_000) * 24
    count = 0
    for index in range(seconds * a_second):
        frame = av.AudioFrame(format="s16", layout="stereo", samples=SAMPLES)
        frame.sample_rate = RATE
        tone = loud * (SAMPLES // 48) if index % a_second < BEEP_PACKETS else bytes(SAMPLES * 4)
        frame.planes[0].update(tone)
        frame.pts = index * SAMPLES
        frame.time_base = Fraction(1, RATE)
        for packet in coder.encode(frame):
            yield Encoded(count * SAMPLES / RATE, bytes(packet), key=True)
            count += 1


def vp8_packets(content: bytes) -> list[bytes]:
    """Cut a VP8 frame into payloads (RFC 7741)."""
    parts = [content[at : at + LARGEST] for at in range(0, len(content), LARGEST)]
    return [bytes([0x10 if index == 0 else 0x00]) + part for index, part in enumerate(parts)]


# A picture's number of 15 bits, then a layer in time and a number of it, or one in flexible mode.
DESCRIPTORS: Final = {"numbered": (0xA0, b"\x81\x02\x00\x03"), "flexible": (0xB0, b"\x81\x02\x00")}


def vp9_packets(content: bytes, *, key: bool, mode: str = "numbered") -> list[bytes]:
    """Cut a VP9 frame into payloads (RFC 9628)."""
    parts = [content[at : at + LARGEST] for at in range(0, len(content), LARGEST)]
    flags, fields = DESCRIPTORS[mode]
    if not key:
        flags |= 0x40
        # The frame refers to the last one and to the one before.
        fields += b"\x03\x04" if mode == "flexible" else b""
    found = []
    for index, part in enumerate(parts):
        begins, ends = index == 0, index == len(parts) - 1
        first = flags | (0x08 if begins else 0) | (0x04 if ends else 0)
        # The first key frame tells of its layers: one, of this size, in groups of one picture.
        told = b"\x18\x01\x40\x00\xf0\x01\x04\x01" if key and begins else b""
        found.append(bytes([first | (0x02 if told else 0)]) + fields + told + part)
    return found


def recorded(seconds: int, chunks: int) -> list[bytes]:
    """Return the clip as a recorder writes it, in so many chunks."""
    pieces: list[bytes] = []
    file = WebM(pieces.append, (WIDTH, HEIGHT))
    clip = flash_and_beep(seconds)
    frames = [(frame.at, track, frame) for track in clip for frame in clip[track]]
    for at, track, frame in sorted(frames, key=lambda one: one[:2]):
        file.write(track, round(at * 1000), frame.content, key=frame.key)
    file.close()
    whole = b"".join(pieces)
    size = -(-len(whole) // chunks)
    return [whole[at : at + size] for at in range(0, len(whole), size)]


@dataclass(frozen=True)
class Seen:
    """What a file shows: when it flashes and beeps, how many frames it has, its sizes, its end."""

    flashes: list[float]
    beeps: list[float]
    pictures: int
    sounds: int
    sizes: list[tuple[int, int]]
    seconds: float = 0.0


def look(path: str) -> Seen:
    """Decode a file and find the flashes and beeps in it."""
    flashes, beeps, sizes, pictures, sounds = [], [], [], 0, 0
    dark = quiet = True
    ended = 0.0
    with av.open(path) as file:
        for frame in file.decode(video=0):
            pictures += 1
            ended = max(ended, float(frame.time or 0) + 1 / FRAMES_A_SECOND)
            if (frame.width, frame.height) not in sizes:
                sizes.append((frame.width, frame.height))
            bright = bytes(frame.planes[0])[frame.planes[0].line_size * 10 + 10] > 128
            if bright and dark:
                flashes.append(float(frame.time or 0))
            dark = not bright
    with av.open(path) as file:
        for sound in file.decode(audio=0):
            sounds += 1
            ended = max(ended, float(sound.time or 0) + sound.samples / sound.sample_rate)
            samples = memoryview(bytes(sound.planes[0])).cast("f")
            found = max(samples) > 0.1
            loud = next(n for n, one in enumerate(samples) if abs(one) > 0.1) if found else None
            if loud is not None and quiet:
                beeps.append(float(sound.time or 0) + loud / sound.sample_rate)
            quiet = loud is None
    return Seen(flashes, beeps, pictures, sounds, sizes, ended)

"""What every benchmark sends: VP8 640×480 at 30 pictures a second, about 800 kbps, and Opus."""

from __future__ import annotations

import random
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import av.audio.codeccontext
import av.video.codeccontext

SECONDS = 4
WIDTH, HEIGHT, FRAMES_A_SECOND, BITS_A_SECOND = 640, 480, 30, 800_000
SAMPLES, RATE = 960, 48_000
LARGEST_PAYLOAD = 1_100
KEPT = Path("build/media-bench.bin")


@dataclass(frozen=True)
class Step:
    """What leaves at one moment: seconds from the beginning, track, RTP time, payloads."""

    at: float
    track: int  # 0 sound, 1 picture.
    stamp: int
    payloads: tuple[bytes, ...]


@cache
def steps() -> list[Step]:
    """Return four seconds of both tracks, to be repeated; the picture begins with a key frame."""
    found = [*_pictures(), *_sounds()]
    return sorted(found, key=lambda step: step.at)


def _pictures() -> list[Step]:
    coder = av.CodecContext.create("libvpx", "w")
    assert isinstance(coder, av.video.codeccontext.VideoCodecContext)
    coder.width, coder.height, coder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    coder.time_base = Fraction(1, FRAMES_A_SECOND)
    coder.bit_rate = BITS_A_SECOND
    coder.thread_count = 1
    coder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "g": "60"}
    chance = random.Random(1)
    # A band of noise that moves: enough to fill the bit rate, as a face before a wall does.
    noise = chance.randbytes(WIDTH * HEIGHT * 2)
    found = []
    for index in range(SECONDS * FRAMES_A_SECOND):
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        luma = bytearray([100]) * frame.planes[0].buffer_size
        band = noise[index * 97 : index * 97 + WIDTH * 40]
        start = (index * 3 % (HEIGHT - 40)) * WIDTH
        luma[start : start + len(band)] = band
        frame.planes[0].update(bytes(luma))
        for plane in frame.planes[1:]:
            plane.update(bytes([128]) * plane.buffer_size)
        frame.pts, frame.time_base = index, coder.time_base
        for packet in coder.encode(frame):
            parts = _cut(bytes(packet))
            found.append(Step(index / FRAMES_A_SECOND, 1, index * 3000, parts))
    return found


def _cut(content: bytes) -> tuple[bytes, ...]:
    parts = [content[at : at + LARGEST_PAYLOAD] for at in range(0, len(content), LARGEST_PAYLOAD)]
    return tuple(bytes([0x10 if n == 0 else 0x00]) + part for n, part in enumerate(parts))


def _sounds() -> list[Step]:
    coder = av.CodecContext.create("libopus", "w")
    assert isinstance(coder, av.audio.codeccontext.AudioCodecContext)
    coder.sample_rate, coder.layout, coder.format, coder.bit_rate = RATE, "stereo", "s16", 32_000
    chance, found = random.Random(2), []
    for index in range(SECONDS * RATE // SAMPLES):
        frame = av.AudioFrame(format="s16", layout="stereo", samples=SAMPLES)
        frame.sample_rate, frame.pts, frame.time_base = RATE, index * SAMPLES, Fraction(1, RATE)
        frame.planes[0].update(chance.randbytes(SAMPLES * 4))
        found += [
            Step(len(found) * SAMPLES / RATE, 0, len(found) * SAMPLES, (bytes(packet),))
            for packet in coder.encode(frame)
        ]
    return found

"""Picture and sound that need no device: a test pattern with a moving mark, and a tone."""

from __future__ import annotations

import asyncio
import math
import struct
from fractions import Fraction
from functools import lru_cache

from aiortc.mediastreams import MediaStreamError, MediaStreamTrack, VideoStreamTrack
from av import AudioFrame, VideoFrame

WIDTH, HEIGHT = 640, 480  # Pixels; the frame rate of VideoStreamTrack is 30 a second.
MARK = 48  # Side of the moving square, in pixels.
STEP = 8  # Pixels that the mark moves from one frame to the next.

RATE = 48_000  # Samples a second.
FRAME_SAMPLES = 960  # 20 ms.
TONE = 400  # Hertz: eight whole waves fit a frame, so every frame is the same.
LOUDNESS = 6_000  # Of 32,767: clearly heard, not unpleasant.


@lru_cache(maxsize=2)
def _bars(width: int, height: int) -> tuple[bytes, bytes, bytes]:
    """Return the Y, U and V planes of eight colour bars."""
    across, half = width // 8, width // 16
    luma = bytes(value for value in range(208, 40, -21) for _ in range(across))
    blue = bytes(value for value in range(96, 176, 10) for _ in range(half))
    red = bytes(value for value in range(176, 96, -10) for _ in range(half))
    return luma * height, blue * (height // 2), red * (height // 2)


@lru_cache(maxsize=1)
def _tone() -> bytes:
    """Return 20 ms of the tone as 16-bit samples."""
    turn = 2 * math.pi * TONE / RATE
    samples = [round(LOUDNESS * math.sin(turn * n)) for n in range(FRAME_SAMPLES)]
    return struct.pack(f"<{FRAME_SAMPLES}h", *samples)


def draw_pattern(number: int) -> VideoFrame:
    """Return the pattern's frame of that number: the mark moves, so no two neighbours agree."""
    luma, blue, red = _bars(WIDTH, HEIGHT)
    picture = bytearray(luma)
    left = number * STEP % (WIDTH - MARK)
    top = (HEIGHT - MARK) // 2
    for row in range(top, top + MARK):
        start = row * WIDTH + left
        picture[start : start + MARK] = b"\xeb" * MARK
    frame = VideoFrame(WIDTH, HEIGHT, "yuv420p")
    for plane, content in zip(frame.planes, (bytes(picture), blue, red), strict=True):
        plane.update(_padded(content, plane.width, plane.line_size))
    return frame


def _padded(content: bytes, width: int, line_size: int) -> bytes:
    """Return rows of `width` bytes as rows of `line_size`, as the plane in memory has them."""
    if width == line_size:
        return content
    gap = bytes(line_size - width)
    rows = range(0, len(content), width)
    return b"".join(content[row : row + width] + gap for row in rows)


class Pattern(VideoStreamTrack):
    """The test pattern as a camera: 640 by 480 at 30 frames a second."""

    def __init__(self) -> None:
        super().__init__()
        self._number = 0

    async def recv(self) -> VideoFrame:
        """Return the next frame when its time has come; MediaStreamError once stopped."""
        pts, time_base = await self.next_timestamp()
        frame = draw_pattern(self._number)
        self._number += 1
        frame.pts, frame.time_base = pts, time_base
        return frame


class Tone(MediaStreamTrack):
    """The tone as a microphone: 48 kHz, mono, 20 ms a frame."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._samples = 0
        self._began: float | None = None

    async def recv(self) -> AudioFrame:
        """Return the next 20 ms when their time has come; MediaStreamError once stopped."""
        if self.readyState != "live":
            raise MediaStreamError
        clock = asyncio.get_running_loop().time
        if self._began is None:
            self._began = clock()
        await asyncio.sleep(self._began + self._samples / RATE - clock())
        frame = AudioFrame("s16", "mono", FRAME_SAMPLES)
        frame.planes[0].update(_tone())
        frame.sample_rate, frame.time_base = RATE, Fraction(1, RATE)
        frame.pts = self._samples
        self._samples += FRAME_SAMPLES
        return frame

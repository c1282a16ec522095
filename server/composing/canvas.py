"""The picture that is composed: a tile per lane with its caption, and the time under them all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from server.composing.lettering import DARK, Lettering

# As wide as they are, lines of every plane lie without a gap between them.
TALL, WIDE = (640, 480), (896, 504)
# A camera of 4:3 is 1.33, one of 16:9 is 1.78.
_WIDE_FROM: Final = 1.5
STRIP: Final = 36
MOST_IN_A_ROW: Final = 3
_NEUTRAL: Final = 128


def tile_for(sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return the tile for pictures of these sizes: wide if half of them are."""
    wide = sum(width >= _WIDE_FROM * height for width, height in sizes)
    return WIDE if 2 * wide > len(sizes) else TALL


def columns_for(lanes: int) -> int:
    """Return how many tiles stand in a row: all, if they are few."""
    return lanes if lanes <= MOST_IN_A_ROW else min(math.ceil(math.sqrt(lanes)), MOST_IN_A_ROW)


class Canvas:
    """Keeps one picture and changes what is to be changed of it."""

    def __init__(
        self, captions: Sequence[str], title: str, lettering: Lettering, tile: tuple[int, int]
    ) -> None:
        """Draw the captions; the tiles are dark."""
        self._lettering, self._title, self._tile = lettering, title, tile
        self._columns = columns_for(len(captions))
        rows = math.ceil(len(captions) / self._columns)
        self.width = self._columns * tile[0]
        self.height = rows * (tile[1] + STRIP) + STRIP
        self._reformatter = VideoReformatter()
        blank = VideoFrame(self.width, self.height, "yuv420p")
        self._lines = [plane.line_size for plane in blank.planes]
        self._planes = [
            bytearray([DARK if number == 0 else _NEUTRAL]) * plane.buffer_size
            for number, plane in enumerate(blank.planes)
        ]
        self._shown: dict[int, tuple[int, int] | tuple[str, str]] = {}
        for lane, caption in enumerate(captions):
            left, top = self._corner(lane)
            strip = lettering.strip(tile[0], STRIP, caption)
            self._paste(0, strip, tile[0], (left, top + tile[1]), (tile[0], STRIP))

    def show(self, lane: int, frame: VideoFrame) -> None:
        """Show a picture in a lane's tile, as large as it fits and in its own proportions."""
        width, height = self._tile
        scale = min(width / frame.width, height / frame.height)
        # Brightness has a colour for each two by two of its points.
        size = tuple(max(2, int(side * scale) // 2 * 2) for side in (frame.width, frame.height))
        fitted = (size[0], size[1])
        if self._shown.get(lane) != fitted:
            self._darken(lane)
            self._shown[lane] = fitted
        small = self._reformatter.reformat(
            frame, *fitted, "yuv420p", interpolation=Interpolation.BILINEAR
        )
        left, top = self._corner(lane)
        corner = left + (width - fitted[0]) // 4 * 2, top + (height - fitted[1]) // 4 * 2
        for number, plane in enumerate(small.planes):
            part = 1 if number == 0 else 2
            self._paste(
                number, plane, plane.line_size, (corner[0] // part, corner[1] // part),
                (fitted[0] // part, fitted[1] // part),
            )  # fmt: skip

    def sign(self, lane: int, words: str, why: str) -> bool:
        """Show words in a lane's tile instead of a picture; say whether that is a change."""
        if self._shown.get(lane) == (words, why):
            return False
        self._shown[lane] = (words, why)
        self._darken(lane)
        sign = self._lettering.sign(*self._tile, words, why)
        self._paste(0, sign, self._tile[0], self._corner(lane), self._tile)
        return True

    def tell_time(self, time: str) -> None:
        """Write what time it is under all tiles."""
        strip = self._lettering.strip(self.width, STRIP, time, self._title)
        self._paste(0, strip, self.width, (0, self.height - STRIP), (self.width, STRIP))

    def frame(self) -> VideoFrame:
        """Return the picture as it is now."""
        made = VideoFrame(self.width, self.height, "yuv420p")
        for plane, content in zip(made.planes, self._planes, strict=True):
            plane.update(bytes(content))
        return made

    def _corner(self, lane: int) -> tuple[int, int]:
        row, column = divmod(lane, self._columns)
        return column * self._tile[0], row * (self._tile[1] + STRIP)

    def _darken(self, lane: int) -> None:
        left, top = self._corner(lane)
        width, height = self._tile
        for number, value in enumerate((DARK, _NEUTRAL, _NEUTRAL)):
            part = 1 if number == 0 else 2
            row = bytes([value]) * (width // part)
            self._paste(
                number, row, 0, (left // part, top // part), (width // part, height // part)
            )

    def _paste(
        self, number: int, source: object, line: int, corner: tuple[int, int], size: tuple[int, int]
    ) -> None:
        """Copy lines of a plane from a source whose lines are `line` bytes apart."""
        taken, target = memoryview(source), memoryview(self._planes[number])  # type: ignore[arg-type]
        (left, top), (width, height), step = corner, size, self._lines[number]
        for row in range(height):
            at = (top + row) * step + left
            target[at : at + width] = taken[row * line : row * line + width]

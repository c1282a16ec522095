"""The file that is made: encoded, with its index at the beginning, written from front to back."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec import codecs_available
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from server.composing.reels import RATE

FRAMES_A_SECOND: Final = 30
PAGE: Final = 1 << 20
# Of each second an index holds 30 pictures and 47 sounds with 24 bytes each, if all goes badly.
_INDEX_BYTES_A_SECOND: Final = 2_000
_INDEX_BYTES: Final = 1 << 16
# Behind the room for the index stands the head of what follows, whose length is written last.
_HEAD_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file: how it is muxed, and what encodes picture and sound."""

    container: str
    media_type: str
    picture: str
    sound: str
    index: str
    options: Mapping[str, str]


MP4 = Format(
    "mp4", "video/mp4", "libx264", "aac", "moov_size", {"preset": "superfast", "crf": "26"}
)
WEBM = Format(
    "webm", "video/webm", "libvpx", "libopus", "reserve_index_space",
    {"deadline": "realtime", "cpu-used": "8", "crf": "20"},
)  # fmt: skip


def best_format(available: set[str] = codecs_available) -> Format:
    """Return MP4 with H.264, which everything plays, where that can be encoded; else WebM."""
    return MP4 if {MP4.picture, MP4.sound} <= available else WEBM


class Pages(io.RawIOBase):
    """Takes a file whose first `held` bytes may change until its end; the rest goes on at once."""

    def __init__(self, held: int, put: Callable[[bytes], None]) -> None:
        """Give every full page behind the held bytes to `put`."""
        super().__init__()
        self.head = bytearray()
        self.size = 0
        self._held, self._put = held, put
        self._page = bytearray()
        self._at = 0

    def writable(self) -> bool:
        """Say that it takes bytes."""
        return True

    def seekable(self) -> bool:
        """Say that it goes back, to its beginning at least."""
        return True

    def tell(self) -> int:
        """Return where the next byte goes."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        before = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}
        self._at = before[whence] + offset
        return self._at

    def write(self, content: object) -> int:
        """Take bytes at the place where we are; OSError behind the held ones but at the end."""
        piece = bytes(content)  # type: ignore[call-overload]
        if self._at < self._held:
            first = piece[: self._held - self._at]
            self.head.extend(bytes(max(0, self._at - len(self.head))))
            self.head[self._at : self._at + len(first)] = first
            self._at += len(first)
            self.size = max(self.size, self._at)
            rest = piece[len(first) :]
        else:
            rest = piece
        if rest:
            self._append(rest)
        return len(piece)

    def _append(self, rest: bytes) -> None:
        if self._at > self.size and self.size < self._held:
            self.head.extend(bytes(self._held - len(self.head)))
            self._page += bytes(self._at - self._held)
        elif self._at != self.size:
            raise OSError("what has been given away cannot be changed")
        self._page += rest
        self._at += len(rest)
        self.size = self._at
        while len(self._page) >= PAGE:
            self._put(bytes(self._page[:PAGE]))
            del self._page[:PAGE]

    def finish(self) -> None:
        """Give away what is left of the last page."""
        if self._page:
            self._put(bytes(self._page))
            self._page.clear()


class Film:
    """One picture and one sound; both come in their order."""

    def __init__(
        self, put: Callable[[bytes], None], size: tuple[int, int], seconds: float, kind: Format
    ) -> None:
        """Begin a film of this picture size, about so long; `put` takes its pages."""
        room = _INDEX_BYTES + int(seconds * _INDEX_BYTES_A_SECOND)
        self.pages = Pages(room + _HEAD_BYTES, put)
        self.kind = kind
        self._container = av.open(
            self.pages, "w", format=kind.container, options={kind.index: str(room)}
        )
        picture = self._container.add_stream(kind.picture, rate=FRAMES_A_SECOND)
        assert isinstance(picture, VideoStream)  # noqa: S101 (it is the encoder's kind)
        picture.width, picture.height = size
        picture.pix_fmt = "yuv420p"
        picture.bit_rate = 0 if kind is MP4 else 2_000_000
        # One core is what an export may take; a player finds its way by key frames.
        picture.thread_count = 1
        picture.options = {**kind.options, "g": str(10 * FRAMES_A_SECOND)}
        sound = self._container.add_stream(kind.sound, rate=RATE)
        assert isinstance(sound, AudioStream)  # noqa: S101 (it is the encoder's kind)
        sound.layout = "stereo"
        sound.bit_rate = 96_000
        self._picture, self._sound = picture, sound

    def show(self, frame: VideoFrame, tick: int) -> None:
        """Show a picture from a tick on, until the next one."""
        frame.pts, frame.time_base = tick, Fraction(1, FRAMES_A_SECOND)
        self._container.mux(self._picture.encode(frame))

    def play(self, frame: AudioFrame) -> None:
        """Go on with the sound."""
        self._container.mux(self._sound.encode(frame))

    def close(self) -> None:
        """Write what the encoders still hold, and the index."""
        self._container.mux(self._picture.encode(None))
        self._container.mux(self._sound.encode(None))
        self._container.close()
        self.pages.finish()

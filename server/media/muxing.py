"""A WebM file in pieces: frames in, bytes out, playable from the first piece on."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from typing import Final

import av
from av.audio.stream import AudioStream
from av.container import InputContainer

# Sound that stays away must not hold the picture back in the muxer for long.
_INTERLEAVE_MICROSECONDS: Final = "1000000"
_CLUSTER_MILLISECONDS: Final = "2000"


class Sink(io.RawIOBase):
    """Hands on what the muxer writes; it never goes back."""

    def __init__(self, put: Callable[[bytes], None]) -> None:
        """Give every piece to `put`."""
        super().__init__()
        self._put = put

    def writable(self) -> bool:
        """Say that it takes bytes."""
        return True

    def write(self, content: object) -> int:
        """Hand a piece on."""
        piece = bytes(content)  # type: ignore[call-overload]
        self._put(piece)
        return len(piece)


class WebM:
    """One picture and one sound in a live WebM: no duration, no index, no way back.

    Times are milliseconds from the file's beginning; one that is not later than the last of its
    track is put right after it.
    """

    def __init__(
        self, put: Callable[[bytes], None], size: tuple[int, int], codec: str = "vp8"
    ) -> None:
        """Begin a file of this picture size and codec; `put` takes its bytes."""
        self._container = av.open(
            Sink(put), "w", format="webm",
            options={
                "live": "1",
                "cluster_time_limit": _CLUSTER_MILLISECONDS,
                "max_interleave_delta": _INTERLEAVE_MICROSECONDS,
            },
        )  # fmt: skip
        self.codecs = frozenset({codec, "opus"})
        # No codec behind the picture: an encoder costs 8.6 MB that nobody uses (measured).
        width, height = size
        self._tracks = {
            "video": self._container.add_mux_stream(codec, rate=30, width=width, height=height),
            "audio": self._container.add_stream_from_template(opus_template()),
        }
        self._last = {"video": -1, "audio": -1}

    def write(self, track: str, milliseconds: int, content: bytes, *, key: bool) -> None:
        """Add a frame."""
        at = max(milliseconds, self._last[track] + 1)
        self._last[track] = at
        packet = av.Packet(content)
        # A packet without a time base is taken to have its track's, which in WebM is a millisecond.
        packet.pts = packet.dts = at
        packet.is_keyframe = key
        packet.stream = self._tracks[track]
        self._container.mux(packet)

    def close(self) -> None:
        """Write what the muxer still holds."""
        self._container.close()


@cache
def _opus_file() -> InputContainer:
    """Make a sound file of one frame, once: players want the header that only an encoder makes."""
    content = io.BytesIO()
    with av.open(content, "w", format="webm") as made:
        stream = made.add_stream("libopus", rate=48_000)
        stream.layout = "stereo"
        frame = av.AudioFrame(format="s16", layout="stereo", samples=960)
        frame.sample_rate = 48_000
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
    content.seek(0)
    return av.open(content, "r")


def opus_template() -> AudioStream:
    """Return a stream that says what Opus in WebRTC is: 48 kHz, two channels."""
    return _opus_file().streams.audio[0]

"""Reads clips: a lane's pictures as they are due, and its sound as one stream without holes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BufferedReader
from typing import Any, Final

import av
import av.error
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame

from server.composing.plan import Clip

RATE: Final = 48_000
SAMPLE_BYTES: Final = 4
# The recorder's muxer puts a second of one track before the other at most.
READ_AHEAD: Final = 2.0
# Times in the files are whole milliseconds: what is less apart than two belongs together.
SLACK: Final = RATE * 2 // 1000
# Larger pictures are no camera's, and would only eat memory.
MOST_PIXELS: Final = 3840 * 2160
# Who sends five pictures a second still moves; after so long without one there is none, and
# where it is known that none will come after less.
FRESH: Final = 2.0
FRESH_IN_HOLE: Final = 0.5

Open = Callable[[int], BufferedReader]


@dataclass(slots=True)
class Voice:
    """Sound on the line of time: silence where none came, nothing twice. 16 bit, two channels."""

    _held: bytearray = field(default_factory=bytearray)
    _first: int = 0

    def add(self, at: float, samples: bytes) -> None:
        """Put sound where it belongs, in seconds; what is past already is left out."""
        start, end = round(at * RATE), self._first + len(self._held) // SAMPLE_BYTES
        if start > end + SLACK:
            self._held += bytes((start - end) * SAMPLE_BYTES)
        elif start < end - SLACK:
            samples = samples[(end - start) * SAMPLE_BYTES :]
        self._held += samples

    def take(self, count: int) -> bytes:
        """Return the next so many samples."""
        size = count * SAMPLE_BYTES
        piece = bytes(self._held[:size])
        del self._held[:size]
        self._first += count
        return piece + bytes(size - len(piece))


@dataclass(slots=True)
class _Reel:
    """A clip being read."""

    clip: Clip
    container: InputContainer
    packets: deque[tuple[float, Packet[Any]]] = field(default_factory=deque)
    resampler: AudioResampler = field(
        default_factory=lambda: AudioResampler(format="s16", layout="stereo", rate=RATE)
    )
    read_to: float = 0.0
    is_over: bool = False
    _coming: Iterator[Packet[Any]] = field(init=False)

    def __post_init__(self) -> None:
        self._coming = self.container.demux()
        for stream in self.container.streams.video:
            stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
            # Several threads would hold pictures back.
            stream.codec_context.thread_count = 1

    def read(self, until: float, voice: Voice) -> None:
        """Read on until so many seconds of the film: sound goes to `voice`, pictures wait."""
        while not self.is_over and self.read_to < until:
            try:
                packet = next(self._coming)
            except (StopIteration, av.error.FFmpegError):
                self.is_over = True
                return
            if packet.pts is None or packet.time_base is None:
                continue
            self.read_to = max(self.read_to, self.clip.at + float(packet.pts * packet.time_base))
            if packet.stream.type == "video":
                self.packets.append((self.read_to, packet))
            elif packet.stream.type == "audio":
                self._hear(packet, voice)

    def _hear(self, packet: Packet[Any], voice: Voice) -> None:
        try:
            for frame in packet.decode():
                assert isinstance(frame, AudioFrame)  # noqa: S101 (it is of a sound's stream)
                if frame.time is None:
                    continue
                at = self.clip.at + frame.time
                for piece in self.resampler.resample(frame):
                    voice.add(at, bytes(piece.planes[0])[: piece.samples * SAMPLE_BYTES])
        except av.error.FFmpegError:
            return

    def pictures(self, until: float) -> VideoFrame | None:
        """Decode what is due; return the newest picture, if there is another one now."""
        newest = None
        while self.packets and self.packets[0][0] <= until:
            try:
                for frame in self.packets.popleft()[1].decode():
                    newest = frame
            except av.error.FFmpegError:
                # Its reference is lost: the next key frame stands alone again.
                continue
        return newest


class Lane:
    """One seat's clips, one after the other."""

    def __init__(self, clips: Sequence[tuple[int, Clip]], open_clip: Open) -> None:
        """Take the clips with their numbers; each is opened when it is due."""
        self.voice = Voice()
        self._open = open_clip
        self._coming = deque(sorted(clips, key=lambda one: one[1].at))
        self._reel: _Reel | None = None
        self._seen_at = float("-inf")

    def advance(self, until: float) -> None:
        """Read whatever is due soon."""
        if self._reel is None and self._coming and self._coming[0][1].at <= until:
            number, clip = self._coming.popleft()
            self._reel = _Reel(clip, av.open(self._open(number), "r"))
        if self._reel is not None:
            self._reel.read(until, self.voice)

    def picture(self, at: float) -> VideoFrame | None:
        """Return the picture that is to be shown from now on, if it is another one."""
        found = None if self._reel is None else self._reel.pictures(at)
        if found is not None:
            self._seen_at = at
        return found

    def is_dark(self, at: float, *, in_hole: bool) -> bool:
        """Say whether what was shown last is too old by now; let go of a clip that ended."""
        reel = self._reel
        if reel is not None and at > reel.clip.at + reel.clip.seconds:
            reel.container.close()
            self._reel = reel = None
        # Between two parts that follow at once the last picture stands.
        none_comes = in_hole or reel is None
        return at - self._seen_at > (FRESH_IN_HOLE if none_comes else FRESH)

    def is_running(self) -> bool:
        """Say whether a clip plays now."""
        return self._reel is not None

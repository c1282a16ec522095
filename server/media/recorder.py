"""Records what one seat sends: repaired, in order, sound and picture by one clock, not decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Protocol

from server.media.clocks import FAR, Clock
from server.media.forwarding import Packet as Received
from server.media.forwarding import Source
from server.media.frames import (
    OPUS_SILENCE,
    OPUS_SILENCE_MS,
    Frame,
    Packet,
    Pictures,
    Sound,
    Vp8,
    frames_of,
    opus_milliseconds,
    payload_of,
)
from server.media.muxing import WebM
from server.media.order import Hole, Window
from server.media.rtcp import SenderInfo
from server.media.rtp import find_payload

NACK_EVERY: Final = 0.05
PATIENCE: Final = {"audio": 0.2, "video": 0.6}
# How long the first frames wait for the other track and for both tracks' clocks.
HOLD: Final = 5.0
CHUNK_SECONDS: Final = 5.0
# A player seeks from key frame to key frame, and what follows a lost chunk begins with one.
KEY_EVERY: Final = 10.0
# What has no place in the file for so long is no accident, and no change that takes its time.
MOST_UNFIT: Final = 5.0
MOST_CHUNK_BYTES: Final = 4 << 20
SIZE_UNKNOWN: Final = (1280, 720)
# Sound that is this much behind the picture will not come any more.
SOUND_LATE: Final = 1000
# Silence is filled in up to here, in milliseconds; where nothing comes for longer the file breaks.
MOST_SILENCE: Final = 60_000


class UnfitCodecError(Exception):
    """What is sent has no place in the file."""


class Asks(Protocol):
    """What a recorder asks of the sender."""

    def ask_again(self, source: Source, lost: list[int]) -> None:
        """Ask for packets again."""

    def request_key(self, source: Source) -> None:
        """Ask for a key frame."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a recording's file; the pieces after one another are the file."""

    number: int
    content: bytes
    sha256: str
    began_at: float
    ended_at: float


@dataclass(frozen=True, slots=True)
class Gap:
    """So much was lost of a track for good: at which UNIX time, and how many packets."""

    at: float
    track: str
    packets: int


@dataclass(slots=True)
class Track:
    """One source on its way into the file."""

    source: Source
    window: Window[Packet]
    frames: Sound | Pictures
    clock: Clock
    # The payload type that the frames are made of.
    kind: int = -1
    unfit_since: float | None = None
    asked_at: float = 0.0
    key_at: float | None = None
    held_since: float | None = None
    waiting: list[tuple[int, Frame]] = field(default_factory=list)


@dataclass(eq=False)
class Recorder:
    """A tap on one leg: its camera and its microphone become one WebM in chunks.

    `now` in every call is a monotonic time in seconds, `wall` the UNIX time of the same moment.
    """

    asks: Asks
    put: Callable[[Chunk], None]
    lost: Callable[[Gap], None]
    wall: Callable[[], float]
    # What the camera will be sent in, where the file begins without it.
    expected: Callable[[], str] = lambda: Vp8.codec
    paused: bool = False
    tracks: dict[str, Track] = field(default_factory=dict)
    frames: dict[str, int] = field(default_factory=lambda: {"audio": 0, "video": 0})

    def __post_init__(self) -> None:
        """Begin with nothing: the file starts with the first frames."""
        self._file: WebM | None = None
        self._pieces: list[bytes] = []
        self._bytes = 0
        self._number = 0
        self._held_since: float | None = None
        self._origin = 0.0
        # How far the sender's clock is before ours.
        self._skew = 0.0
        self._chunk_began: float | None = None
        self._sound_until: int | None = None

    def on_rtp(self, source: Source, packet: Received) -> None:
        """Take a packet, if it is of the camera or its microphone.

        UnfitCodecError if the file has no place for what is sent.
        """
        cell, size, (_, second, number, stamp, _), _, repair, now = packet
        track = self._track(source)
        at = find_payload(cell.view, size)
        if track is None or at is None or self.paused:
            return
        skip = 0
        if repair:
            if at.end - at.start < 2:  # noqa: PLR2004 (the number that is repeated)
                return
            number, skip = cell.view[at.start] << 8 | cell.view[at.start + 1], 2
        elif second & 0x7F != track.kind and not self._fit(track, second & 0x7F, now):
            return
        kept = Packet(stamp, bool(second & 0x80), payload_of(cell.view, at, skip=skip))
        window = track.window
        if window.follows(number):
            self._take(track, kept)
        else:
            for one in window.push(number, kept, now):
                self._take(track, one)
            self._repair(track, now)
        if track.waiting and self._file is None:
            # Later frames wait for the next tick and are written together.
            self._flush(now)

    def on_report(self, source: Source, info: SenderInfo) -> None:
        """Take what the sender says of its clock."""
        track = self._track(source)
        if track is not None:
            track.clock.set(info)

    def pause(self) -> None:
        """Keep nothing until `resume`."""
        self.paused = True

    def resume(self) -> None:
        """Go on: what was not kept is no hole, and the picture begins with a key frame."""
        self.paused = False
        self._sound_until = None
        for media, track in self.tracks.items():
            track.window = Window(PATIENCE[media])
            track.frames.break_off()
            if track.frames.needs_key:
                self.asks.request_key(track.source)

    def tick(self, now: float) -> None:
        """Write what has come, give holes up, close a chunk. Call it every 50 ms or so."""
        for track in self.tracks.values():
            for one in track.window.release(now):
                self._take(track, one)
            self._repair(track, now)
            self._refresh(track, now)
        self._flush(now)

    def _refresh(self, track: Track, now: float) -> None:
        """Ask for a key frame when the last one, or the last asking, is too long ago."""
        if track.source.section.media != "video" or self.paused:
            return
        if track.key_at is None:
            track.key_at = now
        if now - track.key_at >= KEY_EVERY:
            track.key_at = now
            self.asks.request_key(track.source)

    def _track(self, source: Source) -> Track | None:
        """Return the source's track; only a camera and its microphone are recorded."""
        media = source.section.media
        known = self.tracks.get(media)
        if known is not None and known.source is source:
            return known
        if source.kind != "camera":
            return None
        codec = next(iter(source.section.codecs.values()))
        made = Track(
            source=source,
            window=Window(PATIENCE[media]),
            frames=Vp8() if media == "video" else Sound(),
            clock=Clock(codec.clock),
        )
        self.tracks[media] = made
        return made

    def _fit(self, track: Track, kind: int, now: float) -> bool:
        """Make frames of what comes under a payload type; False if there is no place for it."""
        codec = track.source.section.codecs.get(kind)
        if codec is None:
            return False
        frames = frames_of(codec.name)
        if frames is None or (self._file is not None and frames.codec not in self._file.codecs):
            # Whatever comes next is looked at: a stray packet ends no recording.
            track.kind = -1
            track.unfit_since = now if track.unfit_since is None else track.unfit_since
            if now - track.unfit_since > MOST_UNFIT:
                raise UnfitCodecError(codec.name)
            return False
        track.kind, track.unfit_since = kind, None
        if frames.codec != track.frames.codec:
            track.frames = frames
        return True

    def _take(self, track: Track, one: Packet | Hole) -> None:
        media = track.source.section.media
        if isinstance(one, Hole):
            track.frames.break_off()
            if one.packets:
                self.lost(Gap(self.wall(), media, one.packets))
            if track.frames.needs_key:
                self.asks.request_key(track.source)
            return
        frame = track.frames.push(one)
        if frame is None:
            if track.frames.needs_key and one.marker:
                self.asks.request_key(track.source)
            return
        if frame.key:
            track.key_at = None
        track.waiting.append((track.clock.unwrap(frame.stamp), frame))

    def _repair(self, track: Track, now: float) -> None:
        """Ask for what is missing, every 50 ms while it is."""
        missing = track.window.missing()
        if missing and now - track.asked_at >= NACK_EVERY:
            track.asked_at = now
            self.asks.ask_again(track.source, missing)

    def _flush(self, now: float) -> None:
        """Write what may be written: all, once both tracks' clocks are known or waited for."""
        if self._file is None and not self._open(now):
            return
        file = self._file
        assert file is not None  # noqa: S101 (opened just above)
        due = [
            (at, media, frame)
            for media, track in self.tracks.items()
            for at, frame in self._timed(track, now)
        ]
        for at, media, frame in sorted(due, key=lambda one: one[0]):
            milliseconds = max(round((at - self._origin) * 1000), 0)
            if self._sounds_go_on(file, media, milliseconds, frame):
                file.write(media, milliseconds, frame.content, key=frame.key)
                self.frames[media] += 1
        if self._chunk_began is not None and (
            self.wall() - self._chunk_began >= CHUNK_SECONDS or self._bytes >= MOST_CHUNK_BYTES
        ):
            self._close_chunk()

    def _sounds_go_on(self, file: WebM, media: str, milliseconds: int, frame: Frame) -> bool:
        """Put silence where sound was lost; say whether a frame still has its place.

        Browsers play sound without a look at its times: each lost packet would bring all that
        follows 20 ms before its picture (measured: 2.5 s lost, 2.5 s apart to the end).
        """
        until = self._sound_until
        if media == "audio" and until is not None and milliseconds < until - OPUS_SILENCE_MS:
            return False
        upto = milliseconds if media == "audio" else milliseconds - SOUND_LATE
        if until is not None and upto - until > MOST_SILENCE:
            until = None
        while until is not None and until + OPUS_SILENCE_MS // 2 < upto:
            file.write("audio", until, OPUS_SILENCE, key=True)
            until += OPUS_SILENCE_MS
        if media == "audio":
            until = milliseconds + opus_milliseconds(frame.content)
        self._sound_until = until
        return True

    def _timed(self, track: Track, now: float) -> Iterator[tuple[float, Frame]]:
        """Yield the frames whose time is known with it; no sender's word moves it far from ours."""
        due = self.wall() + self._skew
        for ticks, frame in self._ready(track, now):
            if abs(track.clock.seconds(ticks) - due) > FAR:
                track.clock.assume(ticks, due)
            yield track.clock.seconds(ticks), frame

    def _ready(self, track: Track, now: float) -> list[tuple[int, Frame]]:
        """Return the frames whose time is known; a track that came later waits for its clock."""
        if not track.clock.known and track.waiting:
            if track.held_since is None:
                track.held_since = now
            if now - track.held_since < HOLD:
                return []
            arrived = self.wall() - (now - track.held_since)
            track.clock.assume(track.waiting[0][0], arrived + self._skew)
        found, track.waiting = track.waiting, []
        return found

    def _open(self, now: float) -> bool:
        """Open the file once all that it begins with is known, or was waited for long enough."""
        waiting = [track for track in self.tracks.values() if track.waiting]
        if not waiting:
            return False
        if self._held_since is None:
            self._held_since = now
        complete = len(waiting) == 2 and all(track.clock.known for track in waiting)  # noqa: PLR2004
        if not complete and now - self._held_since < HOLD:
            return False
        wall = self.wall()
        for track in waiting:
            if not track.clock.known:
                # The first frame has waited since it was held.
                track.clock.assume(track.waiting[0][0], wall - (now - self._held_since))
        self._origin = min(track.clock.seconds(track.waiting[0][0]) for track in waiting)
        video = self.tracks.get("video")
        sizes = [frame.size for _, frame in video.waiting if frame.size] if video else []
        size = sizes[0] if sizes else SIZE_UNKNOWN
        self._file = WebM(self._keep, size, video.frames.codec if video else self.expected())
        self._chunk_began = wall - (now - self._held_since)
        self._skew = self._origin - self._chunk_began
        return True

    def _keep(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._bytes += len(piece)

    def _close_chunk(self) -> None:
        began, ended = self._chunk_began, self.wall()
        self._chunk_began = ended
        if not self._pieces or began is None:
            return
        content = b"".join(self._pieces)
        self._pieces, self._bytes = [], 0
        self.put(Chunk(self._number, content, sha256(content).hexdigest(), began, ended))
        self._number += 1

    def close(self, now: float) -> None:
        """Write all there is, and the last chunk."""
        for track in self.tracks.values():
            for one in track.window.drain():
                self._take(track, one)
        # Nothing more comes that was worth waiting for.
        self._held_since = now if self._held_since is None else self._held_since
        self._flush(self._held_since + HOLD if self._file is None else now + HOLD)
        if self._file is not None:
            self._file.close()
            self._close_chunk()

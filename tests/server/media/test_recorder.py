"""Recordings of a flashing, beeping clip through bad lines, decoded and looked at."""

from __future__ import annotations

import heapq
import random
import struct
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import count
from pathlib import Path

import pytest

from server.media.clocks import NTP_TO_UNIX, Clock
from server.media.forwarding import Source
from server.media.frames import vp8_size
from server.media.order import Hole, Window
from server.media.recorder import MOST_UNFIT, Chunk, Gap, Recorder, UnfitCodecError
from server.media.rtcp import SenderInfo
from server.media.sections import Codec
from tests.support.clips import Encoded, flash_and_beep, look, vp8_packets, vp9_packets
from tests.support.packets import packet, received, section

WALL = 1_795_000_000.0
RATES = {"video": 90_000, "audio": 48_000}
KINDS = {"video": 96, "audio": 111}
VP9 = {96: Codec(96, "VP9", 90_000, ()), 97: Codec(97, "RTX", 90_000, (), repairs=96)}


@dataclass
class Line:
    """A sender and the line from it, in a time of their own: packets are late, lost, sent again."""

    loss: float = 0.0
    burst: int = 1
    jitter: float = 0.0
    delay: dict[str, float] = field(default_factory=lambda: {"video": 0.02, "audio": 0.02})
    starts: dict[str, float] = field(default_factory=lambda: {"video": 0.0, "audio": 0.0})
    first_stamp: dict[str, int] = field(default_factory=lambda: {"video": 1000, "audio": 5000})
    first_number: int = 65_500
    reports: bool = True
    repairs: bool = True
    vp9: str = ""
    now: float = 0.0
    chunks: list[Chunk] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    keys_asked: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(7)
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.order = count()
        self.sent: dict[tuple[str, int], bytes] = {}
        self.numbers = {"video": self.first_number, "audio": self.first_number}
        self.repair_number = 1
        self.losing = 0
        self.lost = {"video": 0, "audio": 0}
        self.sources = {
            "video": Source(section("1", ssrcs=(1111, 1112)), 1111, 1112),
            "audio": Source(section("0", media="audio", ssrcs=(3333,)), 3333, 0),
        }
        if self.vp9:
            pictures = self.sources["video"]
            pictures.section = replace(pictures.section, codecs=VP9)
        self.recorder = Recorder(
            self, self.chunks.append, self.gaps.append, lambda: WALL + self.now
        )

    def at(self, when: float, act: Callable[[], None]) -> None:
        heapq.heappush(self.events, (when, next(self.order), act))

    def send(self, media: str, frames: list[Encoded], offset: float = 0.0) -> None:
        """Let frames leave at their times, from the moment at which their device starts."""
        for frame in frames:
            leaves = frame.at + offset
            if leaves < self.starts[media]:
                continue
            stamp = self.first_stamp[media] + round(leaves * RATES[media])
            parts = self._parts(frame) if media == "video" else [frame.content]
            for index, payload in enumerate(parts):
                last = index == len(parts) - 1 and media == "video"
                self._send_one(media, payload, stamp & 0xFFFFFFFF, leaves, marker=last)
        if self.reports:
            times = [self.starts[media] + offset + step for step in (0.7, 2.0, 4.0, 6.0)]
            for leaves in times:
                self.at(leaves + 0.02, lambda leaves=leaves: self._report(media, leaves))

    def _parts(self, frame: Encoded) -> list[bytes]:
        if self.vp9:
            return vp9_packets(frame.content, key=frame.key, mode=self.vp9)
        return vp8_packets(frame.content)

    def _send_one(
        self, media: str, payload: bytes, stamp: int, leaves: float, *, marker: bool
    ) -> None:
        number = self.numbers[media] & 0xFFFF
        self.numbers[media] += 1
        content = packet(
            number, payload, stamp=stamp, kind=KINDS[media], marker=marker,
            ssrc=self.sources[media].ssrc,
        )  # fmt: skip
        self.sent[media, number] = content
        # Nothing comes after the clip's last moment that could tell of a loss in it.
        if leaves < SECONDS - 0.1 and self._lost():
            self.lost[media] += 1
            return
        late = self.delay[media] + self.chance.random() * self.jitter
        self.at(leaves + late, lambda: self._arrive(media, content, repair=False))

    def _lost(self) -> bool:
        if self.losing:
            self.losing -= 1
            return True
        if self.chance.random() < self.loss / self.burst:
            self.losing = self.burst - 1
            return True
        return False

    def _arrive(self, media: str, content: bytes, *, repair: bool) -> None:
        self.recorder.on_rtp(self.sources[media], received(content, self.now, repair=repair))

    def _report(self, media: str, leaves: float) -> None:
        ntp = int((WALL + leaves + NTP_TO_UNIX) * 2**32)
        stamp = (self.first_stamp[media] + round(leaves * RATES[media])) & 0xFFFFFFFF
        source = self.sources[media]
        self.recorder.on_report(source, SenderInfo(source.ssrc, ntp, stamp, 1, 1))

    def ask_again(self, source: Source, lost: list[int]) -> None:
        media = source.section.media
        if not self.repairs or media == "audio":
            return
        for number in lost:
            content = self.sent.get((media, number))
            if content is None or self._lost():
                continue
            body = struct.pack("!H", number) + content[12:]
            stamp = struct.unpack_from("!L", content, 4)[0]
            again = packet(
                self.repair_number, body, stamp=stamp, kind=97, ssrc=1112,
                marker=bool(content[1] & 0x80),
            )  # fmt: skip
            self.repair_number += 1
            self.at(self.now + 0.05, lambda again=again: self._arrive("video", again, repair=True))

    def request_key(self, _source: Source) -> None:
        self.keys_asked += 1

    def play(self, until: float, every: float = 0.05) -> None:
        """Let time pass."""
        tick = 0.0
        while tick < until:
            self.at(tick, lambda: self.recorder.tick(self.now))
            tick += every
        while self.events:
            self.now, _, act = heapq.heappop(self.events)
            act()
        self.recorder.close(self.now)

    def save(self, folder: Path) -> str:
        path = folder / "recording.webm"
        path.write_bytes(b"".join(chunk.content for chunk in self.chunks))
        return str(path)


SECONDS = 6


def record(line: Line, folder: Path, seconds: int = SECONDS) -> str:
    clip = flash_and_beep(seconds, coder="libvpx-vp9" if line.vp9 else "libvpx")
    line.send("video", clip["video"])
    line.send("audio", clip["audio"])
    line.play(seconds + 1.0)
    return line.save(folder)


LINES = {
    "clean": Line,
    "1 %": lambda: Line(loss=0.01),
    "3 %": lambda: Line(loss=0.03),
    "10 %": lambda: Line(loss=0.10),
    "bursts": lambda: Line(loss=0.05, burst=5),
    "long bursts": lambda: Line(loss=0.03, burst=20),
    "reordered": lambda: Line(jitter=0.06),
    "reordered and lossy": lambda: Line(jitter=0.06, loss=0.03),
    "late sound": lambda: Line(delay={"video": 0.02, "audio": 0.4}),
    "late picture": lambda: Line(delay={"video": 0.4, "audio": 0.02}),
    "times that wrap": lambda: Line(
        first_stamp={"video": 2**32 - 90_000 * 3, "audio": 2**32 - 48_000 * 2}
    ),
    "VP9": lambda: Line(vp9="numbered"),
    "VP9, flexible, 10 %": lambda: Line(vp9="flexible", loss=0.10),
    "VP9, bursts": lambda: Line(vp9="numbered", loss=0.05, burst=5),
}


@pytest.mark.parametrize("name", LINES)
def test_every_picture_is_there_and_sound_and_picture_are_together(
    name: str, tmp_path: Path
) -> None:
    line = LINES[name]()
    seen = look(record(line, tmp_path))
    assert seen.pictures == SECONDS * 30
    assert not [gap for gap in line.gaps if gap.track == "video"]
    together = [
        (flash, min(seen.beeps, key=lambda beep: abs(beep - flash))) for flash in seen.flashes
    ]
    assert len(together) >= SECONDS - 1
    # A beep whose first packet was lost begins a packet or more late: the best ones tell.
    apart = sorted(beep - flash for flash, beep in together)
    assert abs(apart[len(apart) // 2]) <= 0.02, apart
    if line.loss == 0:
        assert max(abs(one) for one in apart) <= 0.02, apart
    lost = sum(gap.packets for gap in line.gaps if gap.track == "audio")
    assert lost <= 1.1 * line.lost["audio"], (lost, line.lost)
    # What was lost is silence: a player that counts sound and looks at no times stays right.
    # The very first packets may be among the lost.
    assert abs(seen.sounds - SECONDS * 50) <= 3, seen.sounds
    assert abs(seen.seconds - SECONDS) <= 0.04, seen.seconds


def test_sound_that_starts_late_stands_where_it_was_spoken(tmp_path: Path) -> None:
    line = Line(starts={"video": 0.0, "audio": 2.5})
    seen = look(record(line, tmp_path))
    assert [round(flash) for flash in seen.flashes] == [0, 1, 2, 3, 4, 5]
    assert [round(beep) for beep in seen.beeps] == [3, 4, 5]
    assert all(abs(beep - round(beep)) <= 0.02 for beep in seen.beeps)


def test_a_camera_that_starts_late_leaves_no_file_without_picture(tmp_path: Path) -> None:
    line = Line(starts={"video": 2.0, "audio": 0.0})
    seen = look(record(line, tmp_path))
    assert seen.pictures == (SECONDS - 2) * 30
    assert [round(beep) for beep in seen.beeps] == [0, 1, 2, 3, 4, 5]
    assert [round(flash) for flash in seen.flashes] == [2, 3, 4, 5]


def test_sound_that_stays_away_is_silence_until_it_comes_back(tmp_path: Path) -> None:
    line = Line()
    clip = flash_and_beep(SECONDS)
    line.send("video", clip["video"])
    line.send("audio", [frame for frame in clip["audio"] if not 1.5 <= frame.at < 4.5])
    line.play(SECONDS + 1.0)
    seen = look(line.save(tmp_path))
    assert [round(beep) for beep in seen.beeps] == [0, 1, 5]
    assert abs(seen.sounds - SECONDS * 50) <= 1


@pytest.mark.parametrize("media", ["audio", "video"])
@pytest.mark.parametrize("after", [0.0, 2.5])
def test_a_report_of_another_day_moves_nothing(tmp_path: Path, media: str, after: float) -> None:
    line = Line()
    source = line.sources[media]
    ntp = int((WALL + 86_400 + NTP_TO_UNIX) * 2**32)
    wrong = SenderInfo(source.ssrc, ntp, line.first_stamp[media], 1, 1)
    line.at(after, lambda: line.recorder.on_report(source, wrong))
    seen = look(record(line, tmp_path))
    assert seen.seconds <= SECONDS + 0.5, seen.seconds
    assert seen.sounds <= SECONDS * 50 + 25, seen.sounds
    assert seen.pictures == SECONDS * 30


@pytest.mark.parametrize("media", ["audio", "video"])
def test_a_jump_of_a_senders_times_makes_no_silence(tmp_path: Path, media: str) -> None:
    line, clip = Line(), flash_and_beep(SECONDS)
    other = "video" if media == "audio" else "audio"
    line.send(other, clip[other])
    line.send(media, [frame for frame in clip[media] if frame.at < 3])
    before = dict(line.first_stamp)
    line.first_stamp[media] += RATES[media] * 7_200
    line.send(media, [frame for frame in clip[media] if frame.at >= 3])
    line.at(2.99, lambda jumped=line.first_stamp: line.first_stamp.update(jumped))
    line.first_stamp = before
    line.play(SECONDS + 1.0)
    seen = look(line.save(tmp_path))
    assert seen.seconds <= SECONDS + 0.5, seen.seconds
    assert abs(seen.sounds - SECONDS * 50) <= 25, seen.sounds
    assert seen.pictures == SECONDS * 30


def test_an_hour_of_nothing_is_a_break_and_no_hour_of_silence(tmp_path: Path) -> None:
    line, clip = Line(), flash_and_beep(1)
    for offset in (0.0, 3_600.0):
        for media in ("video", "audio"):
            line.send(media, clip[media], offset=offset)
    line.play(3_602.0, every=1.0)
    seen = look(line.save(tmp_path))
    assert seen.pictures == 60
    assert seen.sounds <= 110, seen.sounds


def test_ninety_minutes_of_call_end_where_they_should(tmp_path: Path) -> None:
    minutes = 90
    line = Line(first_stamp={"video": 2**32 - 90_000 * 60 * 45, "audio": 2**32 - 48_000 * 60 * 89})
    # A second of the clip every minute, and its clocks all the time.
    clip = flash_and_beep(1)
    for minute in range(minutes):
        for media in ("video", "audio"):
            line.send(media, clip[media], offset=60.0 * minute)
    line.play(minutes * 60.0, every=1.0)
    seen = look(line.save(tmp_path))
    assert seen.pictures == minutes * 30
    assert len(seen.flashes) == minutes
    assert [round(flash / 60) for flash in seen.flashes] == list(range(minutes))
    apart = [min(abs(beep - flash) for beep in seen.beeps) for flash in seen.flashes]
    assert max(apart) <= 0.02
    assert abs(seen.seconds - (60 * (minutes - 1) + 1)) <= 0.1


def test_a_key_frame_is_asked_for_every_ten_seconds() -> None:
    line, clip = Line(), flash_and_beep(25)
    line.send("video", [frame for frame in clip["video"] if frame.at == 0 or not frame.key])
    line.send("audio", clip["audio"])
    line.play(25.0)
    assert 2 <= line.keys_asked <= 3


def test_without_reports_the_arrival_counts(tmp_path: Path) -> None:
    seen = look(record(Line(reports=False), tmp_path))
    assert seen.pictures == SECONDS * 30
    assert len(seen.beeps) == SECONDS


def test_what_nobody_sends_again_is_a_gap_and_the_picture_goes_on_with_a_key_frame(
    tmp_path: Path,
) -> None:
    line = Line(loss=0.05, repairs=False)
    seen = look(record(line, tmp_path))
    lost = [gap for gap in line.gaps if gap.track == "video"]
    assert lost
    assert all(WALL <= gap.at <= WALL + SECONDS + 1 for gap in lost)
    assert line.keys_asked >= 1
    assert 0 < seen.pictures < SECONDS * 30


def test_sound_alone_begins_a_file_in_which_the_picture_still_finds_its_place(
    tmp_path: Path,
) -> None:
    line = Line(vp9="flexible", starts={"video": 5.5, "audio": 0.0}, reports=False)
    line.recorder.expected = lambda: "vp9"
    seen = look(record(line, tmp_path, seconds=8))
    assert seen.pictures > 30


def test_a_picture_that_has_no_place_in_the_file_is_said_and_not_written(tmp_path: Path) -> None:
    line = Line()
    pictures = line.sources["video"]
    pictures.section = replace(
        pictures.section, codecs={**pictures.section.codecs, 100: Codec(100, "VP9", 90_000, ())}
    )
    record(line, tmp_path, seconds=2)
    for kind, codec in ((99, ""), (98, "H264"), (100, "VP9")):
        for at in (3.0, 3.0 + MOST_UNFIT):
            line.recorder.on_rtp(pictures, received(packet(1, kind=kind), at))
        with pytest.raises(UnfitCodecError, match=codec) if codec else nullcontext():
            line.recorder.on_rtp(pictures, received(packet(1, kind=kind), 3.1 + MOST_UNFIT))
        line.recorder.on_rtp(pictures, received(packet(1), 3.1 + MOST_UNFIT))


@pytest.mark.parametrize(
    ("sizes", "size"),
    [(b"\x40\1\xf0\0", (320, 240)), (b"\0\0\xf0\0", None), (b"\x40\1\0\xc0", None)],
)
def test_a_picture_of_no_size_says_none(sizes: bytes, size: tuple[int, int] | None) -> None:
    assert vp8_size(b"\0\0\0\x9d\x01\x2a" + sizes) == size


def test_another_size_in_the_middle_decodes(tmp_path: Path) -> None:
    line = Line()
    line.send("video", flash_and_beep(2)["video"])
    line.send("video", flash_and_beep(2, (640, 480))["video"], offset=2.0)
    line.send("audio", flash_and_beep(4)["audio"])
    line.play(5.0)
    seen = look(line.save(tmp_path))
    assert seen.pictures == 120
    assert seen.sizes == [(320, 240), (640, 480)]


def test_chunks_are_numbered_and_their_hashes_are_of_what_they_hold(tmp_path: Path) -> None:
    line = Line()
    record(line, tmp_path, seconds=12)
    assert [chunk.number for chunk in line.chunks] == list(range(len(line.chunks)))
    assert len(line.chunks) >= 2
    for chunk in line.chunks:
        assert chunk.sha256 == sha256(chunk.content).hexdigest()
        assert chunk.began_at < chunk.ended_at


def test_a_paused_recorder_keeps_nothing(tmp_path: Path) -> None:
    line = Line()
    line.at(2.0, line.recorder.pause)
    line.at(4.0, line.recorder.resume)
    seen = look(record(line, tmp_path))
    assert seen.pictures <= (SECONDS - 2) * 30
    assert not [beep for beep in seen.beeps if 2.1 < beep < 3.9]


def test_an_order_is_restored_and_holes_are_told() -> None:
    window: Window[str] = Window(patience=0.5)
    given = [(10, "a"), (12, "c"), (11, "b"), (14, "e")]
    out = [one for number, item in given for one in window.push(number, item, 0.0)]
    assert out == ["a", "b", "c"]
    assert window.missing() == [13]
    assert list(window.release(0.4)) == []
    assert list(window.release(0.6)) == [Hole(1), "e"]
    assert list(window.push(13, "late", 0.7)) == []
    assert list(window.push(15, "f", 0.7)) == ["f"]


def test_a_sender_that_begins_anew_is_followed() -> None:
    window: Window[str] = Window(patience=0.5)
    assert list(window.push(10, "a", 0.0)) == ["a"]
    assert list(window.push(20_000, "z", 0.1)) == [Hole(0), "z"]


def test_a_clock_goes_on_over_the_wrap_and_follows_its_reports() -> None:
    clock = Clock(90_000)
    first = clock.unwrap(2**32 - 90_000)
    second = clock.unwrap(0)
    assert second - first == 90_000
    clock.set(SenderInfo(1, int((100.0 + NTP_TO_UNIX) * 2**32), 0, 0, 0))
    assert clock.seconds(first) == pytest.approx(99.0, abs=1e-6)
    clock.set(SenderInfo(1, 0, 0, 0, 0))
    clock.set(SenderInfo(1, int((200.0 + NTP_TO_UNIX) * 2**32), 0, 0, 0))
    assert clock.seconds(second) == pytest.approx(100.0, abs=1e-6)

"""Films of several seats' clips, looked at picture by picture."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime
from itertools import pairwise
from multiprocessing import Pipe
from pathlib import Path
from statistics import median
from typing import Any

import av
import pytest

from server.composing import process
from server.composing.canvas import TALL, WIDE, columns_for, tile_for
from server.composing.compose import compose
from server.composing.film import MP4, WEBM, Format, Pages, best_format
from server.composing.plan import Clip, Hole, Plan
from server.composing.process import READ_BYTES, ComposeError, compose_apart
from server.composing.reels import RATE, READ_AHEAD, Lane, Voice
from server.media.muxing import WebM
from tests.support.clips import FLASH_FRAMES, flash_and_beep, look, recorded

FONT = str(Path(__file__).parents[3] / "docs_gen/font_files/NotoSansSC_400Regular.ttf")
SECONDS = 4
LATER = 0.4
BEGAN = datetime(2026, 11, 27, 2, 30, tzinfo=UTC)


def film_of(seconds: int) -> bytes:
    return b"".join(recorded(seconds, 1))


def plan_of(clips: list[Clip], holes: tuple[Hole, ...] = (), *, lanes: int = 2) -> Plan:
    ended = max(clip.at + clip.seconds for clip in clips)
    captions = tuple(f"窗口　第{lane}席 · 平望分中心" for lane in range(lanes))
    return Plan("办件 320509-20261127-000017", BEGAN, ended, captions, tuple(clips), holes, FONT)


def made(plan: Plan, contents: list[bytes], folder: Path, kind: Format = MP4) -> str:
    """Compose a plan here, and return where its film is."""
    pages: list[bytes] = []
    _, head = compose(
        plan, lambda number: io.BufferedReader(io.BytesIO(contents[number])),  # type: ignore[arg-type]
        pages.append, lambda _seconds: None, kind,
    )  # fmt: skip
    path = folder / f"film.{kind.container}"
    path.write_bytes(head + b"".join(pages))
    return str(path)


def brightness(path: str, lane: int) -> dict[float, int]:
    """Return how bright a point at a tile's top is in each picture, by its time."""
    found = {}
    with av.open(path) as file:
        for frame in file.decode(video=0):
            plane = frame.planes[0]
            at = plane.line_size * 10 + lane * TALL[0] + 320
            found[round(float(frame.time or 0), 3)] = memoryview(plane)[at]
    return found


def flashes(bright: dict[float, int]) -> list[float]:
    times = sorted(bright)
    return [
        now for before, now in pairwise(times)
        if bright[now] > 128 >= bright[before]
    ]  # fmt: skip


@pytest.mark.parametrize("kind", [MP4, WEBM], ids=lambda kind: kind.container)
def test_both_sides_stay_together_over_a_gap_of_one_of_them(tmp_path: Path, kind: Format) -> None:
    whole, short = film_of(SECONDS), film_of(1)
    clips = [
        Clip(0, 0.0, SECONDS, len(whole)),
        Clip(1, LATER, 1.0, len(short)),
        Clip(1, 2 + LATER, 1.0, len(short)),
    ]
    hole = Hole(1, 1 + LATER, 2 + LATER, "媒体中继断开")
    path = made(plan_of(clips, (hole,)), [whole, short, short], tmp_path, kind)
    seen = look(path)
    assert seen.seconds == pytest.approx(SECONDS, abs=0.05)
    left, right = (brightness(path, lane) for lane in range(2))
    assert flashes(left) == pytest.approx([1, 2, 3], abs=0.02)
    assert flashes(right) == pytest.approx([LATER, 2 + LATER], abs=0.02)
    dark = [value for at, value in right.items() if 1.6 + LATER < at < 2 + LATER]
    assert dark
    assert max(dark) < 40


def test_sound_and_picture_stay_together(tmp_path: Path) -> None:
    whole = film_of(SECONDS)
    clips = [Clip(0, 0.0, SECONDS, len(whole)), Clip(1, LATER, SECONDS, len(whole))]
    path = made(plan_of(clips), [whole] * 2, tmp_path)
    beeps = look(path).beeps
    for lane, late in ((0, 0.0), (1, LATER)):
        mine = [beep for beep in beeps if abs(beep % 1 - late) < 0.1 and beep > 0.5]
        seen = flashes(brightness(path, lane))
        apart = [min((beep - flash for flash in seen), key=abs) for beep in mine]
        assert len(apart) >= SECONDS - 1
        assert abs(median(apart)) <= 0.02
        assert max(map(abs, apart)) <= 0.03


def test_pictures_of_another_size_and_shape_are_fitted_into_the_same_tile(tmp_path: Path) -> None:
    pieces: list[bytes] = []
    file = WebM(pieces.append, (320, 240))
    for second, size in enumerate(((320, 240), (640, 360), (240, 320))):
        for frame in flash_and_beep(1, size)["video"]:
            file.write("video", round((second + frame.at) * 1000), frame.content, key=frame.key)
    file.close()
    whole = b"".join(pieces)
    path = made(plan_of([Clip(0, 0.0, 3.0, len(whole))]), [whole], tmp_path)
    flash = 1 / 30 * (FLASH_FRAMES - 1)
    with av.open(path) as film:
        frames = {round(float(one.time or 0), 2): one for one in film.decode(video=0)}
    lit = [_nearest(frames, second + flash) for second in range(3)]
    assert {(one.width, one.height) for one in lit} == {(1280, 552)}
    top, side = ((320, 20), (20, 240))
    seen = [[_value(one, *point) > 128 for point in (top, side, (320, 240))] for one in lit]
    # Whole, between bars above and below, between bars at the sides.
    assert seen == [[True, True, True], [False, True, True], [True, False, True]]


def _nearest(frames: dict[float, av.VideoFrame], when: float) -> av.VideoFrame:
    return frames[min(frames, key=lambda at: abs(at - when))]


def _value(frame: av.VideoFrame, left: int, top: int) -> int:
    plane = frame.planes[0]
    return memoryview(plane)[top * plane.line_size + left]


def test_the_index_stands_before_the_pictures(tmp_path: Path) -> None:
    whole = film_of(1)
    content = Path(made(plan_of([Clip(0, 0, 1, len(whole))]), [whole], tmp_path)).read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_a_pause_shows_no_old_picture(tmp_path: Path) -> None:
    pieces: list[bytes] = []
    file = WebM(pieces.append, (320, 240))
    for frame in flash_and_beep(3)["video"]:
        if not 0.1 <= frame.at < 2:
            file.write("video", round(frame.at * 1000), frame.content, key=frame.key)
    file.close()
    whole = b"".join(pieces)
    clip = Clip(0, 0.0, 3.0, len(whole))
    shown = {}
    for name, holes in (("known", (Hole(0, 0.1, 2.0, "暂停录制"),)), ("unknown", ())):
        (tmp_path / name).mkdir()
        bright = brightness(made(plan_of([clip], holes), [whole], tmp_path / name), 0)
        shown[name] = max(value for at, value in bright.items() if 0.9 < at < 1.9) > 128
    # The last one before it was white, and stands for a while where nobody knows of a pause.
    assert shown == {"known": False, "unknown": True}


def test_a_picture_stands_over_a_seam_of_two_parts_and_not_long_beyond_the_last() -> None:
    whole = film_of(1)
    clips = [Clip(0, at, 1.0, len(whole)) for at in (0.0, 1.2)]
    lane = Lane(list(enumerate(clips)), lambda _number: io.BufferedReader(io.BytesIO(whole)))  # type: ignore[arg-type]
    dark = {}
    for tick in range(90):
        at = tick / 30
        lane.advance(at + READ_AHEAD)
        lane.picture(at)
        dark[at] = lane.is_dark(at, in_hole=False)
    assert not any(is_dark for at, is_dark in dark.items() if at < 2.4)
    assert all(is_dark for at, is_dark in dark.items() if at > 2.8)


def test_a_lane_without_any_film_is_there_and_says_so(tmp_path: Path) -> None:
    whole = film_of(1)
    path = made(plan_of([Clip(2, 0, 1, len(whole))], lanes=3), [whole], tmp_path)
    assert look(path).sizes == [(3 * TALL[0], 552)]
    assert max(brightness(path, 0).values()) < 40 < max(brightness(path, 2).values())


def test_sound_is_put_where_it_belongs() -> None:
    voice = Voice()
    voice.add(0.0, b"\x01\x00\x01\x00" * 960)
    # A millisecond is how exactly the file says it; a hole is silence, and nothing is heard twice.
    voice.add(0.0205, b"\x02\x00\x02\x00" * 960)
    voice.add(0.08, b"\x03\x00\x03\x00" * 960)
    voice.add(0.07, b"\x04\x00\x04\x00" * 2400)
    heard = memoryview(voice.take(RATE // 4)).cast("h")[::2]
    changes = [(0, heard[0])]
    changes += [(at, now) for at, now in enumerate(heard) if at and now != heard[at - 1]]
    assert changes == [(0, 1), (960, 2), (1920, 0), (3840, 3), (4800, 4), (5760, 0)]


def test_only_the_beginning_of_a_file_may_change_later() -> None:
    given: list[bytes] = []
    pages = Pages(8, given.append)
    pages.write(b"head")
    pages.seek(12)
    pages.write(b"behind")
    pages.seek(4)
    pages.write(b"here")
    pages.seek(0, io.SEEK_END)
    pages.write(b"!")
    pages.finish()
    assert (bytes(pages.head), b"".join(given)) == (b"headhere", b"\0" * 4 + b"behind!")
    pages.seek(10)
    with pytest.raises(OSError, match="given away"):
        pages.write(b"x")


def test_tiles_follow_what_the_cameras_send_and_how_many_they_are() -> None:
    assert tile_for([(640, 480), (1280, 720)]) == TALL
    assert tile_for([(1280, 720), (1920, 1080), (640, 480)]) == WIDE
    assert [columns_for(lanes) for lanes in (1, 2, 3, 4, 6)] == [1, 2, 3, 2, 3]


def test_where_no_h264_can_be_made_the_film_is_a_webm() -> None:
    assert best_format({"libx264", "aac"}) is MP4
    assert best_format({"libvpx", "libopus"}) is WEBM


class _Desk:
    """Gives one clip to the process, and keeps what it makes."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.pages: dict[int, bytes] = {}
        self.heard: list[float] = []

    async def read(self, _clip: int, at: int, count: int) -> bytes:
        return self.content[at : at + count]

    async def keep(self, number: int, page: bytes) -> None:
        self.pages[number] = page

    async def reached(self, seconds: float) -> None:
        self.heard.append(seconds)


def _tell_environment(link: Any, _plan: Plan, _niceness: int) -> None:  # noqa: ANN401
    names = [one.partition(b"=")[0] for one in Path("/proc/self/environ").read_bytes().split(b"\0")]
    link.send_bytes(b"x" + b" ".join(name for name in names if name[:1] in {b"K", b"P"}))


async def test_the_process_has_none_of_the_services_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KUAYU_SECRET", "a secret")
    monkeypatch.setattr(process, "_work", _tell_environment)
    with pytest.raises(ComposeError) as found:
        await compose_apart(plan_of([Clip(0, 0, 1, 1)]), _Desk(b""), niceness=0)
    assert "PATH" in str(found.value).split()
    assert "KUAYU" not in str(found.value)
    assert os.environ["KUAYU_SECRET"] == "a secret"


async def test_what_is_no_film_ends_the_process_and_nothing_else() -> None:
    desk: Any = _Desk(b"no film at all" * 100)
    with pytest.raises(ComposeError):
        await compose_apart(plan_of([Clip(0, 0, 1, 1400)]), desk, niceness=0)
    assert desk.pages == {}


@pytest.mark.parametrize("asks", [False, True], ids=["says nothing", "does not listen"])
async def test_a_process_that_hangs_holds_nobody_up(*, asks: bool) -> None:
    desk: Any = _Desk(bytes(READ_BYTES))
    ours, theirs = Pipe()
    with ours, theirs:
        if asks:
            theirs.send_bytes(b"r" + process._WHERE.pack(0, 0, READ_BYTES))
        with pytest.raises(ComposeError, match="hangs"):
            await process._serve(ours, desk, within=0.1)
        # As the end of the process would.
        theirs.close()

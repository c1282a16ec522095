"""Plays a plan through, tick by tick, into a film."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta
from io import BufferedReader
from zoneinfo import ZoneInfo

import av
import av.error

from server.composing.canvas import Canvas, tile_for
from server.composing.film import FRAMES_A_SECOND, Film, Format
from server.composing.lettering import Lettering
from server.composing.mixing import Mixer
from server.composing.plan import Made, Plan
from server.composing.reels import RATE, READ_AHEAD, Lane

SAMPLES = RATE // FRAMES_A_SECOND
_BEIJING = ZoneInfo("Asia/Shanghai")
_BROKEN, _NO_PICTURE = "中断", "没有画面"


def compose(
    plan: Plan,
    open_clip: Callable[[int], BufferedReader],
    put: Callable[[bytes], None],
    reached: Callable[[float], None],
    kind: Format,
) -> tuple[Made, bytes]:
    """Make the film of a plan; return what it is, and its first bytes, which are known last.

    `put` takes the pages behind those, `reached` how many seconds are done.
    """
    canvas = Canvas(
        plan.captions, plan.title, Lettering(plan.font), tile_for(_sizes(plan, open_clip))
    )
    lanes = [
        Lane([(n, one) for n, one in enumerate(plan.clips) if one.lane == lane], open_clip)
        for lane in range(len(plan.captions))
    ]
    film = Film(put, (canvas.width, canvas.height), plan.seconds, kind)
    mixer = Mixer(len(lanes))
    ticks = max(1, math.ceil(plan.seconds * FRAMES_A_SECOND))
    for tick in range(ticks):
        at = tick / FRAMES_A_SECOND
        for lane in lanes:
            lane.advance(at + READ_AHEAD)
        # A picture stands from the tick that is nearest to it.
        changed = [_draw(canvas, plan, number, lane, at) for number, lane in enumerate(lanes)]
        if tick % FRAMES_A_SECOND == 0:
            canvas.tell_time(_clock(plan, at))
            reached(at)
        if any(changed) or tick % FRAMES_A_SECOND == 0 or tick == ticks - 1:
            film.show(canvas.frame(), tick)
        for sound in mixer.mix([lane.voice.take(SAMPLES) for lane in lanes], SAMPLES):
            film.play(sound)
    for sound in mixer.close():
        film.play(sound)
    film.close()
    made = Made(kind.media_type, film.pages.size, len(film.pages.head))
    return made, bytes(film.pages.head)


def _draw(canvas: Canvas, plan: Plan, number: int, lane: Lane, at: float) -> bool:
    """Bring a lane's tile up to date; say whether it changed."""
    frame = lane.picture(at + 0.5 / FRAMES_A_SECOND)
    why = _why(plan, number, at)
    if lane.is_dark(at, in_hole=why is not None):
        # A camera that is off breaks nothing: sound goes on.
        is_broken = why is not None or not lane.is_running()
        return canvas.sign(number, _BROKEN if is_broken else _NO_PICTURE, why or "")
    if frame is None:
        return False
    canvas.show(number, frame)
    return True


def _why(plan: Plan, number: int, at: float) -> str | None:
    """Return why a lane has nothing to show at a moment, if that is known."""
    here = (
        hole.words for hole in plan.holes
        if hole.lane == number and hole.began <= at < hole.ended
    )  # fmt: skip
    return next(here, None)


def _clock(plan: Plan, at: float) -> str:
    now = (plan.began_at + timedelta(seconds=at)).astimezone(_BEIJING)
    return f"{now:%Y-%m-%d %H:%M:%S} 北京时间"


def _sizes(plan: Plan, open_clip: Callable[[int], BufferedReader]) -> list[tuple[int, int]]:
    """Return the picture sizes that the clips' heads name."""
    found = []
    for number in range(len(plan.clips)):
        with av.open(open_clip(number), "r") as clip:
            found += [(one.width, one.height) for one in clip.streams.video]
    return found

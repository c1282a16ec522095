"""Two pages in Chromium: from the click on accept to the first remote picture, and the bit rate.

    python -m bench.media.pages [--rounds 4] [--camera 1280x720] [--stages] [--only NAME]

Beside our own calls stand PeerJS and, as the floor, a bare call of two connections; one script sees
all of them alike. `--stages` takes our own time apart.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any, Final

from playwright.async_api import async_playwright

from bench.media.contenders import SITE, Pages, Place, Ring, bare, ours, peerjs
from server.lifetime import set_up_logs

FLAGS: Final = (
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream=device-count=1,fps=30",
    "--autoplay-policy=user-gesture-required",
)
SECONDS: Final = 3.0
# A little longer, so that the rate at that moment is known.
FOLLOWED: Final = SECONDS + 0.3
CAMERA: Final = "1280x720"


@dataclass(frozen=True, slots=True)
class Round:
    """Milliseconds from the click to the first picture on each page; the lower rate of both."""

    accepting: float
    other: float
    bits: float
    marks: tuple[tuple[str, float], ...] = ()


Contender = Callable[[Place], AbstractAsyncContextManager[Ring]]
CONTENDERS: Final[dict[str, Contender]] = {
    "bare, connected before": partial(bare, before=True),
    "relay, connected before": partial(ours, relayed=True),
    "bare, direct": partial(bare, before=False),
    "direct": partial(ours, relayed=False),
    "PeerJS": peerjs,
}


async def accept(pages: Pages, *, stages: bool) -> Round:
    """Click on accept, and return what both pages saw of it."""
    both = (pages.accepting, pages.other)
    for page in both:
        await page.evaluate("() => watch.reset()")
        if stages:
            await page.evaluate("() => void watch.encoding()")
    # Clicked from within: what Playwright does around a click of its own would count.
    following = [
        asyncio.ensure_future(page.evaluate(f"() => watch.follow({FOLLOWED})")) for page in both
    ]
    await pages.accepting.evaluate(
        "() => document.querySelector('[data-testid=offer-accept]').click()"
    )
    for page in both:
        await page.wait_for_function("() => watch.seen > 0", timeout=30_000)
    await asyncio.gather(*following)
    found = [await page.evaluate(LOOK) for page in both]
    clicked = found[0]["clicked"]
    return Round(
        accepting=found[0]["seen"] - clicked,
        other=found[1]["seen"] - clicked,
        bits=min(_rate_at(one["rates"], clicked + 1000 * SECONDS) for one in found),
        marks=tuple(_marks(found, clicked)) if stages else (),
    )


LOOK = """() => ({
    ...watch, connections: null, frame: { ...watch.frame }, began: performance.timeOrigin,
})"""


def _rate_at(rates: list[tuple[float, float]], moment: float) -> float:
    """Return the last rate that was noted by then."""
    return [0.0, *(rate for at, rate in rates if at <= moment)][-1]


def _marks(found: list[dict[str, Any]], clicked: float) -> Iterable[tuple[str, float]]:
    """Return what stages.js noted, and what the browser itself says of the first picture."""
    for name, one in zip(("accepting", "other"), found, strict=True):
        frame = one["frame"]
        told = [*one["marks"], ("first picture seen", one["seen"])]
        told += [
            (f"first picture's {key}", one["began"] + frame[key])
            for key in ("receiveTime", "presentationTime")
            if key in frame
        ]
        size = f" ({frame.get('width')}x{frame.get('height')})"
        for what, at in told:
            shown = what + size if what.endswith("seen") else what
            yield f"{name:<10}{shown}", at - clicked


@asynccontextmanager
async def place(camera: str, *, stages: bool) -> AsyncIterator[Place]:
    """Run the distribution's Chromium with a camera of its own making."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    scripts = ["watch.js", "stages.js"] if stages else ["watch.js"]
    size = ",".join(camera.split("x"))
    script = f"window.cameraSize = [{size}];" + "".join(
        (SITE / name).read_text() for name in scripts
    )
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path, args=list(FLAGS), chromium_sandbox=False
        )
        try:
            yield Place(browser, script)
        finally:
            await browser.close()


async def measure(name: str, rounds: int, camera: str, *, stages: bool) -> list[Round]:
    """Play so many calls of a contender, in a browser of their own."""
    found = []
    async with place(camera, stages=stages) as here, CONTENDERS[name](here) as ring:
        for _ in range(rounds):
            async with ring() as pages:
                found.append(await accept(pages, stages=stages))
    return found


HEAD: Final = (
    f"{'first picture, ms after accept':<32}{'rounds':>7}{'accepting':>18}{'other side':>18}"
    f"{'Mbps at 3 s':>18}{'load':>6}"
)


async def row(name: str, rounds: int) -> list[str]:
    """Return a contender's line: medians, with the least and the most."""
    set_up_logs(quiet=True)
    return [line(name, await measure(name, rounds, CAMERA, stages=False))]


def line(name: str, rounds: list[Round]) -> str:
    """Return how a contender's rounds are told."""
    accepting = _spread([one.accepting for one in rounds], 0)
    other = _spread([one.other for one in rounds], 0)
    bits = _spread([one.bits / 1e6 for one in rounds], 2)
    load = os.getloadavg()[0]
    return f"{name:<32}{len(rounds):>7}{accepting:>18}{other:>18}{bits:>18}{load:>6.1f}"


def _spread(values: list[float], digits: int) -> str:
    low, middle, high = min(values), median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f}-{high:.{digits}f})"


async def main(rounds: int, camera: str, only: str | None, *, stages: bool) -> None:
    """Print a line for each contender, and the marks of every round where they are asked for."""
    set_up_logs(quiet=True)
    print(HEAD)
    for name in CONTENDERS:
        if only not in {None, name}:
            continue
        found = await measure(name, rounds, camera, stages=stages)
        print(line(name, found), flush=True)
        for one in found if stages else ():
            marks = sorted(one.marks, key=_moment)
            print("\n".join(["", *(f"{at:>8.0f}  {what}" for what, at in marks)]))


def _moment(mark: tuple[str, float]) -> float:
    return mark[1]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--camera", default=CAMERA)
    parser.add_argument("--stages", action="store_true")
    parser.add_argument("--only", choices=[*CONTENDERS])
    given = parser.parse_args()
    asyncio.run(main(given.rounds, given.camera, given.only, stages=given.stages))

"""What people do at the screens: pages in contexts of their own, found by what stands on them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from playwright.async_api import Browser, ConsoleMessage, Locator, Page, expect

from server import demo

# Long enough for a machine that is busy with other tests; what must be quick is measured.
PATIENCE = 20.0
WIDE = {"width": 1366, "height": 768}
PHONE = {"width": 390, "height": 844}
# The element may be another one by the next look: pages put a new one where a stream starts anew.
# A new stream in the same element counts from nothing: what the one before had drawn says nothing.
MOVES = """([testid, frames, look]) => {
    const all = [...document.querySelectorAll(`video[data-testid="${testid}"]`)];
    const video = all.find((one) => one.checkVisibility());
    if (video === undefined) return false;
    const drawn = video.getVideoPlaybackQuality().totalVideoFrames;
    if (!(video[look] <= drawn)) video[look] = drawn;
    return drawn - video[look] >= frames;
}"""


# Pictures of 640 × 480: what is no matter of their size then costs a tenth of the machine.
SMALL_CAMERA = """
    const media = navigator.mediaDevices;
    const open = media?.getUserMedia.bind(media);
    if (media) media.getUserMedia = (wanted) => {
        const video = wanted.video && { ...wanted.video, width: 640, height: 480 };
        return open({ ...wanted, video });
    };
"""


# The day's device check has been asked for: who is signed in would be asked with the first call.
CHECKED = """async () => {
    const { data } = await (await fetch("/api/me")).json();
    const day = new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Shanghai" });
    const ahead = Date.parse(data.server_time) - Date.now();
    const note = () => {
        const asked = { [data.clerk.id]: day.format(Date.now() + ahead) };
        localStorage.setItem("kuayu.device-check", JSON.stringify(asked));
    };
    note();
    // With each press anew: it may be tomorrow by then.
    for (const press of ["pointerdown", "keydown"]) addEventListener(press, note, true);
}"""


@dataclass
class Screen:
    """A page in a browser context of its own, and what went wrong on it."""

    page: Page
    url: str
    faults: list[str] = field(default_factory=list)

    def at(self, testid: str) -> Locator:
        """Return the element that bears this data-testid."""
        return self.page.get_by_test_id(testid)

    async def click(self, testid: str) -> None:
        await self.at(testid).click()

    def control(self, testid: str) -> Locator:
        """Return what one types into: the element itself, or the input inside."""
        typed = ":is(input, textarea, select)"
        inside = self.at(testid).locator(typed)
        return self.page.locator(f"{typed}[data-testid='{testid}']").or_(inside).first

    async def fill(self, testid: str, text: str) -> None:
        await self.control(testid).fill(text)

    async def choose(self, testid: str, words: str) -> None:
        """Choose from a list by what the choice says."""
        await self.at(testid).click()
        choice = self.page.get_by_role("option", name=words, exact=True)
        await choice.locator("visible=true").click()

    async def says(
        self, testid: str, words: str | re.Pattern[str], *, within: float = PATIENCE
    ) -> None:
        await expect(self.at(testid)).to_contain_text(words, timeout=within * 1000)

    async def sees_moving(self, testid: str, *, frames: int = 15, within: float = PATIENCE) -> None:
        """Wait until a video has drawn so many more frames than when it was first looked at."""
        await self.page.wait_for_function(
            MOVES, arg=[testid, frames, uuid4().hex], timeout=within * 1000
        )


@dataclass
class Stage:
    """Every screen of one story, at one service."""

    browser: Browser
    url: str
    #: What every page runs before its own scripts.
    script: str = ""
    screens: list[Screen] = field(default_factory=list)

    @asynccontextmanager
    async def screen(
        self, path: str, size: dict[str, int] = WIDE, script: str = ""
    ) -> AsyncIterator[Screen]:
        """Open a page in a context of its own: its own cookies, camera and microphone."""
        context = await self.browser.new_context(
            viewport=size, locale="zh-CN", timezone_id="Asia/Shanghai", accept_downloads=True,
            # A colour or a place on its way from one to another is no state that one can test.
            reduced_motion="reduce",
        )  # fmt: skip
        await context.add_init_script(self.script + script)
        page = await context.new_page()
        shown = Screen(page, self.url)
        page.on("pageerror", lambda error: shown.faults.append(str(error)))
        page.on("console", _keep_errors(shown))
        self.screens.append(shown)
        try:
            await page.goto(self.url + path)
            yield shown
        finally:
            await context.close()

    @asynccontextmanager
    async def tab_of(self, first: Screen) -> AsyncIterator[Screen]:
        """Open the same page once more in the same browser profile."""
        page = await first.page.context.new_page()
        shown = Screen(page, self.url)
        self.screens.append(shown)
        try:
            await page.goto(first.page.url)
            yield shown
        finally:
            await page.close()

    @asynccontextmanager
    async def desk(
        self, name: str, size: dict[str, int] = WIDE, script: str = "", *, checked: bool = True
    ) -> AsyncIterator[Screen]:
        """Open the workbench and sign in as one of the demonstration's accounts.

        `checked`: the day's device check has been asked for in this browser already.
        """
        async with self.screen("/login", size, script) as shown:
            await shown.fill("login-name", name)
            await shown.fill("login-password", demo.PASSWORD)
            await shown.click("login-submit")
            connection = shown.at("connection").or_(shown.at("board-line"))
            await expect(connection).to_contain_text(re.compile("已连接|实时"))
            if checked:
                await shown.page.evaluate(CHECKED)
            yield shown

    def faults(self) -> list[str]:
        """Return every crash and every refused resource of all pages."""
        return [fault for shown in self.screens for fault in shown.faults]


def _keep_errors(shown: Screen) -> Callable[[ConsoleMessage], None]:
    def keep(message: ConsoleMessage) -> None:
        # A refusal is an answer: the browser tells of it, the screen shows its words.
        if (
            message.type == "error"
            and "the server responded with a status of 4" not in message.text
        ):
            shown.faults.append(message.text)

    return keep


async def download(shown: Screen, testid: str, folder: Path) -> Path:
    """Click a download and return the file."""
    async with shown.page.expect_download() as waiting:
        await shown.click(testid)
    got = await waiting.value
    path = folder / got.suggested_filename
    await got.save_as(path)
    return path


async def sign_by_hand(shown: Screen) -> None:
    """Draw a signature on the facing screen's pad."""
    pad = shown.at("facing-signature")
    await pad.hover()  # Which waits until it lies still.
    box = await pad.bounding_box()
    assert box is not None
    mouse = shown.page.mouse
    await mouse.move(box["x"] + 30, box["y"] + box["height"] * 0.3)
    await mouse.down()
    for step in range(1, 30):
        height = 0.3 + 0.4 * ((step * 7) % 10) / 10
        await mouse.move(box["x"] + 30 + step * 8, box["y"] + box["height"] * height)
    await mouse.up()

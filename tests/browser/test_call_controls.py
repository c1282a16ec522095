"""What stands below the pictures of a call, pressed on one side and seen on the other.

One call after the other would cost more than all that is tried in it: each act leaves the call as
it found it, and the last one hangs up.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Locator, expect

from tests.browser.conftest import ALLOWED, PLUGGED, launched
from tests.support.acts import connect, open_case, ready_case, see_each_other
from tests.support.screens import SMALL_CAMERA, WIDE, Screen, Stage
from tests.support.service import demonstration

pytestmark = [
    pytest.mark.browser, pytest.mark.timeout(420), pytest.mark.asyncio(loop_scope="module"),
]  # fmt: skip

LARGE = 200
NEAR = 0.03
# The loudest sample of what a video element plays, heard for as long as three of the fake beeps:
# by the clock of what is played, and each look goes back over two thirds of a second.
HEAR = """async (video) => {
    const context = new AudioContext();
    await context.resume();
    const analyser = new AnalyserNode(context, { fftSize: 32768 });
    context.createMediaStreamSource(video.srcObject).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let loudest = 0;
    const end = context.currentTime + 1.6;
    while (context.currentTime < end) {
        analyser.getFloatTimeDomainData(samples);
        loudest = Math.max(loudest, ...samples.map(Math.abs));
        await new Promise(requestAnimationFrame);
    }
    await context.close();
    return loudest;
}"""
QUIET = 0.001
PAPERS = "fake_device_2"
# A stroke from the middle to three quarters, in thousandths of the picture.
DRAWN = re.compile(r"^(49\d|50\d)[.\d]*,(49|50)\d\S* .* (74|75)\d[.\d]*,(49|50)\d\S*$")
# Keep where on the picture itself, without the bars beside it, the middle of the pointer has lain.
# It is there for a moment only: whoever asked for it from outside might come too late. A mouse that
# rests where a picture comes up points there too, so that the first place need not be the one.
LOOK_OUT = """() => {
    window.pointed = [];
    window.lookout?.disconnect();
    window.lookout = new MutationObserver(() => {
        const mark = document.querySelector('[data-testid="pointer"]');
        if (mark === null) return;
        const video = document.querySelector('[data-testid="sheet-video"]');
        const [tile, dot] = [video.getBoundingClientRect(), mark.getBoundingClientRect()];
        const scale = Math.min(tile.width / video.videoWidth, tile.height / video.videoHeight);
        const [width, height] = [video.videoWidth * scale, video.videoHeight * scale];
        window.pointed.push([
            (dot.x + dot.width / 2 - tile.x - (tile.width - width) / 2) / width,
            (dot.y + dot.height / 2 - tile.y - (tile.height - height) / 2) / height,
        ]);
    });
    window.lookout.observe(document.body, {
        childList: true, subtree: true, attributeFilter: ["style"],
    });
}"""
POINTED_AT = """([x, y, near]) => window.pointed.some(
    ([left, top]) => Math.abs(left - x) < near && Math.abs(top - y) < near
)"""
# The call has the whole window.
FILLS = """([column, width, height]) => {
    const box = column.getBoundingClientRect();
    return document.fullscreenElement !== null && box.x === 0 && box.y === 0
        && box.width === width && box.height === height;
}"""
# Our own picture comes from this camera.
COMES_FROM = """([video, label]) => video.srcObject?.getVideoTracks()[0]?.label === label"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def talking(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Screen, Screen]]:
    """A counter and an agent in a call on a case that lacks nothing."""
    async with (
        demonstration(tmp_path_factory.mktemp("talking")) as service,
        launched(ALLOWED, PLUGGED) as chromium,
    ):
        stage = Stage(chromium, service.url, SMALL_CAMERA)
        async with stage.desk("wujiang-counter") as counter, stage.desk("huoqiu-agent") as agent:
            await agent.click("agent-ready")
            await ready_case(counter)
            await connect(counter, agent)
            yield counter, agent
            assert stage.faults() == []


async def sees_sheet(screen: Screen, label: str) -> None:
    """See another's paper or screen: large, with its name, and moving."""
    await expect(screen.page.locator("figure", has_text=label)).to_be_visible()
    await screen.sees_moving("sheet-video", frames=5)
    box = await screen.at("sheet-video").first.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) > LARGE


async def points(one: Screen, other: Screen) -> None:
    """Point at a quarter of the picture: the other side sees it there, and for a moment only."""
    for screen in (one, other):  # Before its first frame nobody knows where a picture lies.
        await screen.sees_moving("sheet-video", frames=1)
    await other.page.evaluate(LOOK_OUT)
    sheet = one.at("sheet-video")
    box = await sheet.bounding_box()
    assert box is not None
    await sheet.hover(position={"x": box["width"] / 2, "y": box["height"] / 4})
    await other.page.wait_for_function(POINTED_AT, arg=[0.5, 0.25, NEAR])
    await expect(other.at("pointer")).to_be_hidden()


async def draws(one: Screen, other: Screen) -> None:
    """Draw from the middle to the right: the other side sees it there until either wipes it."""
    await one.click("pen")
    box = await one.at("marks").bounding_box()
    assert box is not None
    mouse, y = one.page.mouse, box["y"] + box["height"] / 2
    await mouse.move(box["x"] + box["width"] / 2, y)
    await mouse.down()
    await mouse.move(box["x"] + box["width"] * 0.75, y, steps=8)
    await mouse.up()
    for screen in (one, other):
        await expect(screen.at("mark")).to_have_count(1)
        await expect(screen.at("mark")).to_have_attribute("points", DRAWN)
    await expect(other.at("pointer")).to_be_hidden()
    await other.click("marks-clear")
    for screen in (one, other):
        await expect(screen.at("mark")).to_have_count(0)
    await one.click("pen")


async def is_heard(voice: Locator) -> None:
    """Hear something, once it has come."""
    for _ in range(10):
        if await voice.evaluate(HEAR) > QUIET:
            return
    pytest.fail("what is switched on is not heard")


async def falls_silent(voice: Locator) -> None:
    """Hear nothing for a whole look, once what was on its way has been played."""
    for _ in range(5):
        if await voice.evaluate(HEAR) < QUIET:
            return
    pytest.fail("what is switched off is still heard")


async def choose_device(screen: Screen, select: str, name: str) -> None:
    """Choose a device in the dialog for it."""
    await screen.click("devices")
    await screen.page.locator(f"#{select}").select_option(label=name)
    await screen.click("devices-done")
    await expect(screen.at("device-dialog")).to_be_hidden()


async def test_what_one_side_writes_the_other_reads_and_the_timeline_keeps(
    talking: tuple[Screen, Screen],
) -> None:
    counter, agent = talking
    await counter.click("chat-toggle")
    await counter.fill("chat-text", "听得到吗")
    await counter.control("chat-text").press("Enter")
    await agent.says("chat-unread", "1")
    await agent.click("chat-toggle")
    await agent.says("chat-list", "听得到吗")
    await expect(agent.at("chat-unread")).to_have_count(0)
    await agent.fill("chat-text", "听不到，请写")
    await agent.click("chat-send")
    await counter.says("chat-list", "听不到，请写")
    await counter.click("tab-log")
    await counter.says("timeline", "说：听不到，请写")
    # What is written while another case lies on the desk is told there, and what was begun stays.
    await counter.fill("chat-text", "我看一下")
    await open_case(counter, name="李思源")
    await agent.fill("chat-text", "请拿近一点")
    await agent.click("chat-send")
    await counter.says("chat-missed", "有 1 条新的文字")
    await counter.page.get_by_role("link", name="打开它").click()
    await counter.says("chat-list", "请拿近一点")
    await expect(counter.control("chat-text")).to_have_value("我看一下")
    for screen in talking:
        await screen.click("chat-toggle")


async def test_screens_and_papers_are_shown_to_the_other_side_and_pointed_at(
    talking: tuple[Screen, Screen],
) -> None:
    counter, agent = talking
    for _ in range(2):
        await agent.click("share-screen")
        await sees_sheet(counter, "程坐席的共享屏幕")
        await expect(agent.page.locator("figure", has_text="我的共享屏幕")).to_be_visible()
        await points(counter, agent)
        await points(agent, counter)
        await draws(counter, agent)
        await agent.click("share-screen")
        for screen in talking:
            await expect(screen.at("sheet-video")).to_be_hidden()

    await choose_device(counter, "device-document", PAPERS)
    await counter.click("share-document")
    await sees_sheet(agent, "沈窗口的高拍仪")
    await agent.click("share-screen")
    await expect(agent.at("sheet-video")).to_have_count(2)
    await expect(counter.at("sheet-video")).to_have_count(2)
    await agent.page.keyboard.press("Alt+s")
    await agent.click("tab-materials")
    await expect(agent.at("material-id-card").filter(has_text="拍摄留存")).to_be_visible()
    await see_each_other(*talking)
    await counter.click("share-document")
    await agent.click("share-screen")
    for screen in talking:
        await expect(screen.at("sheet-video")).to_have_count(0)


async def test_what_is_switched_off_is_neither_heard_nor_seen_and_says_so(
    talking: tuple[Screen, Screen],
) -> None:
    counter, agent = talking
    theirs = agent.page.locator("figure", has=agent.at("remote-video"))
    voice = agent.at("remote-video")
    await is_heard(voice)
    await counter.page.keyboard.press("Alt+m")
    await expect(theirs).to_contain_text("麦克风已关")
    await expect(counter.at("toggle-microphone")).to_have_attribute("aria-pressed", "true")
    await falls_silent(voice)
    await counter.click("toggle-microphone")
    await expect(theirs).not_to_contain_text("麦克风已关")
    await is_heard(voice)

    await counter.click("toggle-camera")
    await agent.says("call-cover", "对方没有打开摄像头")
    await agent.click("take-still")
    await asyncio.gather(  # Both stand there for some seconds only.
        expect(counter.page.get_by_text("窗口的摄像头已关闭，没有拍摄")).to_be_visible(),
        expect(agent.page.get_by_text("窗口没有拍摄。办件没有改变")).to_be_visible(),
    )
    # Whoever comes back in learns it too.
    await agent.page.reload()
    await agent.says("call-cover", "对方没有打开摄像头", within=40)
    await counter.click("toggle-camera")
    await expect(agent.at("call-cover")).to_be_hidden()
    await agent.sees_moving("remote-video", within=30)


async def test_another_camera_is_seen_on_the_other_side_and_takes_the_stills(
    talking: tuple[Screen, Screen],
) -> None:
    counter, agent = talking
    await choose_device(counter, "device-camera", PAPERS)
    await choose_device(counter, "device-microphone", "Fake Audio Input 2")
    own = await counter.at("own-video").element_handle()
    await counter.page.wait_for_function(COMES_FROM, arg=[own, PAPERS])
    await counter.sees_moving("own-video", frames=5)
    await agent.sees_moving("remote-video", within=30)
    await is_heard(agent.at("remote-video"))
    await agent.page.keyboard.press("Alt+s")
    await agent.click("tab-materials")
    await expect(agent.at("material-id-card").filter(has_text="拍摄留存")).to_have_count(2)
    await counter.click("devices")
    await expect(counter.page.locator("#device-camera option:checked")).to_have_text(PAPERS)
    await counter.click("devices-done")

    await counter.click("fullscreen")
    column = await counter.at("call-column").element_handle()
    await counter.page.wait_for_function(FILLS, arg=[column, WIDE["width"], WIDE["height"]])
    await counter.at("own-video").click(trial=True)
    await counter.page.keyboard.press("Alt+m")
    await expect(counter.at("toggle-microphone")).to_have_attribute("aria-pressed", "true")
    await counter.click("hang-up")
    await expect(counter.at("hang-up-confirm")).to_be_visible()
    # What the next step would do lies beneath the dialog.
    await counter.page.keyboard.press("Alt+Enter")
    await expect(counter.at("hang-up-confirm")).to_be_visible()
    await counter.click("hang-up-confirm")
    await counter.page.wait_for_function("() => document.fullscreenElement === null")

"""The device check before the first call of the day, and calls of those who lack a device."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Request, expect

from tests.browser.conftest import ALLOWED, PLUGGED, REFUSED, UNPLUGGED, launched
from tests.support.acts import ready_case, upload
from tests.support.media_worker import media_worker
from tests.support.screens import SMALL_CAMERA, Screen, Stage
from tests.support.service import Service

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]

PORTS = range(31_750, 31_800)
# The made-up microphone beeps now and then, and the network part takes some six seconds.
PATIENT = 80_000
SPEED = r"[\d.]+ [kM]bps"
MEASURED = re.compile(rf"上行 {SPEED}，下行 {SPEED}，丢包 [\d.]+%，往返 \d+ 毫秒：(良好|较差)")
CARRIED = re.compile(r"行 (?!0 kbps)")


def is_ticket(request: Request) -> bool:
    """Say whether a page asks for a place in the line."""
    return request.method == "POST" and request.url.endswith("/ticket")


async def check_all(screen: Screen) -> None:
    """Go through the check as a clerk does: look, speak, listen, wait for the network."""
    await screen.sees_moving("check-video", frames=3, within=40)
    await screen.says("check-camera", "画面已打开：良好")
    await expect(screen.at("check-microphone")).to_contain_text("听到声音了", timeout=PATIENT)
    await screen.click("check-sound")
    await screen.says("check-speaker", "听到了吗？")
    await screen.click("check-heard")
    await screen.says("check-speaker", "听到了：良好")
    await expect(screen.at("check-network")).to_contain_text(MEASURED, timeout=PATIENT)
    await expect(screen.at("check-network")).to_contain_text(CARRIED)


async def test_before_the_first_call_of_a_day_devices_and_network_are_checked(
    light: Stage, service: Service
) -> None:
    async with (
        media_worker(service, PORTS),
        light.desk("huoqiu-agent", checked=False) as agent,
        light.desk("wujiang-counter", checked=False) as counter,
    ):
        await agent.click("agent-ready")
        await check_all(agent)
        await agent.click("check-done")
        await expect(agent.at("agent-state")).to_have_attribute("data-state", "ready")
        await agent.click("agent-break")
        await agent.click("agent-ready")
        await expect(agent.at("agent-state")).to_have_attribute("data-state", "ready")
        await expect(agent.at("check-dialog")).to_be_hidden()

        await ready_case(counter)
        calls: list[Request] = []
        counter.page.on("request", lambda one: is_ticket(one) and calls.append(one))
        await counter.page.keyboard.press("Alt+Enter")
        await expect(counter.at("check-dialog")).to_be_visible()
        # Escape goes on with nothing; only 跳过 and 完成 do.
        await counter.page.keyboard.press("Escape")
        await expect(counter.at("check-dialog")).to_be_hidden()
        await expect(counter.at("next-step")).to_be_enabled()
        await counter.page.keyboard.press("Alt+Enter")
        await counter.click("check-skip")
        await agent.click("offer-accept")
        for screen in (counter, agent):
            await screen.sees_moving("remote-video", within=60)
        assert len(calls) == 1  # Neither what Escape left undone, nor anything before it.

        async with light.desk("huoqiu-supervisor") as board:
            await expect(board.at("board-checks")).to_have_text(re.compile(r"未做 / (良好|较差)"))
        await counter.click("devices")
        await counter.click("check-open")
        await counter.says("check-network", "正在通话")
        await counter.click("check-skip")
        await counter.sees_moving("own-video", frames=3)
        assert light.faults() == []


async def test_who_has_no_camera_reads_what_to_do(service: Service) -> None:
    # Chromium's made-up microphone is there without any camera.
    async with launched(ALLOWED, UNPLUGGED) as browser:
        poor = Stage(browser, service.url, SMALL_CAMERA)
        async with poor.desk("huoqiu-agent", checked=False) as agent:
            await agent.click("agent-ready")
            await agent.says("check-camera", "没有找到摄像头。请插好设备后按“重新检测”")
            await agent.says("check-microphone", "听到声音了", within=80)
            await agent.click("check-skip")
            await expect(agent.at("agent-state")).to_have_attribute("data-state", "ready")
        assert poor.faults() == []


async def test_whose_browser_forbids_devices_joins_without_and_uploads_instead_of_the_still(
    light: Stage,
) -> None:
    async with launched(REFUSED, PLUGGED) as browser:
        poor = Stage(browser, light.url, SMALL_CAMERA)
        async with (
            poor.desk("wujiang-counter", checked=False) as counter,
            light.desk("huoqiu-agent") as agent,
        ):
            await agent.click("agent-ready")
            await ready_case(counter)
            await counter.click("next-step")
            for name in ("摄像头", "麦克风"):
                words = f"浏览器没有允许使用{name}。请点击地址栏左侧的图标"
                await counter.says("check-dialog", words)
            await counter.says("check-network", "没有媒体服务器，通话由双方直接连接")
            await counter.click("check-done")
            await agent.click("offer-accept")
            await counter.sees_moving("remote-video", within=40)
            await counter.says("device-problems", "浏览器没有允许使用摄像头")
            await agent.says("call-cover", "对方没有打开摄像头")
            await agent.click("take-still")
            await expect(counter.page.get_by_text("窗口没有可用的摄像头，没有拍摄")).to_be_visible()
            await upload(counter, "id-card")
            await agent.click("tab-materials")
            await expect(agent.at("material-id-card")).to_have_count(2)
        assert [*poor.faults(), *light.faults()] == []

"""Four seats and the citizen's screen in one relayed call: guests come, go and disturb nobody."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.support.acts import Hall, hang_up, open_hall, ready_case, see_each_other
from tests.support.connections import KEEP
from tests.support.media_worker import media_worker
from tests.support.screens import SMALL_CAMERA, Screen, Stage
from tests.support.service import Service

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]

PORTS = range(31_700, 31_750)
# A busy machine draws late, by 1.3 s at five times its load; a picture that is lost stays so.
LONGEST_STILL = 10.0
# What a page sends and has opened.
SENT = """async () => {
    const live = window.connections.filter((one) => one.connectionState === "connected");
    const all = await Promise.all(live.map((one) => one.getStats()));
    const out = all.flatMap((one) => [...one.values()])
        .filter((entry) => entry.type === "outbound-rtp");
    return {
        connected: live.length,
        bytes: out.reduce((sum, entry) => sum + entry.bytesSent, 0),
        own: document.querySelectorAll('video[data-testid="own-video"]').length,
    };
}"""
# How long the picture of a tile has stood still at most, watched from now on.
WATCH = """(testid) => {
    const video = [...document.querySelectorAll(`video[data-testid="${testid}"]`)]
        .find((one) => one.checkVisibility());
    const seen = {
        element: video, stream: video.srcObject, frames: 0, last: performance.now(), still: 0,
    };
    const look = (now) => {
        seen.frames += 1;
        seen.still = Math.max(seen.still, now - seen.last);
        seen.last = now;
        video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
    window.watched = { ...window.watched, [testid]: seen };
}"""
WATCHED = """(testid) => {
    const { element, stream, frames, last, still } = window.watched[testid];
    return {
        same: element.isConnected && element.srcObject === stream, frames,
        still: Math.max(still, performance.now() - last) / 1000,
    };
}"""


@pytest.fixture
async def stage(chromium: Browser, service: Service) -> Stage:
    return Stage(chromium, service.url, SMALL_CAMERA + KEEP)


async def look_at(screen: Screen, testid: str) -> dict[str, Any]:
    found: dict[str, Any] = await screen.page.evaluate(WATCHED, testid)
    return found


async def meet(hall: Hall) -> None:
    await ready_case(hall.counter)
    await hall.counter.click("next-step")
    await hall.agent.click("offer-accept")
    await see_each_other(hall.counter, hall.agent)


def halls_of(hall: Hall) -> list[tuple[Screen, str]]:
    """Whose pictures must go on whatever guests do."""
    return [
        (hall.counter, "remote-video"), (hall.agent, "remote-video"),
        (hall.facing, "facing-remote-video"),
    ]  # fmt: skip


async def advise(hall: Hall, adviser: Screen) -> None:
    """Ask the one colleague who is ready, who comes in; wait until everybody sees them."""
    await expect(adviser.at("agent-state")).to_have_attribute("data-state", "ready")
    await hall.agent.click("invite-open")
    await hall.agent.click("invite")
    await hall.agent.says("invited", "正在邀请 许户政", within=30)
    await adviser.click("invitation-accept")
    # To the adviser the counter comes first, by the order of the seats.
    for screen, testid in (
        (adviser, "remote-video"), (adviser, "second-video"), (hall.agent, "adviser-video"),
        (hall.counter, "adviser-video"), (hall.facing, "facing-adviser-video"),
    ):  # fmt: skip
        await screen.sees_moving(testid, frames=5, within=60)


async def look_on(hall: Hall, adviser: Screen, chief: Screen) -> None:
    """Have the supervisor look on: they see everybody, all see that they do, they send nothing."""
    await chief.click("observe")
    for testid in ("remote-video", "second-video", "adviser-video"):
        await chief.sees_moving(testid, frames=5, within=60)
    for screen in (hall.counter, hall.agent, adviser):
        await screen.says("observer", "督导 方值班（霍邱县政务服务中心）正在旁听", within=40)
    await hall.facing.says("facing-observer", "督导 方值班", within=40)
    assert await chief.page.evaluate(SENT) == {"connected": 1, "bytes": 0, "own": 0}


async def went_on(hall: Hall) -> None:
    """Check that all this while the halls' own pictures went on in the very same tiles."""
    for screen, testid in halls_of(hall):
        await screen.sees_moving(testid, frames=5, within=60)
        found = await look_at(screen, testid)
        assert found["same"], (testid, found)
        assert found["still"] < LONGEST_STILL, (testid, found)


async def test_an_adviser_and_a_supervisor_come_and_go_and_disturb_nobody(
    stage: Stage, service: Service
) -> None:
    async with (
        media_worker(service, PORTS) as worker, open_hall(stage) as hall, AsyncExitStack() as more,
    ):  # fmt: skip
        counter, agent, facing = hall.counter, hall.agent, hall.facing
        await meet(hall)
        for screen, testid in ((counter, "authority"), (facing, "facing-authority")):
            await screen.says(testid, "已核验：霍邱县人力资源和社会保障局", within=40)
        for screen, testid in halls_of(hall):
            await screen.sees_moving(testid, frames=5, within=60)
            await screen.page.evaluate(WATCH, testid)

        adviser = await more.enter_async_context(stage.desk("huoqiu-police"))
        await adviser.click("agent-ready")
        await advise(hall, adviser)
        await expect(adviser.at("hang-up")).to_have_count(0)
        await expect(counter.at("adviser-dismiss")).to_have_count(0)
        chief = await more.enter_async_context(stage.desk("huoqiu-supervisor"))
        await look_on(hall, adviser, chief)

        await adviser.page.reload()
        await adviser.sees_moving("remote-video", frames=5, within=60)
        await adviser.click("call-leave")
        await expect(counter.at("adviser-video")).to_have_count(0)
        await advise(hall, adviser)
        await chief.page.reload()
        await chief.sees_moving("remote-video", frames=5, within=60)
        await chief.click("observe-end")
        for screen in (counter, adviser):
            await expect(screen.at("observer")).to_have_count(0)

        await went_on(hall)
        # Without a relay every two of them connect.
        worker.kill()
        for screen, testid in (
            (adviser, "second-video"), (adviser, "remote-video"), (counter, "adviser-video"),
            (agent, "adviser-video"), (facing, "facing-adviser-video"), *halls_of(hall),
        ):  # fmt: skip
            await screen.sees_moving(testid, frames=5, within=60)
        await hang_up(agent)
        await expect(adviser.at("call-leave")).to_have_count(0)
        assert stage.faults() == []

"""What ends without a word in the middle of a call: the whole service, and a tab."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from tests.support.acts import connect, hang_up, read_case, ready_case, see_each_other
from tests.support.child import Demonstration
from tests.support.screens import SMALL_CAMERA, Screen, Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]

# The call with its seats, and how often the case has stood in line.
STANDING = """async () => {
    const id = new URL(location.href).searchParams.get("case");
    const ask = async (path) => (await (await fetch(`/api/cases/${id}/${path}`)).json()).data;
    const call = await ask("call");
    const { events } = await ask("events?after=0");
    const taken = events.filter((event) => event.kind === "ticket.taken").length;
    return [id, call.id, taken, ...call.seats.map((seat) => seat.id)];
}"""


@pytest.fixture
async def demonstration(tmp_path: Path) -> AsyncIterator[Demonstration]:
    """`kuayu demo` with its media worker, all processes of its own."""
    made = Demonstration(tmp_path / "data")
    (made.data / "rehearsals").mkdir(parents=True)
    (made.data / "rehearsals" / "finished.pdf").touch()
    async with made.served():
        yield made


async def standing(screen: Screen) -> list[Any]:
    found: list[Any] = await screen.page.evaluate(STANDING)
    return found


async def crash(screen: Screen) -> None:
    """Have the page's process die, as it does when memory runs out."""
    devtools = await screen.page.context.new_cdp_session(screen.page)
    async with screen.page.expect_event("crash"):
        # Whoever could answer is gone.
        unanswered = asyncio.ensure_future(devtools.send("Page.crash"))
    unanswered.cancel()
    await asyncio.wait([unanswered])


async def test_a_killed_service_and_a_crashed_tab_cost_no_seat_no_case_and_no_place(
    chromium: Browser, demonstration: Demonstration
) -> None:
    stage = Stage(chromium, demonstration.url, SMALL_CAMERA)
    async with stage.desk("wujiang-counter") as counter, stage.desk("huoqiu-agent") as agent:
        await agent.click("agent-ready")
        await ready_case(counter)
        await connect(counter, agent)
        before = await standing(counter)

        # The worker dies with it.
        await demonstration.stop(signal.SIGKILL)
        for screen in (counter, agent):
            await screen.says("connection", "连接中断，正在重连")
            await screen.says("call-cover", "办件和席位都为您保留")
        await demonstration.start()
        for screen in (counter, agent):
            await screen.says("connection", "已连接", within=30)
        await see_each_other(counter, agent)
        assert await standing(counter) == before

        await crash(counter)
        await agent.says("call-cover", "对方正在重新连接，办件内容不会丢失")
        async with stage.tab_of(counter) as again:
            await see_each_other(again, agent)
            assert await standing(again) == before
            assert (await read_case(again))["state"] == "in_call"
            await hang_up(again)

"""A call over a line that loses packets and is cut: the picture goes and comes, the call stays."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.conftest import ALLOWED, PLUGGED, launched
from tests.support.acts import Hall, hang_up, open_hall, read_case, ready_case, see_each_other
from tests.support.connections import KEEP, connected, seats
from tests.support.figures import note
from tests.support.line import Address, Lane, Way, Wire, worker_behind
from tests.support.screens import SMALL_CAMERA, Screen, Stage
from tests.support.service import demonstration, free_port

pytestmark = [
    pytest.mark.browser, pytest.mark.timeout(420), pytest.mark.asyncio(loop_scope="module"),
]  # fmt: skip

PORT = 31_700
SENDS_PICTURE = """async (wanted) => {
    const found = [];
    for (const one of window.connections) {
        if (one.connectionState !== "connected") continue;
        for (const entry of (await one.getStats()).values()) {
            if (entry.type === "outbound-rtp" && entry.kind === "video") found.push(entry.active);
        }
    }
    return found.some(Boolean) === wanted;
}"""


@dataclass
class Lines:
    """A call over a relay; the line of the counter and its screen is one that can be spoilt."""

    hall: Hall
    wire: Wire
    lane: Lane
    #: Where the agent comes from, whose line is always whole.
    agents: set[Address]

    def lose(self, share: float) -> None:
        """Lose so much of what the counter sends."""
        for one in (self.lane, *self._own):
            one.up = share

    def cut(self) -> None:
        """Pull the counter's plug."""
        for one in (self.lane, *self._own):
            one.cut = True
        self.wire.cut()

    def mend(self) -> None:
        """Put it back in."""
        for one in (self.lane, *self._own):
            one.cut = False
        self.wire.mend()

    @property
    def _own(self) -> list[Way]:
        ways = self.lane.ways.items()
        return [way for address, way in ways if address not in self.agents]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lines(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lines]:
    port, data = free_port(), tmp_path_factory.mktemp("lines")
    address = f"http://127.0.0.1:{port}"
    async with (
        launched(ALLOWED, PLUGGED) as chromium,
        demonstration(data, KUAYU_ALSO_SERVED_AS=address) as service,
        Wire(port, service.settings.port).passing() as wire,
        worker_behind(service, PORT) as lane,
    ):
        script = SMALL_CAMERA + KEEP
        stage, local = Stage(chromium, service.url, script), Stage(chromium, address, script)
        async with open_hall(stage, local=local) as hall:
            await connected(hall.agent)
            agents = set(lane.ways)
            await ready_case(hall.counter)
            await hall.counter.click("next-step")
            await connected(hall.counter)
            await hall.agent.click("offer-accept")
            await see_each_other(hall.counter, hall.agent)
            yield Lines(hall, wire, lane, agents)
            assert stage.faults() == []


async def sends_picture(screen: Screen, *, wanted: bool) -> None:
    # Where the line did not bear a picture, the next try may wait for half a minute.
    await screen.page.wait_for_function(SENDS_PICTURE, arg=wanted, timeout=60_000)


async def test_a_poor_line_loses_the_picture_and_not_the_voice_and_gets_it_back(
    lines: Lines,
) -> None:
    counter, agent, facing = lines.hall.counter, lines.hall.agent, lines.hall.facing
    lines.lose(0.35)
    await asyncio.gather(  # Within seconds it is the next step that both say.
        counter.says("line-notice", "线路较差，已降低清晰度", within=40),
        agent.says("line-notice", "沈窗口的线路较差，已降低清晰度", within=40),
    )
    await counter.says("line-notice", "线路很差，已转为仅语音", within=40)
    await asyncio.gather(  # After some seconds it tries whether the line bears a picture again.
        agent.says("line-notice", "沈窗口的线路很差，已转为仅语音，画面将自动恢复；办件不受影响"),
        agent.says("call-cover", "暂时只有声音"),
        facing.says("facing-line", "暂时只听得到声音"),
        sends_picture(counter, wanted=False),
        sends_picture(agent, wanted=True),
    )
    await counter.click("chat-toggle")
    await counter.fill("chat-text", "画面卡，先打字")
    await counter.control("chat-text").press("Enter")
    await agent.click("chat-toggle")
    await agent.says("chat-list", "画面卡，先打字")

    lines.lose(0)
    await sends_picture(counter, wanted=True)
    for screen in (counter, agent):
        await expect(screen.at("line-notice")).to_have_count(0, timeout=60_000)
    await expect(facing.at("facing-line")).to_have_count(0)
    await see_each_other(counter, agent)
    assert (await read_case(counter))["state"] == "in_call"


async def test_a_cut_line_comes_back_to_the_same_seat_of_the_same_call(lines: Lines) -> None:
    counter, agent, facing = lines.hall.counter, lines.hall.agent, lines.hall.facing
    before = await seats(agent)
    for seconds in (5, 30):
        lines.cut()
        await asyncio.sleep(seconds)
        if seconds > 5:
            await agent.says("call-cover", "对方正在重新连接，办件内容不会丢失")
        lines.mend()
        began = time.monotonic()
        for screen in (agent, counter):
            await screen.sees_moving("remote-video", frames=2, within=40)
        note(f"browser, cut of {seconds} s", time.monotonic() - began)
        await facing.sees_moving("facing-remote-video", within=40)
        assert await seats(agent) == before
    await counter.says("person-notice", "线路中断过", within=40)
    await counter.click("confirm-person")
    await expect(counter.at("person-notice")).to_have_count(0)
    await hang_up(counter)

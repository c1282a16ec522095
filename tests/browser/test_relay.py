"""Calls through a media worker in real browsers: pictures, screens, reloads, dying workers."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, expect

from tests.support.acts import Hall, hang_up, open_hall, read_case, ready_case, see_each_other
from tests.support.connections import KEEP, connected
from tests.support.media_worker import media_worker
from tests.support.screens import SMALL_CAMERA, Screen, Stage
from tests.support.service import Service

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]

PORTS, OTHER_PORTS = range(31_600, 31_650), range(31_650, 31_700)
# The far ports of what is connected now, and how much media came from there.
LOOK = """async () => {
    const found = [];
    for (const one of window.connections) {
        if (one.connectionState !== "connected") continue;
        const all = [...(await one.getStats()).values()];
        const id = all.find((entry) => entry.type === "transport")?.selectedCandidatePairId;
        const pair = all.find((entry) => entry.id === id);
        const media = all.filter((entry) => entry.type === "inbound-rtp");
        found.push({
            port: all.find((entry) => entry.id === pair?.remoteCandidateId)?.port,
            received: media.reduce((sum, entry) => sum + entry.bytesReceived, 0),
            sent: pair?.bytesSent,
        });
    }
    return found;
}"""


# A browser that has no VP8.
WITHOUT_VP8 = """
const add = RTCPeerConnection.prototype.addTransceiver;
RTCPeerConnection.prototype.addTransceiver = function (...given) {
    const section = add.apply(this, given);
    const known = RTCRtpReceiver.getCapabilities(section.receiver.track.kind).codecs;
    section.setCodecPreferences(known.filter((one) => one.mimeType !== "video/VP8"));
    return section;
};
"""
# In which codecs pictures go out and come in by what is connected now.
CODECS = """async () => {
    const found = [];
    for (const one of window.connections) {
        if (one.connectionState !== "connected") continue;
        const all = await one.getStats();
        for (const entry of all.values()) {
            const isOn = entry.framesSent || entry.framesDecoded;
            if (isOn && entry.kind === "video") found.push(all.get(entry.codecId)?.mimeType);
        }
    }
    return found;
}"""


@pytest.fixture
async def stage(chromium: Browser, service: Service) -> Stage:
    return Stage(chromium, service.url, SMALL_CAMERA + KEEP)


async def comes_from(screen: Screen, ports: range) -> None:
    """Wait until all media comes to a screen from one connection, to one of these ports."""
    await screen.page.wait_for_function(
        f"""async (ports) => {{
            const found = await ({LOOK})();
            return found.length === 1 && ports.includes(found[0].port) && found[0].received > 0;
        }}""",
        arg=list(ports),
    )


async def connect_by(hall: Hall) -> None:
    """Be connected before the ring, then call and accept."""
    await connected(hall.agent)
    await ready_case(hall.counter)
    await hall.counter.click("next-step")
    await connected(hall.counter)
    await hall.agent.click("offer-accept")
    await see_each_other(hall.counter, hall.agent)


async def test_a_call_goes_over_the_worker_with_its_screens_and_its_reloads(
    stage: Stage, service: Service
) -> None:
    async with media_worker(service, PORTS), open_hall(stage) as hall:
        counter, agent, facing = hall.counter, hall.agent, hall.facing
        await connect_by(hall)
        await facing.sees_moving("facing-remote-video", within=40)
        for screen in (counter, agent, facing):
            await comes_from(screen, PORTS)
            took = screen.at("remote-video").first
            if screen is not facing:
                await expect(took).to_have_attribute("data-first-frame-ms", re.compile("[1-9]"))

        await agent.click("share-screen")
        await counter.sees_moving("sheet-video", frames=3, within=40)
        await agent.click("share-screen")
        await expect(counter.at("sheet-video")).to_have_count(0)
        await agent.click("share-screen")
        await counter.sees_moving("sheet-video", frames=3, within=40)

        for reloaded in (agent, counter):
            await reloaded.page.reload()
            await see_each_other(counter, agent)
            await comes_from(reloaded, PORTS)
        assert (await read_case(counter))["state"] == "in_call"
        await hang_up(counter)
        assert stage.faults() == []


async def media_from(screen: Screen, ports: range, *, other: bool = False) -> None:
    """Wait until media comes to a screen from one of these ports, or from any `other` one."""
    await screen.page.wait_for_function(
        f"""async ([ports, other]) => {{
            const found = await ({LOOK})();
            return found.some((one) => ports.includes(one.port) !== other && one.received > 0);
        }}""",
        arg=[list(ports), other],
        timeout=60_000,
    )


async def goes_in(codec: str, *screens: Screen) -> None:
    """Wait until all pictures go out and come in in one codec."""
    for screen in screens:
        await screen.page.wait_for_function(
            f"""async (codec) => {{
                const found = await ({CODECS})();
                return found.length >= 2 && found.every((one) => one === codec);
            }}""",
            arg=codec,
        )


async def test_a_worker_that_dies_takes_no_call_with_it_and_a_new_one_takes_it_back(
    stage: Stage, chromium: Browser, service: Service
) -> None:
    # The agent's browser has no VP8, so all send VP9, also who would rather send VP8.
    other = Stage(chromium, service.url, SMALL_CAMERA + KEEP + WITHOUT_VP8)
    async with (
        media_worker(service, PORTS) as first,
        open_hall(other, local=stage) as hall,
    ):
        counter, agent = hall.counter, hall.agent
        await connect_by(hall)
        await goes_in("video/VP9", counter, agent)
        async with media_worker(service, OTHER_PORTS) as second:
            first.kill()
            for screen in (counter, agent):
                await media_from(screen, OTHER_PORTS)
            await see_each_other(counter, agent)
            second.kill()
            for screen in (counter, agent):
                await media_from(screen, range(PORTS.start, OTHER_PORTS.stop), other=True)
            await see_each_other(counter, agent)
        async with media_worker(service, PORTS):
            for screen in (counter, agent):
                await media_from(screen, PORTS)
            await see_each_other(counter, agent)
            case = await read_case(counter)
            assert case["state"] == "in_call"
            await hang_up(counter)
        assert stage.faults() + other.faults() == []

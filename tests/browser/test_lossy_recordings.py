"""What Chromium sends over lines that lose and disorder it is recorded whole, side by side."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from uuid import uuid4

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page
from pydantic import BaseModel
from pytest_aiohttp import AiohttpServer

from server.media import messages as wire
from server.media.legs import Leg
from server.media.network import Network, own_address
from server.media.ports import Port
from server.media.recorder import Chunk
from server.media.tapes import Store, Tapes, Wanted
from tests.browser.conftest import launched
from tests.support.clips import look
from tests.support.flashes import FLASH_AND_BEEP, apart
from tests.support.line import BEHIND, Lane, Spoil, lane_to
from tests.support.media_worker import until
from tests.support.spoiling import bursting, disordering, losing

pytestmark = [pytest.mark.browser, pytest.mark.quiet, pytest.mark.timeout(420)]

PORTS = range(31_800, 31_820)
FRAMES = 240
LOUD = "--autoplay-policy=no-user-gesture-required"
# Connects without sending, as halls do before the ring; `stop` says what was sent at last.
SENDER = """
    async function offer() {
        window.stream = await navigator.mediaDevices.getUserMedia();
        window.pc = new RTCPeerConnection();
        for (const kind of ["audio", "video"])
            pc.addTransceiver(kind, { direction: "sendonly", streams: [stream] });
        await pc.setLocalDescription();
        return pc.localDescription.sdp;
    }
    async function begin(kinds) {
        for (const track of stream.getTracks())
            if (kinds.includes(track.kind))
                await pc.getSenders()[track.kind === "video" ? 1 : 0].replaceTrack(track);
    }
    async function shrink() {
        const sender = pc.getSenders()[1];
        const parameters = sender.getParameters();
        parameters.encodings[0].scaleResolutionDownBy = 2;
        await sender.setParameters(parameters);
    }
    async function sent() {
        const found = {};
        for (const one of (await pc.getStats()).values())
            if (one.type === "outbound-rtp")
                found[one.kind] = one.framesSent ?? one.packetsSent - one.retransmittedPacketsSent;
        return found;
    }
    async function stop() {
        for (const sender of pc.getSenders()) await sender.replaceTrack(null);
        for (let before; ; ) {
            const now = await sent();
            if (before === JSON.stringify(now)) return now;
            before = JSON.stringify(now);
            await new Promise((done) => setTimeout(done, 500));
        }
    }
"""


class Kept(Store):
    """Chunks in memory, where the service would have them."""

    def __init__(self) -> None:
        super().__init__("", "")
        self.content = b""

    async def put(self, _recording_id: str, chunk: Chunk) -> bool:
        self.content += chunk.content
        return True


@dataclass
class Line:
    """One page, its recorded leg, and what is lost between them."""

    name: str
    page: Page
    leg: Leg
    lane: Lane
    tapes: Tapes
    store: Kept
    told: list[BaseModel] = field(default_factory=list)

    @property
    def frames(self) -> dict[str, int]:
        """How many frames of each track are in the file by now."""
        assert self.leg.tap is not None
        return self.leg.tap.recorder.frames

    async def has(self, media: str, frames: int) -> None:
        """Wait until so many frames are in the file."""

        async def come() -> bool:
            return self.frames[media] >= frames

        await until(come)

    async def settles(self, frames: int) -> None:
        """Wait until so many pictures are in the file, or it is said that some never will be."""

        async def come() -> bool:
            return self.frames["video"] >= frames or bool(self.gaps["video"])

        await until(come)

    @property
    def gaps(self) -> Counter[str]:
        """How many packets of each track were said to be lost for good."""
        said = [one for one in self.told if isinstance(one, wire.RecordingGap)]
        assert self.leg.tap is not None
        found: Counter[str] = Counter()
        for one in (*said, *self.leg.tap.gaps.values()):
            found[one.track] += one.packets
        return found


@asynccontextmanager
async def recorded_line(name: str, browser: Browser, home: str) -> AsyncIterator[Line]:
    """A page that is connected, over a lane of its own, with a leg that is recorded."""
    async with AsyncExitStack() as stack:
        address = own_address()
        port = Port(Network(BEHIND, PORTS, announced=address), Counter())
        stack.callback(port.close)
        lane = await stack.enter_async_context(lane_to(address, port.number))
        connected = asyncio.Event()

        def hear(_leg: Leg, state: str) -> None:
            if state == "connected":
                connected.set()

        leg = Leg(name, port, hear, monotonic)
        stack.push_async_callback(leg.close)
        page = await browser.new_page()
        stack.push_async_callback(page.close)
        await page.add_init_script(FLASH_AND_BEEP)
        await page.goto(home)
        told: list[BaseModel] = []

        async def tell(_event: str, said: BaseModel) -> None:
            told.append(said)

        store = Kept()
        tapes = Tapes(store, tell)
        stack.push_async_callback(tapes.close)
        answer = await leg.answer(await page.evaluate("offer()"))
        tapes.arrange(name, {uuid4().hex: Wanted(leg, paused=False)})
        said = {"type": "answer", "sdp": answer}
        await page.evaluate("(said) => pc.setRemoteDescription(said)", said)
        await connected.wait()
        yield Line(name, page, leg, lane, tapes, store, told)


@dataclass(frozen=True)
class Outcome:
    """What was sent, what the lane lost of it, and what the file has."""

    sent: dict[str, int]
    lost_sounds: int
    lost: int
    file: Path
    gaps: Counter[str]


async def play(line: Line, spoil: Callable[[Counter[bytes]], Spoil], folder: Path) -> Outcome:
    """Send over a line that is good in the beginning and in the end."""
    lost: Counter[bytes] = Counter()
    late = LATE.get(line.name)
    first = [kind for kind in ("video", "audio") if kind != late]
    await line.page.evaluate("begin", first)
    await line.has(first[0], 30)
    if late is not None:
        await line.page.evaluate("begin", [late])
        await line.has(late, 1)
    line.lane.spoil = spoil(lost)
    await line.has("video", FRAMES // 2)
    if line.name == "smaller":
        await line.page.evaluate("shrink()")
    await line.has("video", FRAMES)
    line.lane.spoil = lambda data: (data,)
    await line.has("video", FRAMES + 30)
    sent = await line.page.evaluate("stop()")
    # What a busy browser has sent, its network process may still have.
    await line.settles(sent["video"])
    sound = next(one.ssrc for one in line.leg.sources.values() if one.section.media == "audio")
    lost_sounds = lost[sound.to_bytes(4, "big")]
    gaps = line.gaps
    line.tapes.end(line.name)

    async def ended() -> bool:
        return any(isinstance(one, wire.RecordingEnded) for one in line.told)

    await until(ended)
    path = folder / f"{line.name}.webm"
    path.write_bytes(line.store.content)
    return Outcome(sent, lost_sounds, sum(lost.values()), path, gaps)


LATE = {"late audio": "audio", "late camera": "video"}
SPOILT: dict[str, Callable[[Counter[bytes]], Spoil]] = {
    "clean": lambda lost: losing(0.0, lost),
    "one in a hundred": lambda lost: losing(0.01, lost),
    "three in a hundred": lambda lost: losing(0.03, lost),
    "ten in a hundred": lambda lost: losing(0.1, lost),
    "bursts": lambda lost: bursting(120, 8, lost),
    "disorder": lambda lost: disordering(10, 3, lost),
    "late audio": lambda lost: losing(0.03, lost),
    "late camera": lambda lost: losing(0.03, lost),
    "smaller": lambda lost: losing(0.03, lost),
}


async def test_every_picture_that_a_browser_sends_is_recorded_over_lines_that_lose(
    aiohttp_server: AiohttpServer, tmp_path: Path
) -> None:
    async def home(_request: web.Request) -> web.Response:
        return web.Response(
            text=f"<!doctype html><script>{SENDER}</script>", content_type="text/html"
        )

    site = web.Application()
    site.router.add_get("/", home)
    server = await aiohttp_server(site)
    outcomes: dict[str, Outcome] = {}

    async def one(browser: Browser, name: str) -> None:
        async with recorded_line(name, browser, str(server.make_url("/"))) as line:
            outcomes[name] = await play(line, SPOILT[name], tmp_path)

    async with launched(LOUD) as browser, asyncio.TaskGroup() as work:
        for name in SPOILT:
            work.create_task(one(browser, name))
    for name, outcome in outcomes.items():
        await asyncio.to_thread(check, name, outcome)
    # On a busy machine a packet that was asked for again may come too late now and then.
    given_up = sum(one.gaps["video"] + one.gaps["audio"] for one in outcomes.values())
    assert given_up <= 0.2 * sum(one.lost for one in outcomes.values())


def check(name: str, outcome: Outcome) -> None:
    """Hold a file against what its browser says it sent."""
    sent, seen = outcome.sent, look(str(outcome.file))
    if not outcome.gaps["video"]:
        assert (name, seen.pictures) == (name, sent["video"])
    assert (name, sent["audio"] - seen.sounds <= 1.1 * outcome.lost_sounds) == (name, True)
    # Sound goes on from the first moment to the last but where it came late.
    if name != "late audio":
        assert (name, seen.seconds) == (name, pytest.approx(sent["audio"] * 0.02, abs=0.5))
    assert (name, seen.sizes[1:]) == (name, [(160, 120)] if name == "smaller" else [])
    # What canvas and sound card of a busy browser add is theirs; the recorder's own 20 ms are
    # held in tests/server/media/test_recorder.py.
    assert (name, apart(seen)) == (name, pytest.approx(0.0, abs=0.15))
    if name in {"clean", "disorder"}:
        assert outcome.lost_sounds == 0
    elif name != "one in a hundred":
        assert outcome.lost_sounds > 0

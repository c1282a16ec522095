"""Our aiortc end against the distribution's Chromium, which negotiates perfectly."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright

from counter_client.peer import Peer

pytestmark = pytest.mark.browser

PAGE = "http://localhost/kuayu-peer"
# The pattern of the WebRTC specification, chapter 10.7; `say` is ours.
SCRIPT = """
window.begin = async ({polite, first}) => {
  const pc = window.pc = new RTCPeerConnection({iceServers: []});
  let making = false, ignoring = false;
  window.frames = 0;
  pc.ontrack = ({track, streams}) => {
    if (track.kind !== 'video') return;
    const video = document.createElement('video');
    video.muted = true;
    video.srcObject = streams[0];
    window.heardStream = streams[0].id;
    const count = () => { window.frames += 1; video.requestVideoFrameCallback(count); };
    video.requestVideoFrameCallback(count);
    video.play();
  };
  pc.onnegotiationneeded = async () => {
    try {
      making = true;
      await pc.setLocalDescription();
      await say({description: {type: pc.localDescription.type, sdp: pc.localDescription.sdp}});
    } finally { making = false; }
  };
  pc.onicecandidate = ({candidate}) => say({candidate: candidate && {
    candidate: candidate.candidate, sdp_mid: candidate.sdpMid,
    sdp_m_line_index: candidate.sdpMLineIndex, username_fragment: candidate.usernameFragment}});
  window.hear = async ({description, candidate}) => {
    if (description) {
      const collision = description.type === 'offer' && (making || pc.signalingState !== 'stable');
      ignoring = !polite && collision;
      if (ignoring) return;
      await pc.setRemoteDescription(description);
      if (description.type === 'offer') {
        await pc.setLocalDescription();
        await say({description: {type: pc.localDescription.type, sdp: pc.localDescription.sdp}});
      }
    }
  };
  if (first) {
    const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: true});
    for (const track of stream.getTracks()) pc.addTrack(track, stream);
  }
};
window.show = async () => {
  const canvas = Object.assign(document.createElement('canvas'), {width: 320, height: 240});
  const stream = canvas.captureStream(10);
  let n = 0;
  setInterval(() => {
    const pen = canvas.getContext('2d');
    pen.fillStyle = `hsl(${n++ * 10} 80% 50%)`;
    pen.fillRect(0, 0, 320, 240);
  }, 50);
  window.pc.addTrack(stream.getVideoTracks()[0], stream);
};
"""


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    path = shutil.which("chromium")
    assert path is not None
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path,
            args=["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
        )
        yield browser
        await browser.close()


class Counterpart:
    """A page in Chromium, as the other end of a peer of ours."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.peer: Peer | None = None
        self.turn = asyncio.Lock()
        self.told: set[asyncio.Future[Any]] = set()

    async def say(self, signal: dict[str, Any]) -> None:
        """Carry a signal of the page's to our peer, in order."""
        async with self.turn:
            assert self.peer is not None
            await self.peer.hear(signal)

    async def hear(self, body: dict[str, Any]) -> None:
        """Carry a signal of our peer's to the page."""
        signal = {"description": body["description"]}
        told = asyncio.ensure_future(self.page.evaluate("signal => window.hear(signal)", signal))
        self.told.add(told)

    async def load(self) -> None:
        """Load the page, or load it anew once it has dealt with all that it was told."""
        await self.dealt()
        await self.page.goto(PAGE)

    async def dealt(self) -> None:
        """Wait until the page has dealt with what it was told."""
        await asyncio.gather(*self.told)

    async def begin(self, *, polite: bool) -> None:
        """Open camera and microphone and negotiate."""
        await self.page.evaluate("how => window.begin(how)", {"polite": polite, "first": True})

    async def see(self, frames: int) -> None:
        """Wait until the page has shown so many frames."""
        await self.page.wait_for_function(f"window.frames >= {frames}", timeout=20_000)


@pytest.fixture
async def counterpart(chromium: Browser) -> AsyncIterator[Counterpart]:
    page = await chromium.new_page()
    counterpart = Counterpart(page)
    await page.route(
        PAGE, lambda route: route.fulfill(body="<!doctype html>", content_type="text/html")
    )
    await page.expose_function("say", counterpart.say)
    await page.add_init_script(SCRIPT)
    await counterpart.load()
    yield counterpart
    if counterpart.peer is not None:
        await counterpart.peer.close()
    await counterpart.dealt()
    await page.close()


@pytest.mark.parametrize("browser_polite", [True, False])
async def test_a_browser_and_a_peer_see_each_other_though_the_browser_always_offers_too(
    counterpart: Counterpart, *, browser_polite: bool
) -> None:
    peer = Peer("a1", "s1", "s2", polite=not browser_polite, send=counterpart.hear)
    counterpart.peer = peer
    await asyncio.gather(peer.start(), counterpart.begin(polite=browser_polite))
    await asyncio.gather(peer.see(30, within=20), counterpart.see(30))
    assert await counterpart.page.evaluate("window.heardStream") == "s1:camera"
    async with asyncio.timeout(20):
        while {name.rsplit("/", 1)[1] for name in peer.frames} != {"audio", "video"}:
            await peer.see(peer.pictures + 1, within=20)


@pytest.mark.parametrize("browser_polite", [True, False])
async def test_a_browser_that_is_reloaded_is_seen_again(
    counterpart: Counterpart, *, browser_polite: bool
) -> None:
    peer = Peer("a1", "s1", "s2", polite=not browser_polite, send=counterpart.hear)
    counterpart.peer = peer
    await asyncio.gather(peer.start(), counterpart.begin(polite=browser_polite))
    await asyncio.gather(peer.see(5, within=20), counterpart.see(5))
    await counterpart.load()
    seen = peer.pictures
    await counterpart.begin(polite=browser_polite)
    await asyncio.gather(peer.see(seen + 30, within=20), counterpart.see(30))


async def test_a_browsers_second_stream_is_received_beside_its_camera(
    counterpart: Counterpart,
) -> None:
    peer = Peer("a1", "s1", "s2", polite=True, send=counterpart.hear)
    counterpart.peer = peer
    await counterpart.begin(polite=False)
    await asyncio.gather(peer.see(5, within=20), counterpart.see(5))
    await counterpart.page.evaluate("window.show()")
    async with asyncio.timeout(20):
        while len([name for name in peer.frames if name.endswith("/video")]) < 2:
            await peer.see(peer.pictures + 1, within=20)
    assert await counterpart.page.evaluate("window.pc.connectionState") == "connected"

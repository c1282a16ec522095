"""Chromium behind a firewall that lets nothing out but what goes to coturn."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from server.calls.turn import USER_LASTS, TurnServers
from server.db.unit import utc_now
from server.media.network import own_address
from tests.browser.conftest import ALLOWED, PLUGGED, launched
from tests.support.turn import Coturn, coturn_running

pytestmark = pytest.mark.browser

PAGE = "http://localhost/kuayu-turn"
SECRET = base64.b64encode(b"turn" * 8).decode()
# As the statistics call the ways, and the schemes of their addresses.
SCHEMES = {"udp": "turn", "tcp": "turn", "tls": "turns"}
# One end that may use the relay only, and a far end on the machine's own address.
SCRIPT = """
window.meet = async (server) => {
  const near = new RTCPeerConnection({iceServers: [server], iceTransportPolicy: 'relay'});
  const far = new RTCPeerConnection();
  window.seen = {near: 0, far: 0, errors: [], gathered: [], near_state: ''};
  near.onconnectionstatechange = () => { seen.near_state = near.connectionState; };
  near.onicecandidateerror = ({errorCode}) => seen.errors.push(errorCode);
  const count = (name) => ({track, streams}) => {
    if (track.kind !== 'video') return;
    const video = Object.assign(document.createElement('video'), {muted: true});
    video.srcObject = streams[0];
    const next = () => { seen[name] += 1; video.requestVideoFrameCallback(next); };
    video.requestVideoFrameCallback(next);
    video.play();
  };
  near.ontrack = count('near');
  far.ontrack = count('far');
  near.onicecandidate = ({candidate}) => {
    if (candidate) { seen.gathered.push(candidate.type); far.addIceCandidate(candidate); }
    else seen.done = true;
  };
  far.onicecandidate = ({candidate}) => near.addIceCandidate(candidate);
  const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: true});
  for (const pc of [near, far])
    for (const track of stream.getTracks()) pc.addTrack(track, stream);
  await near.setLocalDescription();
  await far.setRemoteDescription(near.localDescription);
  await far.setLocalDescription();
  await near.setRemoteDescription(far.localDescription);
  window.used = async () => {
    const stats = [...(await near.getStats()).values()];
    const pair = stats.find((one) => one.type === 'candidate-pair' && one.nominated);
    const local = stats.find((one) => one.id === pair.localCandidateId);
    return [local.candidateType, local.relayProtocol];
  };
};
"""


@pytest.fixture
async def coturn(tmp_path: Path) -> AsyncIterator[Coturn]:
    async with coturn_running(tmp_path, own_address(), SECRET) as running:
        yield running


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """A browser that takes coturn's certificate, which nobody vouches for."""
    async with launched(ALLOWED, PLUGGED, "--ignore-certificate-errors") as browser:
        yield browser


@pytest.fixture
async def page(chromium: Browser) -> Page:
    page = await chromium.new_page()
    await page.route(
        PAGE, lambda route: route.fulfill(body="<!doctype html>", content_type="text/html")
    )
    await page.add_init_script(SCRIPT)
    return page


def over(
    coturn: Coturn, transport: str, *, ago: timedelta = timedelta(), secret: str = SECRET
) -> dict[str, Any]:
    """What the service gives a browser, of one transport."""
    [url] = [url for url in coturn.urls if url.startswith(f"{SCHEMES[transport]}:") and
             url.endswith("udp" if transport == "udp" else "tcp")]  # fmt: skip
    [server] = TurnServers([url], secret, lambda: utc_now() - ago)("a" * 32, "b" * 32)
    return server.model_dump()


async def test_a_browser_that_reaches_only_coturn_sees_and_is_seen(
    coturn: Coturn, page: Page
) -> None:
    for transport in SCHEMES:
        await page.goto(PAGE)
        await page.evaluate("server => window.meet(server)", over(coturn, transport))
        await page.wait_for_function("seen.near >= 20 && seen.far >= 20", timeout=30_000)
        assert await page.evaluate("used()") == ["relay", transport]


async def test_a_browser_whose_user_is_not_good_gets_no_way_at_all(
    coturn: Coturn, page: Page
) -> None:
    wrong = base64.b64encode(b"west" * 8).decode()
    for transport in SCHEMES:
        late = over(coturn, transport, ago=USER_LASTS + timedelta(seconds=1))
        for server in (late, over(coturn, transport, secret=wrong)):
            await page.goto(PAGE)
            await page.evaluate("server => window.meet(server)", server)
            await page.wait_for_function("seen.done === true", timeout=30_000)
            assert await page.evaluate("[seen.gathered, seen.near_state]") == [[], ""], transport
            assert 401 in await page.evaluate("seen.errors"), transport

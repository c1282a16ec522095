"""A counter whose network is taken away: the call goes on by its other one."""

from __future__ import annotations

import ssl
import time
from pathlib import Path

import pytest
from playwright.async_api import Browser

from server.demo import make_tls
from tests.browser.conftest import ALLOWED, PLUGGED, installed, launched
from tests.support.acts import connect as call
from tests.support.acts import hang_up, open_hall, read_case, ready_case, see_each_other
from tests.support.connections import KEEP, connected, seats
from tests.support.figures import note
from tests.support.line import Wire
from tests.support.media_worker import media_worker
from tests.support.networks import machine_inside
from tests.support.screens import SMALL_CAMERA, Stage
from tests.support.service import demonstration, free_port

pytestmark = [pytest.mark.browser, pytest.mark.quiet, pytest.mark.timeout(420)]

# The certificate is our own.
TRUSTING = "--ignore-certificate-errors"
PORTS = range(31_760, 31_780)


async def test_a_call_goes_on_by_another_network_when_the_first_is_pulled(
    chromium: Browser, tmp_path: Path
) -> None:
    port = free_port()
    with machine_inside() as inside:
        # What is pulled is the way to that address, not the address: socket and media both lose it.
        first, _ = inside.cables
        address = f"https://{first.here}:{port}"
        starter = inside.starter(installed(), tmp_path)
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*make_tls(tmp_path, first.here))
        async with (
            launched(ALLOWED, PLUGGED, TRUSTING, path=starter) as browser,
            demonstration(tmp_path / "data", KUAYU_ALSO_SERVED_AS=address) as service,
            Wire(port, service.settings.port, first.here, tls).passing(),
            media_worker(service, PORTS),
        ):
            script = SMALL_CAMERA + KEEP
            stage, local = Stage(chromium, service.url, script), Stage(browser, address, script)
            async with open_hall(stage, local=local) as hall:
                counter, agent = hall.counter, hall.agent
                await ready_case(counter)
                await call(counter, agent)
                await connected(agent)
                await connected(counter)
                await see_each_other(counter, agent)
                before, case = await seats(agent), await read_case(agent)
                assert before[1] == "relay"
                inside.pull(first)
                began = time.monotonic()
                await see_each_other(counter, agent)
                note("a network is pulled: both pictures are back", time.monotonic() - began)
                assert await seats(agent) == before
                assert (await read_case(agent))["fields"] == case["fields"]
                await hang_up(agent)

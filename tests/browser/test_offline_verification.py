"""A certificate's QR code read by a phone's camera, with no network and with no service at all."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.async_api import expect

from counter_client.answers import Data
from tests.browser.conftest import ALLOWED, launched
from tests.support.camera import film, paper, printed
from tests.support.inspector import Inspector
from tests.support.screens import PHONE, Screen, Stage
from tests.support.service import Service, demonstration
from tests.support.story import playing

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]

WORKS = "() => navigator.serviceWorker.controller?.state === 'activated'"
LATER = """const Real = Date;
    globalThis.Date = class extends Real {
        constructor(...said) { super(...(said.length ? said : [Real.now() + 8 * 86400000])); }
        static now() { return Real.now() + 8 * 86400000; }
    };"""


@dataclass
class Phone:
    """The verification page, and what its camera sees."""

    screen: Screen
    camera: Path
    inspector: Inspector

    async def scan(self, name: str, verdict: str) -> None:
        """Read what lies before the camera, and expect this verdict by the lists alone."""
        await self.screen.click("verify-scan")
        await self.expect(name, verdict)

    async def expect(self, name: str, verdict: str) -> None:
        card = self.screen.at("verdict")
        await expect(card).to_have_attribute("data-by", "lists")
        await expect(card).to_have_attribute("data-verdict", verdict)
        await expect(card).to_contain_text("离线核验")
        await self.inspector.look(self.screen, name)

    async def visit(self) -> None:
        """Open the page with the service there, until it could do without."""
        await self.screen.page.goto(self.screen.url + "/verify")
        await expect(self.screen.at("supplies")).to_have_attribute("data-state", "ready")
        await self.screen.says("supplies", "没有网络也能扫码核验")
        await self.screen.page.wait_for_function(WORKS)

    async def keeps_from_being_installed(self) -> set[str]:
        """Return why the browser would not put the page on the home screen."""
        page = self.screen.page
        debugger = await page.context.new_cdp_session(page)
        found = await debugger.send("Page.getInstallabilityErrors")
        return {one["errorId"] for one in found["installabilityErrors"]}


async def issued(service: Service) -> tuple[Data, bytes]:
    """Return a certificate and its file."""
    async with playing(service.url) as story:
        await story.prepare("pension-lump-sum")
        await story.issue()
        [certificate] = await story.cast.counter.certificates(story.case_id)
        return certificate, await story.cast.counter.certificate_file(certificate["id"])


async def revoke(service: Service, certificate: Data) -> None:
    async with (
        service.signed_in("huoqiu-agent") as agent,
        service.signed_in("huoqiu-supervisor") as supervisor,
    ):
        asked = (await agent.revoke(certificate["id"], "余额录入有误"))["pending_revocation"]
        await supervisor.command("POST", f"/api/revocations/{asked['id']}/approval", {})


def altered(address: str) -> str:
    """Return the address with one character of its token another one."""
    at = address.index("#") + 40
    return address[:at] + ("A" if address[at] != "A" else "B") + address[at + 1 :]


async def finds_it_genuine(phone: Phone, number: str) -> None:
    """Be without network, and have the page again, its camera and a verdict."""
    await phone.visit()
    assert await phone.keeps_from_being_installed() <= {"in-incognito"}
    await phone.screen.page.context.set_offline(True)
    await phone.screen.page.reload()
    await phone.scan("genuine", "genuine")
    await phone.screen.says("verdict", number)
    await phone.screen.page.context.set_offline(False)


async def finds_it_revoked(phone: Phone, address: str) -> None:
    """Read it by its address, as the phone's own scanner opens it, and with the page's camera."""
    # Who sends an address on by some application has that application's query in it.
    await phone.screen.page.goto(address.replace("#", "?from=timeline#"))
    await phone.expect("revoked, by its address", "revoked")
    await phone.screen.page.goto(phone.screen.url + "/verify")
    await phone.scan("revoked", "revoked")


async def finds_the_lists_too_old(phone: Phone, address: str) -> None:
    page = await phone.screen.page.context.new_page()
    await page.add_init_script(LATER)
    await page.goto(address)
    late = replace(phone, screen=Screen(page, phone.screen.url))
    await late.expect("lists too old", "cannot_tell")


async def test_a_phone_that_was_online_once_judges_certificates_without_network(
    tmp_path: Path,
) -> None:
    camera = tmp_path / "camera.y4m"
    sees = f"--use-file-for-fake-video-capture={camera}"
    async with (
        AsyncExitStack() as served,
        launched(ALLOWED, "--use-fake-device-for-media-stream", sees) as browser,
    ):
        service = await served.enter_async_context(demonstration(tmp_path / "data"))
        certificate, pdf = await issued(service)
        film(camera, paper(pdf))
        stage = Stage(browser, service.url)
        async with stage.screen("/verify", PHONE) as screen:
            phone = Phone(screen, camera, Inspector())
            await finds_it_genuine(phone, certificate["number"])
            await revoke(service, certificate)
            await phone.visit()
            await served.aclose()  # From here on there is no service that could answer.
            await finds_it_revoked(phone, certificate["verify_url"])
            film(camera, printed(altered(certificate["verify_url"])))
            await phone.scan("altered", "unknown")
            await finds_the_lists_too_old(phone, certificate["verify_url"])
    # That there was no network the browser tells as well.
    assert [fault for fault in stage.faults() if "net::ERR_" not in fault] == []
    assert phone.inspector.found == []

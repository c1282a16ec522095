"""The ways out of a call that is not a certificate: returned, deferred, refused, promised."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pypdfium2
import pytest
from playwright.async_api import expect

from tests.support.acts import (
    SCHOOL,
    Hall,
    connect,
    consent,
    hang_up,
    open_hall,
    ready_case,
    upload,
)  # fmt: skip
from tests.support.screens import PHONE, Screen, Stage, download

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]

REASON = "申请人户口已于2026年3月迁出本辖区，本机关不再掌握其户籍登记情况"
BASIS = "《中华人民共和国户口登记条例》第十条"


@pytest.fixture
async def desks(light: Stage) -> AsyncIterator[tuple[Screen, Screen]]:
    """A counter and an agent who is ready."""
    async with AsyncExitStack() as screens:
        counter = await screens.enter_async_context(light.desk("wujiang-counter"))
        agent = await screens.enter_async_context(light.desk("huoqiu-agent"))
        await agent.click("agent-ready")
        yield counter, agent
        assert light.faults() == []


async def conclude(agent: Screen, ending: str, **said: str) -> None:
    """Choose another way on, and say what must be said with it."""
    await agent.click("case-more")
    await agent.click(f"ending-{ending}")
    for testid, text in said.items():
        await agent.fill(testid.replace("_", "-"), text)
    await agent.click("conclude-confirm")
    await expect(agent.at("conclude-dialog")).to_be_hidden()


async def send_back(counter: Screen, agent: Screen) -> None:
    """Nothing is sent back before it is said what is missing; the counter reads it."""
    await agent.click("case-more")
    await agent.click("ending-return")
    await agent.click("conclude-confirm")
    await agent.says("conclude-dialog", "请至少写明一项缺什么")
    await agent.fill("missing-what", "户口簿首页")
    await agent.click("conclude-confirm")
    await counter.says("case-outcome", "户口簿首页")
    await counter.says("case-state", "退回补正")
    await hang_up(counter)
    await upload(counter, "id-card")


async def take_in(counter: Screen, agent: Screen) -> None:
    """The agent keeps the case and finishes it after the call."""
    await conclude(agent, "defer", conclude_text="需查纸质底册")
    await counter.says("case-outcome", "属地已收件")
    await counter.says("case-outcome", "需查纸质底册")
    await hang_up(agent)


async def read_the_refusal(light: Stage, counter: Screen, folder: Path) -> None:
    """The citizen reads on the phone why not, and takes the notice along."""
    await counter.click("pickup-show")
    link = await counter.at("pickup-link").get_attribute("href")
    assert link is not None
    await counter.page.keyboard.press("Escape")
    async with light.screen(link.removeprefix(light.url), PHONE) as phone:
        await phone.says("pickup-refusal", REASON)
        notice = await download(phone, "pickup-refusal-download", folder)
    document = pypdfium2.PdfDocument(notice.read_bytes())
    text = "".join(page.get_textpage().get_text_bounded() for page in document)
    assert REASON in text.replace("\r\n", "").replace("\n", "")


async def test_a_case_is_returned_then_deferred_and_refused_in_the_end(
    light: Stage, desks: tuple[Screen, Screen], tmp_path: Path
) -> None:
    counter, agent = desks
    await ready_case(counter, SCHOOL)
    await connect(counter, agent)
    await send_back(counter, agent)
    await agent.click("agent-ready")
    await connect(counter, agent)
    await counter.says("case-outcome", "此前退回补正，缺的是")
    await take_in(counter, agent)
    await conclude(agent, "refuse", conclude_text=REASON, conclude_basis=BASIS)
    for screen in (agent, counter):
        await screen.says("case-outcome", "属地不予办理")
    await agent.click("refusal-notice")
    await expect(agent.at("paper").locator("iframe")).to_be_visible()
    await agent.at("paper").get_by_role("button", name="关闭此对话框").click()
    await read_the_refusal(light, counter, tmp_path)


async def test_a_promise_takes_the_place_of_a_proof(light: Stage) -> None:
    async with open_hall(light) as hall:
        await promise_and_settle(hall)
        assert light.faults() == []


async def promise_and_settle(hall: Hall) -> None:
    """What the citizen has not agreed to be told of, nobody promises."""
    counter, agent = hall.counter, hall.agent
    await ready_case(counter, SCHOOL, "李四")
    await connect(counter, agent)
    await agent.click("case-more")
    await agent.click("ending-promise")
    await agent.click("conclude-confirm")
    await agent.says("conclude-dialog", "群众还没有同意告知书")
    await agent.page.keyboard.press("Escape")
    await consent(hall)
    await conclude(
        agent, "promise", conclude_text="本人承诺户籍在霍邱县城关镇，如不属实自愿承担责任"
    )
    await counter.says("case-outcome", "按告知承诺受理")
    await counter.click("next-step")
    await counter.says("settle-dialog", "本件按告知承诺受理，没有证明")
    await counter.fill("settle-reference", "JY20261123000005")
    await counter.click("settle-confirm")
    for screen in (counter, agent):
        await screen.says("case-state", "已办结")
    await hang_up(counter)

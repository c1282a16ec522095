"""A certificate taken back: one asks, another approves, the counter answers for what it settled."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest
from playwright.async_api import expect

from counter_client.answers import Data
from tests.support.inspector import Inspector
from tests.support.screens import PHONE, Screen, Stage
from tests.support.story import playing

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]

WHY = "余额录入有误"


async def settled(url: str) -> Data:
    """Return a certificate with which the counter has settled a pension's case."""
    async with playing(url) as story:
        await story.prepare("pension-lump-sum")
        await story.issue()
        await story.settle()
        [certificate] = await story.cast.counter.certificates(story.case_id)
        return certificate


async def show_certificate(desk: Screen, certificate: Data) -> None:
    """Open the certificate's case at its card."""
    await desk.page.goto(f"{desk.url}/?case={certificate['case_id']}")
    await desk.click("tab-certificate")
    await desk.says("certificate-number", certificate["number"])


async def ask_for_revocation(agent: Screen) -> None:
    await agent.click("certificate-revoke")
    await agent.fill("revoke-reason", WHY)
    await agent.click("revoke-confirm")
    await agent.says("certificate-state", "有效，作废待复核")
    # Who asks has nothing to decide on.
    await expect(agent.at("revocation-approve")).to_have_count(0)


async def approve(supervisor: Screen) -> None:
    asked = supervisor.at("board-revocations")
    await expect(asked).to_contain_text(WHY)
    await asked.get_by_test_id("revocation-approve").click()
    dialog = supervisor.page.get_by_role("dialog", name="复核作废申请")
    await dialog.get_by_role("button", name="同意作废").click()
    await expect(asked).to_contain_text("没有待复核的作废申请")


async def answer(counter: Screen) -> None:
    """Answer the recall at the counter: not without saying what was done."""
    await counter.says("recall", WHY)
    await counter.click("recall-answer")
    await counter.click("recall-confirm")
    await counter.says("recall-dialog", "请选择处理情况")
    await counter.at("outcome-recovered").check()
    await counter.click("recall-confirm")
    await expect(counter.at("recall-dialog")).to_be_hidden()
    await expect(counter.at("recall")).to_have_count(0)


async def test_a_certificate_is_taken_back_and_the_counter_that_relied_on_it_answers(
    light: Stage,
) -> None:
    inspector = Inspector()
    certificate = await settled(light.url)
    async with AsyncExitStack() as screens:
        counter = await screens.enter_async_context(light.desk("wujiang-counter"))
        agent = await screens.enter_async_context(light.desk("huoqiu-agent"))
        supervisor = await screens.enter_async_context(light.desk("huoqiu-supervisor"))
        for desk in (counter, agent):
            await show_certificate(desk, certificate)
        await ask_for_revocation(agent)
        await counter.says("certificate-pending", "等待属地复核")
        await approve(supervisor)
        await counter.says("certificate-state", "已作废")
        await counter.says("certificate-fall", WHY)
        await inspector.look(supervisor, "board with a recall")
        await inspector.look(counter, "workbench with a recall")
        await answer(counter)
        await agent.says("certificate-recall", "已追回")
        await expect(supervisor.at("board-recalls")).to_contain_text("没有待确认的通知")

        path = certificate["verify_url"].removeprefix(light.url)
        phone = await screens.enter_async_context(light.screen(path, PHONE))
        await phone.says("verdict", "已作废")
    assert light.faults() == []
    assert inspector.found == []

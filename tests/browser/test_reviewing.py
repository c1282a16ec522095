"""A large amount: the agent asks, a supervisor approves on the board, a changed value voids it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from playwright.async_api import expect

from server.cases.rules import china_day
from server.db.unit import utc_now
from tests.support.acts import hang_up
from tests.support.inspector import Inspector
from tests.support.screens import Screen, Stage
from tests.support.story import Story, playing

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]

PENSION = "pension-lump-sum"


async def prepare(story: Story) -> str:
    """Bring a case of a large pension to where only its review and its certificate lack."""
    await story.prepare(PENSION)
    await story.cast.agent.write_field(story.case_id, "balance", "300000.00", 1)
    return story.case_id


async def left_with_the_jurisdiction(url: str) -> str:
    """Return such a case that its agent finishes after the call."""
    async with playing(url) as story:
        path = f"/api/cases/{await prepare(story)}/deferral"
        due_on = china_day(utc_now()) + timedelta(days=7)
        order = {"remark": "余额较大，复核后签发", "due_on": due_on.isoformat()}
        await story.cast.agent.command("POST", path, order)
        return story.case_id


async def approve(supervisor: Screen, where: str) -> None:
    """Look at the one that waits under this heading of the board, and approve it."""
    asked = supervisor.at(where)
    await expect(asked).to_contain_text("超过 200,000")
    await asked.get_by_test_id("review-open").click()
    await expect(supervisor.at("review-dialog")).to_contain_text("300000.0")
    await see_a_material(supervisor)
    await supervisor.click("review-approve")
    await expect(asked).to_have_count(0)


async def see_a_material(supervisor: Screen) -> None:
    """Who judges by papers sees them, from where the decision is made."""
    await supervisor.at("review-material").first.click()
    viewer = supervisor.at("material-viewer")
    drawn = viewer.locator("img")
    await expect(drawn).to_be_visible()
    await supervisor.page.wait_for_function(
        "(one) => one.naturalWidth > 0", arg=await drawn.element_handle()
    )
    await supervisor.page.keyboard.press("Escape")
    await expect(viewer).to_be_hidden()
    await expect(supervisor.at("review-dialog")).to_be_visible()


async def ask_and_issue_in_the_call(counter: Screen, agent: Screen, supervisor: Screen) -> None:
    """The foot of the case leads through the review, and the counter sees that it is waited for."""
    await expect(agent.at("next-step")).to_have_text("提请复核")
    await agent.click("next-step")
    await expect(agent.at("next-step")).to_have_text("等候复核")
    await agent.click("next-step")
    await expect(agent.at("review-withdraw")).to_be_focused()
    await expect(counter.at("next-step")).to_have_text("等候属地复核")
    for hall in (counter, agent):
        await expect(hall.at("case-review")).to_have_text("等候复核")
    await supervisor.says("board-reviews", "群众在通话中等候")
    await approve(supervisor, "board-reviews")
    await expect(agent.at("next-step")).to_have_text("签发证明")
    await counter.says("case-state", "通话中")
    await expect(counter.at("case-review")).to_have_count(0)
    await agent.click("next-step")
    await agent.click("certificate-confirm")
    await counter.says("certificate-state", "有效")
    await counter.click("certificate-verify")
    await counter.says("certificate-verdict", "真实有效")


async def ask_for_a_correction(counter: Screen, agent: Screen) -> None:
    """A correction of what was reviewed is reviewed too: one press asks, and waits."""
    await agent.click("certificate-correct")
    await agent.fill("correct-balance", "300000.01")
    await agent.fill("correct-reason", "余额录入有误")
    await agent.click("correct-compare")
    await agent.says("correct-review", "重新签发须再提请复核")
    await agent.click("correct-review-ask")
    await agent.says("correct-review", "等待复核")
    await expect(agent.at("correct-review-ask")).to_be_disabled()
    await counter.says("case-review", "更正等候复核")
    await agent.page.keyboard.press("Escape")
    await expect(agent.at("correct-dialog")).to_be_hidden()


async def finish_after_the_call(agent: Screen, supervisor: Screen, inspector: Inspector) -> None:
    """What was left with the jurisdiction is reviewed without anybody waiting."""
    await agent.click("tab-certificate")
    await agent.says("review-state", "须由另一位同事或值班长复核")
    await expect(agent.at("certificate-issue")).to_be_disabled()
    await agent.click("review-ask")
    await agent.says("review-state", "等待复核")
    await supervisor.says("board-reviews-later", "通话已结束")
    await approve(supervisor, "board-reviews-later")
    await agent.says("review-state", "复核通过 · 方值班")
    await inspector.look(agent, "workbench with a review")
    await agent.click("tab-form")
    await agent.fill("field-balance", "300000.01")
    await agent.control("field-balance").press("Enter")
    await agent.click("tab-certificate")
    await agent.says("review-state", "须重新提请复核")
    await agent.click("review-ask")
    await approve(supervisor, "board-reviews-later")
    await agent.says("review-state", "复核通过")
    await agent.click("certificate-issue")
    await agent.click("certificate-confirm")
    await agent.says("certificate-state", "有效")


async def test_a_large_certificate_waits_for_a_second_clerk_in_the_call_and_after_it(
    light: Stage,
) -> None:
    inspector = Inspector()
    left = await left_with_the_jurisdiction(light.url)
    async with AsyncExitStack() as screens:
        story = await screens.enter_async_context(playing(light.url))
        await prepare(story)
        supervisor = await screens.enter_async_context(light.desk("huoqiu-supervisor"))
        # Signing in takes each seat from the clerk who had it by the API, and the case with it.
        counter = await screens.enter_async_context(light.desk("wujiang-counter"))
        agent = await screens.enter_async_context(light.desk("huoqiu-agent"))
        story.cast.case_id = story.cast.call_id = None
        await ask_and_issue_in_the_call(counter, agent, supervisor)
        await ask_for_a_correction(counter, agent)
        await inspector.look(counter, "workbench while a correction is reviewed")
        await approve(supervisor, "board-reviews")
        await expect(counter.at("case-review")).to_have_count(0)
        await hang_up(counter)
        # Who has not heard of a call's end goes back to it with every page that is opened.
        await expect(agent.at("call-column").get_by_test_id("hang-up")).to_be_hidden()
        await agent.page.goto(f"{agent.url}/?case={left}")
        await finish_after_the_call(agent, supervisor, inspector)
    assert light.faults() == []
    assert inspector.found == []

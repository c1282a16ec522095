"""A large amount: the agent asks, a supervisor approves on the board, a changed value voids it."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest
from playwright.async_api import expect

from tests.support.inspector import Inspector
from tests.support.screens import Screen, Stage
from tests.support.story import playing

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

PENSION = "pension-lump-sum"


async def left_with_the_jurisdiction(url: str) -> str:
    """Return a case of a large pension that its agent finishes after the call."""
    async with playing(url) as story:
        await story.prepare(PENSION)
        await story.cast.agent.write_field(story.case_id, "balance", "300000.00", 1)
        path = f"/api/cases/{story.case_id}/deferral"
        order = {"remark": "余额较大，复核后签发", "due_on": "2026-12-31"}
        await story.cast.agent.command("POST", path, order)
        return story.case_id


async def approve(supervisor: Screen) -> None:
    # Its call is over: nobody waits.
    asked = supervisor.at("board-reviews-later")
    await expect(asked).to_contain_text("超过 200,000")
    await supervisor.click("review-open")
    await expect(supervisor.at("review-dialog")).to_contain_text("300000.0")
    await supervisor.click("review-approve")
    await expect(asked).to_have_count(0)


async def test_a_large_certificate_waits_for_a_second_clerk_and_a_changed_value_voids_it(
    light: Stage,
) -> None:
    inspector = Inspector()
    case_id = await left_with_the_jurisdiction(light.url)
    async with AsyncExitStack() as screens:
        agent = await screens.enter_async_context(light.desk("huoqiu-agent"))
        supervisor = await screens.enter_async_context(light.desk("huoqiu-supervisor"))
        await agent.page.goto(f"{agent.url}/?case={case_id}")
        await agent.click("tab-certificate")
        await agent.says("review-state", "须由另一位同事或值班长复核")
        await expect(agent.at("certificate-issue")).to_be_disabled()
        await agent.click("review-ask")
        await agent.says("review-state", "等待复核")
        await approve(supervisor)
        await agent.says("review-state", "复核通过 · 方值班")
        await inspector.look(agent, "workbench with a review")
        await agent.click("tab-form")
        await agent.fill("field-balance", "300000.01")
        await agent.control("field-balance").press("Enter")
        await agent.click("tab-certificate")
        await agent.says("review-state", "须重新提请复核")
        await agent.click("review-ask")
        await approve(supervisor)
        await agent.says("review-state", "复核通过")
        await agent.click("certificate-issue")
        await agent.click("certificate-confirm")
        await agent.says("certificate-state", "有效")
    assert light.faults() == []
    assert inspector.found == []

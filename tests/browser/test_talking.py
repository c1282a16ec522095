"""What both sides write to each other beside the pictures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from playwright.async_api import expect

from tests.support.acts import connect, ready_case
from tests.support.screens import Screen, Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
async def talking(light: Stage) -> AsyncIterator[tuple[Screen, Screen]]:
    """A counter and an agent in a call."""
    async with AsyncExitStack() as screens:
        counter = await screens.enter_async_context(light.desk("wujiang-counter"))
        agent = await screens.enter_async_context(light.desk("huoqiu-agent"))
        await agent.click("agent-ready")
        await ready_case(counter)
        await connect(counter, agent)
        yield counter, agent
        assert light.faults() == []


async def test_what_one_side_writes_the_other_reads_and_the_timeline_keeps(
    talking: tuple[Screen, Screen],
) -> None:
    counter, agent = talking
    await counter.click("chat-toggle")
    await counter.fill("chat-text", "听得到吗")
    await counter.control("chat-text").press("Enter")
    await agent.says("chat-unread", "1")
    await agent.click("chat-toggle")
    await agent.says("chat-list", "听得到吗")
    await expect(agent.at("chat-unread")).to_have_count(0)
    await agent.fill("chat-text", "听不到，请写")
    await agent.click("chat-send")
    await counter.says("chat-list", "听不到，请写")
    await counter.click("tab-log")
    await counter.says("timeline", "说：听不到，请写")

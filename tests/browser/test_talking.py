"""What both sides write to each other beside the pictures."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.support.screens import Screen

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


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

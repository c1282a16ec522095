"""A table that the agent pastes from a spreadsheet, and the counter reads."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.support.acts import TRANSFER, connect, hang_up, ready_case
from tests.support.screens import Screen, Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]

WRONG = "2024\t12\t500.00\t60.00\t2024-12-05\r\n2025\t12\tsix\t74.5\t2025年12月8日\r\n"
PASTE = """([at, text]) => {
    const data = new DataTransfer();
    data.setData("text/plain", text);
    const how = { clipboardData: data, bubbles: true, cancelable: true };
    const cell = document.querySelector(`[data-testid="${at}"]`);
    cell.dispatchEvent(new ClipboardEvent("paste", how));
}"""


async def picture(screen: Screen, name: str) -> None:
    """Keep what is seen where SCREENSHOTS says."""
    if folder := os.environ.get("SCREENSHOTS"):
        await screen.page.screenshot(path=Path(folder) / f"{name}.png", animations="disabled")


async def paste(screen: Screen, cell: str, text: str) -> None:
    """Paste into a cell, once it is there."""
    await expect(screen.at(cell)).to_be_visible()
    await screen.page.evaluate(PASTE, [cell, text])


async def test_a_pasted_table_is_refused_by_its_cell_mended_and_read_at_the_counter(
    light: Stage,
) -> None:
    async with light.desk("wujiang-counter") as counter, light.desk("huoqiu-agent") as agent:
        await agent.click("agent-ready")
        await ready_case(counter, TRANSFER)
        await connect(counter, agent)
        await agent.says("field-contributions-rows", "尚未填写")
        await agent.click("field-contributions")
        await paste(agent, "cell-0-0", WRONG)
        await picture(agent, "table-filled")
        await agent.click("table-keep")
        await agent.says("table-fault", "第2行“个人缴费（元）”：金额格式不对")
        await picture(agent, "table-fault")
        await counter.says("field-contributions-rows", "尚未填写")

        await agent.fill("cell-1-2", "600")
        await agent.click("table-keep")
        await expect(agent.at("table-dialog")).to_be_hidden()
        await counter.says("field-contributions-rows", "共 2 行")
        await counter.click("field-contributions")
        for words in ("600.00", "74.50", "2025-12-08"):
            await counter.says("table-dialog", words)
        await expect(counter.at("table-dialog").locator("input")).to_have_count(0)
        await picture(counter, "table-read")
        await counter.page.keyboard.press("Escape")

        # What was typed and not kept leaves no trace.
        await agent.click("field-contributions")
        await agent.fill("cell-0-0", "1999")
        await agent.page.keyboard.press("Escape")
        await agent.says("field-contributions-rows", "共 2 行")
        await agent.click("field-contributions")
        await expect(agent.control("cell-0-0")).to_have_value("2024")
        await agent.page.keyboard.press("Escape")
        await hang_up(agent)
    assert light.faults() == []

"""Every page by axe-core's rules, and the workbench by the keyboard alone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect

from tests.support.acts import (
    SCHOOL,
    Hall,
    open_hall,
    ready_case,
)
from tests.support.inspector import Inspector
from tests.support.screens import PHONE, Screen, Stage, sign_by_hand

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

REACHABLE = """() => {
    const controls = document.querySelectorAll("button, a[href], input, select, textarea");
    const wanted = [...controls].filter((one) => one.checkVisibility() && !one.disabled);
    const roving = (one) => one.getAttribute("role") === "tab" && one.tabIndex < 0;
    return wanted.filter((one) => !roving(one)).map((one, at) => {
        one.dataset.reached = at;
        return one.outerHTML.slice(0, 160);
    });
}"""
REACHED = "() => Number(document.activeElement?.dataset.reached ?? -1)"


@pytest.fixture
async def hall(light: Stage) -> AsyncIterator[Hall]:
    async with open_hall(light) as opened:
        yield opened
        assert light.faults() == []


@pytest.fixture
def inspector() -> Inspector:
    return Inspector()


async def look_at_dialogs(screen: Screen, inspector: Inspector, dialogs: dict[str, str]) -> None:
    """Open one dialog after the other, each by its button; Escape closes it."""
    for button, dialog in dialogs.items():
        await screen.click(button)
        await expect(screen.page.get_by_role("dialog", name=dialog)).to_be_visible()
        await inspector.look(screen, dialog)
        await screen.page.keyboard.press("Escape")
        await expect(screen.page.get_by_role("dialog", name=dialog)).to_be_hidden()


async def look_at_tabs(screen: Screen, inspector: Inspector) -> None:
    for tab in ("form", "materials", "checks", "certificate", "log"):
        await screen.click(f"tab-{tab}")
        await inspector.look(screen, f"tab {tab}")


async def test_no_page_outside_a_call_has_a_grave_fault(light: Stage, inspector: Inspector) -> None:
    for path, size in (("/login", None), ("/verify", PHONE), ("/c#none", PHONE), ("/facing", None)):
        async with light.screen(path, *([size] if size else [])) as screen:
            await expect(screen.page.locator("#app > *").first).to_be_visible()
            await inspector.look(screen, path)
            if path == "/verify":
                await screen.fill("verify-number", "1")
                await screen.fill("verify-code", "1")
                await screen.click("verify-submit")
                await expect(screen.at("verdict").or_(screen.at("verify-failure"))).to_be_visible()
                await inspector.look(screen, "verdict")
    async with light.desk("huoqiu-supervisor") as board:
        await inspector.look(board, "board")
        await board.click("board-register")
        await expect(board.at("register-total")).to_be_visible()
        await inspector.look(board, "register")
    async with light.desk("wujiang-counter") as counter:
        await inspector.look(counter, "empty workbench")
        await ready_case(counter)
        await look_at_tabs(counter, inspector)
        dialogs = {"new-case": "新建办件", "pairing-open": "配对对客屏"}
        await look_at_dialogs(counter, inspector, dialogs)
        await counter.click("device-check")
        await look_at_dialogs(counter, inspector, {"check-open": "设备检查"})
    assert inspector.found == []


async def test_no_page_of_a_call_has_a_grave_fault(hall: Hall, inspector: Inspector) -> None:
    counter, agent, facing = hall.counter, hall.agent, hall.facing
    await inspector.look(facing, "idle facing screen")
    await ready_case(counter, SCHOOL)
    await counter.click("next-step")
    await expect(agent.at("offer-dialog")).to_be_visible()
    await inspector.look(agent, "offer")
    await inspector.look(counter, "waiting")
    await agent.click("offer-accept")
    await agent.sees_moving("remote-video", within=40)
    await facing.sees_moving("facing-remote-video", within=40)
    await inspector.look(facing, "facing screen in a call")
    await look_at_dialogs(agent, inspector, {"devices": "设备", "hang-up": "结束通话"})
    await look_at_tabs(agent, inspector)
    await inspector.look(counter, "counter in a call")
    await agent.page.keyboard.press("Alt+Enter")
    await expect(facing.at("facing-notice")).to_be_visible()
    await inspector.look(facing, "notice")
    await facing.at("facing-agree").check()
    await sign_by_hand(facing)
    await facing.click("facing-sign-submit")
    await refuse(agent, inspector)
    await facing.says("facing-decided", "属地不予办理")
    await inspector.look(facing, "facing screen after the decision")
    await inspector.look(agent, "decided case")
    await look_at_the_pickup(hall, inspector)
    assert inspector.found == []


async def refuse(agent: Screen, inspector: Inspector) -> None:
    await agent.click("case-more")
    await agent.click("ending-refuse")
    await inspector.look(agent, "refusal dialog")
    await agent.fill("conclude-text", "不符合条件")
    await agent.fill("conclude-basis", "规定第三条")
    await agent.click("conclude-confirm")


async def look_at_the_pickup(hall: Hall, inspector: Inspector) -> None:
    await hall.counter.click("pickup-show")
    link = await hall.counter.at("pickup-link").get_attribute("href")
    assert link is not None
    await inspector.look(hall.counter, "pick-up dialog")
    async with hall.stage.screen(link.removeprefix(hall.stage.url), PHONE) as phone:
        await expect(phone.at("pickup-refusal")).to_be_visible()
        await inspector.look(phone, "pick-up page")


async def test_every_control_of_the_workbench_is_reached_by_tab(light: Stage) -> None:
    async with light.desk("wujiang-counter") as counter:
        await ready_case(counter)
        wanted = await counter.page.evaluate(REACHABLE)
        missing = set(range(len(wanted)))
        for _ in range(len(wanted) * 2):
            await counter.page.keyboard.press("Tab")
            missing.discard(await counter.page.evaluate(REACHED))
        assert [wanted[at] for at in missing] == []

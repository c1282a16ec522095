"""Every page by axe-core's rules, and the workbench by the keyboard alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from playwright.async_api import expect

from tests.support.acts import SCHOOL, Hall, open_hall, ready_case
from tests.support.inspector import Inspector
from tests.support.screens import PHONE, WIDE, Screen, Stage, sign_by_hand

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]

# Each page outside a call, and what it is whole with.
PAGES = (
    ("/login", WIDE, "login-submit"), ("/verify", PHONE, "verify-submit"),
    ("/c#none", PHONE, "pickup-failure"), ("/facing", WIDE, "facing-code"),
)  # fmt: skip
TABS = {
    "form": "form", "materials": "materials", "checks": "checks", "certificate": "certificates",
    "log": "timeline",
}  # fmt: skip
FOLLOW_FOCUS = """() => {
    window.reached = new WeakSet();
    document.addEventListener("focusin", ({ target }) => window.reached.add(target));
}"""
# The controls that there are now and that have never had the focus.
MISSED = """() => {
    const controls = document.querySelectorAll("button, a[href], input, select, textarea");
    const wanted = [...controls].filter((one) => one.checkVisibility() && !one.disabled);
    const roving = (one) => one.getAttribute("role") === "tab" && one.tabIndex < 0;
    return wanted.filter((one) => !roving(one) && !window.reached.has(one))
        .map((one) => one.outerHTML.slice(0, 160));
}"""


@pytest.fixture
async def hall(light: Stage) -> AsyncIterator[Hall]:
    async with open_hall(light) as opened:
        yield opened
        assert light.faults() == []


@pytest.fixture
def inspector() -> Inspector:
    return Inspector()


async def look_at_dialogs(screen: Screen, inspector: Inspector, dialogs: dict[str, str]) -> None:
    """Open one dialog after the other, each by its button; Escape leads back there."""
    for button, dialog in dialogs.items():
        await screen.click(button)
        await expect(screen.page.get_by_role("dialog", name=dialog)).to_be_visible()
        await inspector.look(screen, dialog)
        await screen.page.keyboard.press("Escape")
        await expect(screen.page.get_by_role("dialog", name=dialog)).to_be_hidden()
        # One that lay in another dialog went with it.
        if await screen.at(button).is_visible():
            await expect(screen.at(button)).to_be_focused()


async def look_at_tabs(screen: Screen, inspector: Inspector) -> None:
    for tab, shown in TABS.items():
        await screen.click(f"tab-{tab}")
        await expect(screen.at(shown)).to_be_visible()
        await inspector.look(screen, f"tab {tab}")


async def test_no_page_outside_a_call_has_a_grave_fault(light: Stage, inspector: Inspector) -> None:
    for path, size, whole in PAGES:
        async with light.screen(path, size) as screen:
            await expect(screen.at(whole)).to_be_visible()
            await inspector.look(screen, path)
            if path == "/verify":
                await screen.fill("verify-number", "1")
                await screen.fill("verify-code", "1")
                await screen.click("verify-submit")
                await expect(screen.at("verdict").or_(screen.at("verify-failure"))).to_be_visible()
                await inspector.look(screen, "verdict")
    async with light.desk("huoqiu-supervisor") as board:
        await expect(board.at("board-agents")).to_be_visible()
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


async def test_no_page_of_a_call_has_a_grave_fault(
    hall: Hall, inspector: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It rings for as long as one looks at it.
    monkeypatch.setattr("server.tickets.service.OFFER_LASTS", timedelta(minutes=5))
    counter, agent, facing = hall.counter, hall.agent, hall.facing
    await inspector.look(facing, "idle facing screen")
    await ready_case(counter, SCHOOL)
    await counter.click("next-step")
    await expect(agent.at("offer-dialog")).to_be_visible()
    await inspector.look(agent, "offer")
    await expect(counter.at("waiting-panel")).to_be_visible()
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
    await agent.says("consent", "群众已同意并签字")
    await refuse(agent, inspector)
    await agent.says("case-outcome", "不符合条件")
    await facing.says("facing-decided", "属地不予办理")
    await inspector.look(facing, "facing screen after the decision")
    await inspector.look(agent, "decided case")
    await look_at_the_pickup(hall, inspector)
    assert inspector.found == []


async def refuse(agent: Screen, inspector: Inspector) -> None:
    await agent.click("case-more")
    await agent.click("ending-refuse")
    await expect(agent.at("conclude-dialog")).to_be_visible()
    await inspector.look(agent, "refusal dialog")
    await agent.page.keyboard.press("Escape")
    await expect(agent.at("case-more")).to_be_focused()
    await agent.click("case-more")
    await agent.click("ending-refuse")
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
        await counter.page.evaluate(FOLLOW_FOCUS)
        missed = await counter.page.evaluate(MISSED)
        # What was drawn anew meanwhile has its turn in the next round.
        for presses in [len(missed) * 2] * 3:
            for _ in range(presses):
                await counter.page.keyboard.press("Tab")
            missed = await counter.page.evaluate(MISSED)
            if not missed:
                break
        assert missed == []

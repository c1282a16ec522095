"""Fields that two people write, and personal values that are shown whole for a moment only."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Response, Route, expect

from tests.support.acts import NUMBER, ready_case
from tests.support.screens import Screen, Stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]

ACCOUNT = "field-bank_account"
FIRST, MINE, THEIRS = "6222020000000000000", "6210010000000011111", "6230020000000022222"
FIELD = "**/fields/bank_account"


def is_written(answer: Response) -> bool:
    """Say whether an answer is that the account has been written."""
    return answer.request.method == "PATCH" and answer.url.endswith(FIELD[2:]) and answer.ok


async def write(screen: Screen, text: str) -> None:
    """Write the account anew over its masked value."""
    await screen.at("row-bank_account").get_by_role("button", name="重新填写").click()
    # All at once: a pause between two keys would save what is there by then.
    await screen.page.keyboard.insert_text(text)
    await screen.page.keyboard.press("Tab")


async def write_at_once(one: Screen, other: Screen) -> None:
    """Have `one` write while `other` has just written and `one` cannot know it yet."""
    may_go = asyncio.Event()

    async def held(route: Route) -> None:
        await may_go.wait()
        await route.continue_()

    await one.page.route(FIELD, held, times=1)
    async with one.page.expect_request(FIELD):
        await write(one, MINE)
    # What stands there already may be the same: only the answer tells that it was written.
    async with other.page.expect_response(is_written):
        await write(other, THEIRS)
    await other.says(ACCOUNT, "623*")
    may_go.set()
    await expect(one.at("stale-choice")).to_be_visible()


async def test_of_two_values_written_at_once_one_is_chosen_and_neither_is_given_away(
    light: Stage,
) -> None:
    async with light.desk("wujiang-counter") as one, light.tab_of(one) as other:
        number = await ready_case(one)
        await other.click(f"case-row-{number}")
        await write_at_once(one, other)
        await one.says("stale-choice", MINE)
        await expect(one.at("stale-choice")).not_to_contain_text(THEIRS)
        await one.says("stale-choice", "623*")
        await one.click("stale-theirs")
        await one.says(ACCOUNT, "623*")
        await expect(one.at("stale-choice")).to_be_hidden()

        await write_at_once(one, other)
        await one.click("stale-yours")
        for screen in (one, other):
            await screen.says(ACCOUNT, "621*")
    assert light.faults() == []


async def test_a_revealed_value_has_the_cursor_and_is_masked_again_when_left(light: Stage) -> None:
    async with light.desk("wujiang-counter") as counter:
        await ready_case(counter)
        await counter.click("reveal-applicant_id_number")
        await counter.says("value-applicant_id_number", NUMBER)
        await counter.says(ACCOUNT, "622*")
        await expect(counter.at(ACCOUNT)).not_to_contain_text(FIRST)
        await counter.at("row-bank_account").get_by_role("button", name="查看全部").click()
        await expect(counter.control(ACCOUNT)).to_have_value(FIRST)
        await expect(counter.control(ACCOUNT)).to_be_focused()
        await counter.page.keyboard.press("Tab")
        await expect(counter.control(ACCOUNT)).to_have_count(0)
        await counter.says(ACCOUNT, "622*")
        await expect(counter.at(ACCOUNT)).not_to_contain_text(FIRST)

        # A pause while one types saves the value, and leaves it under one's hands.
        await counter.at("row-bank_account").get_by_role("button", name="重新填写").click()
        async with counter.page.expect_response(is_written):
            await counter.page.keyboard.type(MINE[:-1])
        await counter.page.keyboard.type(MINE[-1])
        await expect(counter.control(ACCOUNT)).to_have_value(MINE)
        await counter.page.keyboard.press("Tab")
        await counter.says(ACCOUNT, "621*")
    assert light.faults() == []


async def test_nobody_is_called_while_the_screen_shows_what_was_not_saved(light: Stage) -> None:
    async with light.desk("wujiang-counter") as counter:
        await ready_case(counter)
        await counter.page.route(FIELD, lambda route: route.abort())
        await write(counter, MINE)
        await expect(counter.at("next-step")).to_have_text("改正没有保存的内容")
        await counter.page.unroute(FIELD)
        await counter.click("tab-log")
        await counter.click("next-step")
        await expect(counter.control(ACCOUNT)).to_be_focused()
        await counter.page.keyboard.press("Enter")
        await expect(counter.at("next-step")).to_have_text("呼叫属地")

"""Issuing by two: an item that asks for a review, and what clerks do about it at the desk."""

from __future__ import annotations

from decimal import Decimal

from server.access import Actor
from server.certificates import review_messages as wire
from server.certificates.corrections import Correction
from server.certificates.reviewing import Wanted
from server.items.service import Items
from server.items.values import ReviewRule
from tests.support.desk import AGENT, COLLEAGUE, ITEM, KIND, Desk

ALWAYS = ReviewRule()


def ask_above(items: Items, rule: ReviewRule | None) -> None:
    """Have the pension certificate need a review by this rule, as regions.toml may say."""
    for item in items.by_version.values():
        for line in item.certificates:
            if item.code == ITEM and line.kind == KIND:
                object.__setattr__(line, "review", rule)


def above(amount: str) -> ReviewRule:
    """A rule on the balance."""
    return ReviewRule("balance", Decimal(amount))


async def ask(
    desk: Desk, case_id: str, actor: Actor = AGENT, correction: Correction | None = None,
    remark: str = "金额较大",
) -> wire.ReviewStanding:  # fmt: skip
    """An agent puts what is to be issued before the others."""
    wanted = Wanted(case_id, KIND, remark, correction)
    await desk.reviewing.check(actor, wanted)
    async with desk.units.open() as unit:
        return await desk.reviewing.ask(unit, actor, wanted)


async def asked(desk: Desk, case_id: str, actor: Actor = AGENT) -> str:
    """The same; return the review's id."""
    standing = await ask(desk, case_id, actor)
    assert standing.review is not None
    return standing.review.id


async def read(desk: Desk, review_id: str, actor: Actor = COLLEAGUE) -> wire.ReviewedCase:
    """A second clerk opens what is put before them."""
    async with desk.units.open() as unit:
        return await desk.reviewing.read(unit, actor, review_id)


async def approve(desk: Desk, review_id: str, actor: Actor = COLLEAGUE) -> wire.ReviewRequest:
    """A second clerk reads and approves."""
    await read(desk, review_id, actor)
    return await approve_unread(desk, review_id, actor)


async def approve_unread(
    desk: Desk, review_id: str, actor: Actor = COLLEAGUE
) -> wire.ReviewRequest:  # fmt: skip
    """A second clerk approves what they may never have read."""
    async with desk.units.open() as unit:
        return await desk.reviewing.approve(unit, actor, review_id, "已核对")


async def decline(desk: Desk, review_id: str, actor: Actor = COLLEAGUE) -> wire.ReviewRequest:
    """A second clerk does not approve."""
    async with desk.units.open() as unit:
        return await desk.reviewing.decline(unit, actor, review_id, "余额与系统不符")


async def withdraw(desk: Desk, review_id: str, actor: Actor = AGENT) -> wire.ReviewRequest:
    """Who asked takes it back."""
    async with desk.units.open() as unit:
        return await desk.reviewing.withdraw(unit, actor, review_id)


async def reviewed(desk: Desk, case_id: str, actor: Actor = COLLEAGUE) -> str:
    """Ask, read and approve; return the review's id."""
    review_id = await asked(desk, case_id)
    await approve(desk, review_id, actor)
    return review_id


async def standing(desk: Desk, case_id: str, actor: Actor = AGENT) -> wire.ReviewStanding:
    """How the review of the pension certificate stands on the case."""
    async with desk.units.database.reading() as session:
        found = await desk.reviewing.views.of_case(session, actor, case_id, desk.units.clock())
    return next(one for one in found.kinds if one.kind == KIND)

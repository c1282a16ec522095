from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable
from datetime import timedelta

import pytest

from server.access import Actor
from server.certificates import messages as wire
from server.certificates.rules import Cause, Outcome
from server.errors import ServiceError
from tests.support.database import News
from tests.support.desk import AGENT, CLERK, OTHER_CLERK, STRANGER, SUPERVISOR, Desk
from tests.support.live_call import put_in_call

ELSEWHERE = dataclasses.replace(OTHER_CLERK, hall="shengze")
PROVINCE = dataclasses.replace(SUPERVISOR, region="320000", hall="")


async def refused(work: Awaitable[object]) -> ServiceError:
    with pytest.raises(ServiceError) as refusal:
        await work
    return refusal.value


async def fallen(desk: Desk) -> tuple[str, str]:
    """A case that was settled on a certificate which then was revoked: its id, and the recall's."""
    case_id, row = await desk.certified_case()
    await desk.settle(case_id, row.id)
    await desk.revoke(row.id)
    return case_id, (await listed(desk, CLERK))[0].id


async def listed(desk: Desk, actor: Actor) -> list[wire.Recall]:
    async with desk.units.database.reading() as session:
        return (await desk.recalls.list(session, actor)).recalls


async def acknowledge(
    desk: Desk, actor: Actor, recall_id: str, outcome: Outcome = Outcome.RECOVERED
) -> wire.Recall:
    answer = wire.RecallAnswer(outcome=outcome, remark=" 款项已退回 ")
    async with desk.units.open() as unit:
        return await desk.recalls.acknowledge(unit, actor, recall_id, answer)


async def test_the_hall_that_settled_is_told_at_once_what_it_settled(
    desk: Desk, news: News
) -> None:
    case_id, row = await desk.certified_case()
    await desk.settle(case_id, row.id)
    news.notices.clear()
    await desk.revoke(row.id, "余额有误")
    (recall,) = await listed(desk, CLERK)
    assert (recall.number, recall.cause, recall.reason) == (row.number, Cause.REVOKED, "余额有误")
    assert (recall.reference, recall.settled_by) == ("YL-2026-000431", CLERK.name)
    assert recall.due_at == recall.made_at + timedelta(hours=24)
    assert (await desk.log(case_id))[-2:] == ["certificate.revoked", "recall.made"]
    told = {room for room, event in news.events() if event == "recall.changed"}
    assert told == {
        "hall:pingwang", "queue:341522", f"clerk:{CLERK.id}",
        "board:341522", "board:340000", "board:320509", "board:320000",
    }  # fmt: skip


async def test_nobody_is_told_who_did_not_rely_on_it(desk: Desk) -> None:
    case_id, row = await desk.certified_case()
    await put_in_call(desk, case_id)
    await desk.revoke(row.id)
    assert await listed(desk, CLERK) == []
    again = await desk.issue(case_id, "key-again-1")
    await desk.settle(case_id, again.id)
    assert "recall.made" not in await desk.log(case_id)


async def test_any_clerk_of_the_hall_says_what_was_done_and_the_issuer_sees_it(
    desk: Desk, news: News
) -> None:
    case_id, recall_id = await fallen(desk)
    assert [one.id for one in await listed(desk, AGENT)] == [recall_id]
    news.notices.clear()
    answer = await acknowledge(desk, OTHER_CLERK, recall_id)
    assert (answer.outcome, answer.remark) == (Outcome.RECOVERED, "款项已退回")
    assert (answer.acknowledged_by, answer.acknowledged_at) == (
        OTHER_CLERK.name, desk.units.clock(),
    )  # fmt: skip
    (said,) = await desk.events(case_id, "recall.acknowledged")
    assert (said["outcome"], said["remark"]) == ("recovered", "款项已退回")
    for actor in (CLERK, AGENT, SUPERVISOR):
        assert await listed(desk, actor) == []
    async with desk.units.database.reading() as session:
        (shown,) = (await desk.certificates.list(session, AGENT, case_id)).certificates
    assert [one.acknowledged_by for one in shown.recalls] == [OTHER_CLERK.name]
    assert ("queue:341522", "recall.changed") in news.events()
    assert f"clerk:{AGENT.id}" in {room for room, _ in news.events()}


async def test_supervisors_of_either_side_see_who_has_not_answered(desk: Desk) -> None:
    _, recall_id = await fallen(desk)
    for actor in (SUPERVISOR, PROVINCE):
        assert [one.id for one in await listed(desk, actor)] == [recall_id]
    assert await listed(desk, STRANGER) == []
    assert await listed(desk, ELSEWHERE) == []


async def test_only_the_hall_itself_answers_and_once(desk: Desk) -> None:
    case_id, recall_id = await fallen(desk)
    assert (await refused(acknowledge(desk, AGENT, recall_id))).code == "action.forbidden"
    assert (await refused(acknowledge(desk, ELSEWHERE, recall_id))).code == "action.forbidden"
    assert (await refused(acknowledge(desk, STRANGER, recall_id))).code == "recall.unknown"
    assert (await refused(acknowledge(desk, CLERK, "0" * 32))).code == "recall.unknown"
    await acknowledge(desk, CLERK, recall_id)
    again = acknowledge(desk, OTHER_CLERK, recall_id, Outcome.NOTHING_NEEDED)
    assert (await refused(again)).code == "recall.gone"
    assert (await desk.log(case_id)).count("recall.acknowledged") == 1


async def test_of_two_clerks_answering_at_once_one_counts(either_desk: Desk) -> None:
    case_id, recall_id = await fallen(either_desk)
    found = await asyncio.gather(
        *(acknowledge(either_desk, who, recall_id) for who in (CLERK, OTHER_CLERK)),
        return_exceptions=True,
    )
    assert [one.code for one in found if isinstance(one, ServiceError)] == ["recall.gone"]
    assert (await either_desk.log(case_id)).count("recall.acknowledged") == 1

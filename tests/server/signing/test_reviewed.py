"""The signer finds out by itself whether a second clerk has approved."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from server.certificates.models import Certificate, IssueReview
from server.certificates.queries import find_any
from server.certificates.rules import RequestState
from server.errors import ServiceError
from tests.support.database import SetClock
from tests.support.desk import AGENT, COLLEAGUE, KIND, Desk
from tests.support.reviews import ALWAYS, ask_above, reviewed


async def reserve(desk: Desk) -> Certificate:
    """A certificate that is reserved on a second clerk's approval."""
    ask_above(desk.items, ALWAYS)
    case_id = await desk.ready_case()
    await reviewed(desk, case_id)
    return await reserve_on(desk, case_id)


async def reserve_on(desk: Desk, case_id: str) -> Certificate:
    async with desk.units.database.reading() as session:
        draft = await desk.drafts.complete(session, await desk.case(case_id), KIND)
    key = desk.key(case_id, f"key-{case_id}")
    async with desk.units.open() as unit:
        made = await desk.issuing.reserve(unit, AGENT, case_id, KIND, key, draft=draft)
        found = await find_any(unit.session, made.certificate_id)
    assert found is not None
    return found


async def forge(desk: Desk, row: Certificate, **values: object) -> None:
    """Write into the approval what a service gone bad might leave as it is."""
    async with desk.units.open() as unit:
        change = update(IssueReview).where(IssueReview.id == row.review_id).values(**values)
        await unit.session.execute(change)


async def refusal(desk: Desk, row: Certificate) -> tuple[str, object]:
    with pytest.raises(ServiceError) as refused:
        await desk.signer.sign(row.id, row.attempt)
    return refused.value.code, refused.value.details.get("why")


async def test_what_was_approved_is_signed(desk: Desk) -> None:
    row = await reserve(desk)
    assert (await desk.signer.sign(row.id, row.attempt)).pages == 1


async def test_a_service_that_skips_the_review_gets_no_signature(desk: Desk) -> None:
    ask_above(desk.items, None)
    row = await reserve_on(desk, await desk.ready_case())
    ask_above(desk.items, ALWAYS)
    assert await refusal(desk, row) == ("review.needed", "missing")


@pytest.mark.parametrize(
    ("forged", "answer"),
    [
        ({"state": RequestState.OPEN}, ("review.pending", None)),
        ({"state": RequestState.DECLINED}, ("review.needed", "declined")),
        ({"state": RequestState.WITHDRAWN}, ("review.needed", "missing")),
        ({"closed_by": AGENT.id}, ("review.needed", "own")),
        ({"asked_by": COLLEAGUE.id}, ("review.needed", "own")),
        ({"closed_by": None}, ("review.needed", "own")),
        ({"kind": "statement"}, ("review.needed", "missing")),
    ],
    ids=str,
)
async def test_only_another_clerks_approval_of_these_facts_counts(
    desk: Desk, forged: dict[str, object], answer: tuple[str, object]
) -> None:
    row = await reserve(desk)
    await forge(desk, row, **forged)
    assert await refusal(desk, row) == answer


async def test_a_value_that_changed_since_is_not_signed(desk: Desk) -> None:
    row = await reserve(desk)
    await desk.write(AGENT, row.case_id, "balance", "99999.00")
    assert await refusal(desk, row) == ("review.needed", "changed")


async def test_an_old_approval_is_not_signed_on(desk: Desk, clock: SetClock) -> None:
    row = await reserve(desk)
    clock.now += timedelta(minutes=30)
    assert await refusal(desk, row) == ("review.needed", "expired")


async def test_nor_is_that_of_a_clerk_who_could_not_give_it_any_more(desk: Desk) -> None:
    row = await reserve(desk)
    desk.dismissed.add(COLLEAGUE.id)
    assert await refusal(desk, row) == ("review.needed", "reviewer_gone")


async def test_a_place_that_names_no_approval_or_needs_none_is_not_signed(desk: Desk) -> None:
    row = await reserve(desk)
    ask_above(desk.items, None)
    assert await refusal(desk, row) == ("certificate.not_released", None)
    ask_above(desk.items, ALWAYS)
    async with desk.units.open() as unit:
        nameless = update(Certificate).where(Certificate.id == row.id).values(review_id=None)
        await unit.session.execute(nameless)
    assert await refusal(desk, row) == ("certificate.not_released", None)
    async with desk.units.open() as unit:
        await unit.session.execute(delete(IssueReview))
    assert await refusal(desk, row) == ("review.needed", "missing")

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from server.certificates.models import Certificate
from server.supervision.audit import Audit, Fault, copied
from tests.support.desk import Desk
from tests.support.reviews import ALWAYS, ask_above, reviewed


async def issued(desk: Desk) -> Certificate:
    """A certificate that a second clerk approved."""
    ask_above(desk.items, ALWAYS)
    case_id = await desk.ready_case()
    await reviewed(desk, case_id)
    return await desk.issue(case_id)


async def audit(desk: Desk, url: str, folder: Path) -> list[Fault]:
    async with copied(url, folder) as copy:
        return await Audit(copy, desk.files, desk.vault, desk.drawing, desk.units.clock()).walk()


async def test_what_was_reviewed_is_in_order_whatever_the_rule_says_later(
    desk: Desk, sqlite_url: str, tmp_path: Path
) -> None:
    row = await issued(desk)
    ask_above(desk.items, None)
    await desk.revoke(row.id)
    faults = [one.code for one in await audit(desk, sqlite_url, tmp_path)]
    assert [code for code in faults if code.startswith("review.")] == []
    assert "seat.mismatched" not in faults


SPOILED = {
    "the approval's name is taken off": (
        "UPDATE certificate SET review_id = NULL", "review.rewritten", "expected",
    ),
    "it is none any more": (
        "UPDATE issue_review SET state = 'declined'", "review.missing", "there is no approval",
    ),
    "it is of another kind": (
        "UPDATE issue_review SET kind = 'statement'", "review.missing", "of something else",
    ),
    "it is of another template": (
        "UPDATE issue_review SET template_version = '0'", "review.missing", "of something else",
    ),
    "who asked approved": (
        "UPDATE issue_review SET closed_by = asked_by", "review.missing", "nobody else approved it",
    ),
    "a third one approved": (
        "UPDATE issue_review SET closed_by = 'x'", "review.missing", "has not this approval",
    ),
    "other facts were put before them": (
        "UPDATE issue_review SET sealed_basis = 'x'", "review.missing", "has not this approval",
    ),
    "it came too late": (
        "UPDATE certificate SET issued_at = '2020-01-01 00:00:00.000000'",
        "review.missing", "after it was issued",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", SPOILED)
async def test_an_approval_that_the_record_does_not_bear_out_is_named(
    desk: Desk, sqlite_url: str, tmp_path: Path, what: str
) -> None:
    row = await issued(desk)
    statement, code, says = SPOILED[what]
    async with desk.units.open() as unit:
        await unit.session.execute(text(statement))
    faults = [one for one in await audit(desk, sqlite_url, tmp_path) if one.code == code]
    assert [one.about for one in faults] == [row.number]
    assert says in faults[0].says


async def test_a_certificate_that_says_otherwise_than_was_approved_is_named(
    desk: Desk, sqlite_url: str, tmp_path: Path
) -> None:
    row = await issued(desk)
    case = await desk.case(row.case_id)
    key, context = desk.records.key_of(case), f"certificate:{row.id}"
    richer = key.seal(key.open(row.sealed_facts, context).replace("18342.57", "98342.57"), context)
    async with desk.units.open() as unit:
        change = text("UPDATE certificate SET sealed_facts = :richer")
        await unit.session.execute(change, {"richer": richer})
    says = [one.says for one in await audit(desk, sqlite_url, tmp_path)]
    assert "other facts were approved" in says

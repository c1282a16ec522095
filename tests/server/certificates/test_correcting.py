from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from server.access import Actor
from server.cases.rules import CaseState
from server.certificates import messages as wire
from server.certificates import queries
from server.certificates.issuing import Key
from server.certificates.models import Certificate
from server.certificates.review_messages import CorrectionPreview
from server.certificates.rules import Cause, CertificateState, VerdictKind
from server.errors import ServiceError
from tests.support.desk import AGENT, CLERK, COLLEAGUE, KIND, STRANGER, Desk
from tests.support.live_call import put_in_call
from tests.support.office import text_of

RIGHT = {"balance": "¥18,432.57"}


async def refused(work: Awaitable[object]) -> ServiceError:
    with pytest.raises(ServiceError) as refusal:
        await work
    return refusal.value


async def correct(
    desk: Desk, certificate_id: str, key: str = "correct-1", actor: Actor = AGENT, **values: str
) -> Certificate:
    order = wire.CorrectionOrder(values=values or RIGHT, reason=" 余额录入有误 ")
    owned = Key(f"{actor.id}:{key}", f"correct {certificate_id} {values}")
    return await desk.correcting.correct(actor, certificate_id, order, owned)


async def preview(
    desk: Desk, certificate_id: str, actor: Actor = AGENT, **values: str
) -> CorrectionPreview:
    return await desk.correcting.preview(actor, certificate_id, values)


async def state_of(desk: Desk, row: Certificate) -> CertificateState:
    async with desk.units.database.reading() as session:
        found = await queries.find_any(session, row.id)
    assert found is not None
    return found.state


async def listed(desk: Desk, case_id: str) -> list[wire.Certificate]:
    async with desk.units.database.reading() as session:
        return (await desk.certificates.list(session, CLERK, case_id)).certificates


async def test_the_difference_is_shown_before_anything_is_written(desk: Desk) -> None:
    case_id, row = await desk.certified_case()
    found = await preview(desk, row.id, **RIGHT)
    assert [one.model_dump() for one in found.differences] == [
        {"name": "balance", "label": "个人账户余额（元）", "old": "18342.57", "new": "18432.57"}
    ]
    assert "balance" in found.fields
    assert (await preview(desk, row.id)).differences == []
    assert (await desk.log(case_id))[-1] == "certificate.issued"


async def test_a_corrected_certificate_takes_the_place_of_the_wrong_one(desk: Desk) -> None:
    case_id, old = await desk.certified_case()
    new = await correct(desk, old.id)
    assert (new.state, new.serial, new.supersedes) == (CertificateState.VALID, 2, old.id)
    shown = await listed(desk, case_id)
    assert [(one.state, one.superseded_by) for one in shown] == [
        (CertificateState.SUPERSEDED, new.number), (CertificateState.VALID, None),
    ]  # fmt: skip
    content = await desk.papers.content(new)
    assert "18,432.57" in text_of(desk.files.folder, content)
    assert (await desk.verifying.of_row(new)).verdict is VerdictKind.GENUINE
    case = await desk.case(case_id)
    assert case.state is CaseState.CERTIFIED
    async with desk.units.database.reading() as session:
        on_screen = await desk.views.shown_certificate(session, case)
    assert on_screen is not None
    assert on_screen.id == new.id
    log = await desk.log(case_id)
    assert log[-3:] == ["field.changed", "certificate.superseded", "certificate.issued"]


async def test_the_facts_of_the_correction_come_from_a_log_that_has_it(desk: Desk) -> None:
    case_id, old = await desk.certified_case()
    new = await correct(desk, old.id)
    async with desk.units.database.reading() as session:
        events = (await desk.reader.events(session, CLERK, case_id, new.case_seq - 1)).events
    assert events[0].kind == "field.changed"
    assert events[0].data["value"] == "18432.57"


async def test_both_halls_read_in_the_log_what_was_changed_and_why(desk: Desk) -> None:
    case_id, old = await desk.certified_case()
    new = await correct(desk, old.id)
    (said,) = await desk.events(case_id, "certificate.superseded")
    assert (said["number"], said["successor_number"]) == (old.number, new.number)
    assert said["reason"] == "余额录入有误"
    assert said["differences"] == [
        {"name": "balance", "label": "个人账户余额（元）", "old": "18342.57", "new": "18432.57"}
    ]


async def test_a_personal_value_that_was_corrected_is_masked_in_the_log(desk: Desk) -> None:
    case_id, old = await desk.certified_case()
    field = desk.reader.item_of(await desk.case(case_id)).field("balance")
    object.__setattr__(field, "personal", True)
    await correct(desk, old.id)
    (said,) = await desk.events(case_id, "certificate.superseded")
    assert said["differences"] == [
        {"name": "balance", "label": "个人账户余额（元）", "old": "18******", "new": "18******"}
    ]
    (shown,) = (await preview(desk, (await listed(desk, case_id))[1].id, balance="9")).differences
    assert (shown.old, shown.new) == ("18432.57", "9.00")


async def test_the_wrong_ones_verdict_names_the_new_one_to_clerks_only(desk: Desk) -> None:
    _, old = await desk.certified_case()
    new = await correct(desk, old.id)
    async with desk.units.database.reading() as session:
        row = await queries.find(session, old.id)
    assert row is not None
    verdict = await desk.verifying.of_row(row)
    assert (verdict.verdict, verdict.superseded_by) == (VerdictKind.SUPERSEDED, new.number)
    public = await desk.verifying.by_code(old.number, old.check_code)
    assert (public.verdict, public.superseded_by) == (VerdictKind.SUPERSEDED, None)


async def test_who_settled_with_the_wrong_one_is_told(desk: Desk) -> None:
    case_id, old = await desk.certified_case()
    await desk.settle(case_id, old.id)
    new = await correct(desk, old.id)
    async with desk.units.database.reading() as session:
        (recall,) = (await desk.recalls.list(session, CLERK)).recalls
    assert (recall.cause, recall.reason) == (Cause.SUPERSEDED, "余额录入有误")
    assert (recall.number, recall.superseded_by) == (old.number, new.number)
    assert (await desk.case(case_id)).state is CaseState.SETTLED


async def test_who_was_told_of_a_correction_is_told_when_that_falls_too(desk: Desk) -> None:
    case_id, first = await desk.certified_case()
    await desk.settle(case_id, first.id)
    second = await correct(desk, first.id)
    third = await correct(desk, second.id, "correct-2", months_paid="127")
    await desk.revoke(third.id)
    async with desk.units.database.reading() as session:
        recalls = (await desk.recalls.list(session, CLERK)).recalls
    assert {(one.number, one.cause) for one in recalls} == {
        (first.number, Cause.SUPERSEDED),
        (second.number, Cause.SUPERSEDED),
        (third.number, Cause.REVOKED),
    }


async def test_the_same_key_gives_the_same_correction_again(desk: Desk) -> None:
    case_id, old = await desk.certified_case()
    first = await correct(desk, old.id)
    desk.seats.clear()
    again = await correct(desk, old.id)
    assert (again.number, again.sha256) == (first.number, first.sha256)
    assert (await desk.log(case_id)).count("certificate.superseded") == 1


async def test_a_corrected_certificate_can_be_corrected_again(desk: Desk) -> None:
    case_id, first = await desk.certified_case()
    second = await correct(desk, first.id)
    third = await correct(desk, second.id, "correct-2", months_paid="127")
    states = [one.state for one in await listed(desk, case_id)]
    assert states == [CertificateState.SUPERSEDED] * 2 + [CertificateState.VALID]
    assert third.serial == 3


async def test_only_the_agent_who_spoke_with_the_counter_corrects(desk: Desk) -> None:
    case_id, old = await desk.certified_case()
    desk.seats.discard(AGENT.id)
    for attempt in (correct(desk, old.id), preview(desk, old.id)):
        assert (await refused(attempt)).code == "seat.missing"
    assert (await refused(correct(desk, old.id, actor=COLLEAGUE))).code == "seat.missing"
    assert (await refused(correct(desk, old.id, actor=CLERK))).code == "action.forbidden"
    for strange in (correct(desk, old.id, actor=STRANGER), preview(desk, old.id, STRANGER)):
        assert (await refused(strange)).code == "certificate.unknown"
    assert (await refused(correct(desk, "0" * 32))).code == "certificate.unknown"
    # After the call the case's agent still may: mistakes are found later.
    desk.formers.add(AGENT.id)
    await desk.settle(case_id, old.id)
    assert (await correct(desk, old.id)).state is CertificateState.VALID


WRONG: list[tuple[dict[str, str], str]] = [
    ({"balance": "18342.57"}, "certificate.unchanged"),
    ({"bank_account": "6222000000000000001"}, "field.unknown"),
    ({"nothing": "1"}, "field.unknown"),
    ({"applicant_name": "李四"}, "field.unknown"),
    ({"balance": "much"}, "money.malformed"),
    ({"as_of": "2027-01-01"}, "date.out_of_range"),
    ({"balance": ""}, "money.malformed"),
]


async def test_what_is_no_correction_is_refused_and_nothing_changes(desk: Desk) -> None:
    case_id, old = await desk.certified_case()
    before = await desk.log(case_id)
    for values, code in WRONG:
        assert (await refused(correct(desk, old.id, **values))).code == code, values
    assert await desk.log(case_id) == before
    assert await state_of(desk, old) is CertificateState.VALID


async def test_what_counts_no_more_is_not_corrected(desk: Desk) -> None:
    case_id, old = await desk.certified_case()
    await put_in_call(desk, case_id)
    request_id = await desk.ask_revocation(old.id)
    assert (await refused(correct(desk, old.id))).code == "revocation.pending"
    async with desk.units.open() as unit:
        await desk.revoking.approve(unit, COLLEAGUE, request_id)
    assert (await refused(correct(desk, old.id))).code == "certificate.revoked"
    assert (await refused(preview(desk, old.id))).code == "certificate.revoked"


async def test_of_two_corrections_at_once_one_certificate_is_valid(either_desk: Desk) -> None:
    desk = either_desk
    case_id, old = await desk.certified_case()
    found = await asyncio.gather(
        correct(desk, old.id, "correct-1"),
        correct(desk, old.id, "correct-2", months_paid="127"),
        return_exceptions=True,
    )
    issued = [one for one in found if isinstance(one, Certificate)]
    codes = {one.code for one in found if isinstance(one, ServiceError)}
    assert len(issued) == 1
    assert codes <= {"certificate.revoked", "certificate.not_released"}
    states = sorted(one.state.value for one in await listed(desk, case_id))
    assert states == ["superseded", "valid"]
    assert (await desk.log(case_id)).count("certificate.superseded") == 1


async def test_a_correction_and_a_revocation_at_once_leave_one_story(either_desk: Desk) -> None:
    desk = either_desk
    _, old = await desk.certified_case()
    request_id = await desk.ask_revocation(old.id)

    async def approve() -> None:
        async with desk.units.open() as unit:
            await desk.revoking.approve(unit, COLLEAGUE, request_id)

    found = await asyncio.gather(approve(), correct(desk, old.id), return_exceptions=True)
    assert found[0] is None
    assert isinstance(found[1], ServiceError)
    assert await state_of(desk, old) is CertificateState.REVOKED


async def test_the_database_supersedes_only_what_is_valid_and_not_questioned(
    either_desk: Desk,
) -> None:
    _, old = await either_desk.certified_case()
    await either_desk.ask_revocation(old.id)
    async with either_desk.units.open() as unit:
        assert not await queries.supersede(unit.session, old.id, {"revoked_by": AGENT.id})
    _, other = await either_desk.certified_case()
    async with either_desk.units.open() as unit:
        assert await queries.supersede(unit.session, other.id, {"revoked_by": AGENT.id})
        assert not await queries.supersede(unit.session, other.id, {"revoked_by": AGENT.id})


async def test_a_correction_that_was_left_lying_is_no_ones_place_later(desk: Desk) -> None:
    """The wrong certificate is revoked meanwhile: the number goes to a certificate of its own."""
    case_id, old = await desk.certified_case()
    keep = desk.papers.keep

    async def keep_and_leave(certificate_id: str, signed: object) -> None:
        await keep(certificate_id, signed)  # type: ignore[arg-type]
        desk.seats.discard(AGENT.id)

    papers = type("Papers", (), {"keep": staticmethod(keep_and_leave), "sweep": desk.papers.sweep})
    object.__setattr__(desk.issuing, "papers", papers())
    assert (await refused(correct(desk, old.id))).code == "seat.missing"
    object.__setattr__(desk.issuing, "papers", desk.papers)
    desk.seats.add(AGENT.id)
    assert await state_of(desk, old) is CertificateState.VALID
    await put_in_call(desk, case_id)
    await desk.revoke(old.id)
    row = await desk.issue(case_id, "key-anew-1")
    assert (row.serial, row.supersedes) == (2, None)
    assert [one.kind for one in await listed(desk, case_id)] == [KIND, KIND]

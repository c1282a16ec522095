from __future__ import annotations

import asyncio
import dataclasses
import hashlib
from collections.abc import Awaitable

import pytest
from sqlalchemy import select, update

from docs_gen.template import Template, Templates
from server.access import Actor
from server.cases.models import CaseField, Consent, Material
from server.cases.rules import CaseState, ConsentState
from server.certificates.forms import Signed
from server.certificates.issuing import Key
from server.certificates.models import Certificate
from server.certificates.rules import CertificateState
from server.errors import ServiceError
from tests.support.database import News, SetClock
from tests.support.desk import (
    AGENT,
    CLERK,
    KIND,
    STRANGER,
    Desk,
    SignerHere,
    recognise_nothing,
)
from tests.support.live_call import put_in_call
from tests.support.office import text_of

START = "1.2.156.3005.2.11100000MB0000011U001.11341522MB0000001T."


async def refused(work: Awaitable[object]) -> ServiceError:
    with pytest.raises(ServiceError) as refusal:
        await work
    return refusal.value


async def register(desk: Desk) -> list[Certificate]:
    """Every row of the register, reserved ones too."""
    async with desk.units.database.reading() as session:
        return list((await session.scalars(select(Certificate))).all())


async def test_a_ready_case_gets_its_certificate(desk: Desk, news: News) -> None:
    case_id = await desk.ready_case()
    row = await desk.issue(case_id)
    assert row.state is CertificateState.VALID
    type_code = desk.drawing.forms.templates[KIND].type_code
    start = f"1.2.156.3005.2.{type_code}.11341522MB0000001T.20260000001.001."
    assert row.number.startswith(start)
    content = await desk.papers.content(row)
    assert hashlib.sha256(content).hexdigest() == row.sha256
    assert (await desk.case(case_id)).state is CaseState.CERTIFIED
    assert (await desk.log(case_id))[-1] == "certificate.issued"
    said = (await desk.events(case_id, "certificate.issued"))[0]
    assert (said["number"], said["sha256"]) == (row.number, row.sha256)
    assert f"clerk:{CLERK.id}" in {notice.room for notice in news.notices}


async def test_nothing_is_issued_that_the_counters_region_would_not_count(desk: Desk) -> None:
    case_id = await desk.ready_case()
    recognise_nothing(desk.catalogue)
    for attempt in (desk.issue(case_id), desk.issuing.preview(AGENT, case_id, KIND)):
        assert (await refused(attempt)).code == "certificate.unrecognised"
    assert await register(desk) == []


async def test_the_record_holds_the_head_of_the_log_its_facts_came_from(desk: Desk) -> None:
    case_id = await desk.ready_case()
    before = await desk.case(case_id)
    row = await desk.issue(case_id)
    assert (row.case_seq, row.case_hash) == (before.seq, before.head_hash)


async def test_the_seal_is_of_the_jurisdictions_own_authority(desk: Desk) -> None:
    row = await desk.issue(await desk.ready_case())
    finding = await desk.drawing.examine(await desk.papers.content(row), desk.units.clock())
    assert finding.signer is not None
    assert finding.signer.startswith("霍邱县人力资源和社会保障局")
    assert (row.issuer_code, row.jurisdiction) == ("11341522MB0000001T", "341522")


async def test_the_same_key_gives_the_same_certificate_again(desk: Desk) -> None:
    case_id = await desk.ready_case()
    first = await desk.issue(case_id)
    # Neither seat nor state is asked for again: the answer was given before.
    desk.seats.clear()
    again = await desk.issue(case_id)
    assert (again.id, again.number, again.sha256) == (first.id, first.number, first.sha256)
    assert (await desk.log(case_id)).count("certificate.issued") == 1


async def test_another_key_is_told_that_there_is_a_certificate(desk: Desk) -> None:
    case_id = await desk.ready_case()
    await desk.issue(case_id, "key-00001")
    error = await refused(desk.issue(case_id, "key-00002"))
    assert error.code == "certificate.exists"


async def test_a_key_used_for_something_else_is_refused(desk: Desk) -> None:
    case_id = await desk.ready_case()
    await desk.issue(case_id)
    other = await desk.ready_case()
    key = Key(f"{AGENT.id}:key-00001", "issue something else")
    error = await refused(desk.issuing.issue(AGENT, other, KIND, key))
    assert error.code == "idempotency_key.reused"


async def test_of_two_issues_at_once_there_is_one_row(either_desk: Desk) -> None:
    case_id = await either_desk.ready_case()
    found = await asyncio.gather(
        *(either_desk.issue(case_id, f"key-0000{n}") for n in range(4)), return_exceptions=True
    )
    issued = {one.number for one in found if isinstance(one, Certificate)}
    codes = {one.code for one in found if isinstance(one, ServiceError)}
    assert len(issued) == 1
    assert codes <= {"certificate.exists"}
    assert len(found) == len([one for one in found if isinstance(one, Certificate | ServiceError)])
    assert [row.state for row in await register(either_desk)] == [CertificateState.VALID]
    assert (await either_desk.log(case_id)).count("certificate.issued") == 1


async def test_of_two_issues_with_one_key_both_get_the_certificate(either_desk: Desk) -> None:
    case_id = await either_desk.ready_case()
    found = await asyncio.gather(*(either_desk.issue(case_id) for _ in range(3)))
    assert len({row.sha256 for row in found}) == 1
    assert (await either_desk.log(case_id)).count("certificate.issued") == 1


async def test_of_two_attempts_that_a_token_signs_in_other_bytes_the_first_counts(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = await desk.ready_case()
    sign, begun, released = desk.issuing.signer.sign, list[str](), list[Certificate]()

    async def sign_otherwise(certificate_id: str, attempt: int) -> Signed:
        signed = await sign(certificate_id, attempt)
        begun.append(certificate_id)
        if len(begun) > 1:
            return signed
        released.append(await desk.issue(case_id))
        other = signed.pdf + b"\n"
        return dataclasses.replace(signed, pdf=other, sha256=hashlib.sha256(other).hexdigest())

    monkeypatch.setattr(desk.issuing.signer, "sign", sign_otherwise)
    row = await desk.issue(case_id)
    assert (row.id, row.sha256) == (released[0].id, released[0].sha256)
    assert (await desk.log(case_id)).count("certificate.issued") == 1
    assert await desk.files.names("certificates") == [f"certificates/{row.id}/{row.sha256}.pdf"]


async def test_serials_run_without_gaps_over_refusals(desk: Desk) -> None:
    numbers = []
    for place in range(3):
        lacking = await desk.open_case()
        assert (await refused(desk.issue(lacking, f"bad-{place}-xx"))).code == "case.unknown"
        _, row = await desk.certified_case()
        numbers.append(row.number.split(".")[7])
    assert numbers == ["20260000001", "20260000002", "20260000003"]


@pytest.mark.usefixtures("lists_as_before")
async def test_the_serial_begins_anew_with_the_year_in_china(desk: Desk, clock: SetClock) -> None:
    await desk.certified_case()
    # 23:59 and 00:01 in China on New Year's Eve.
    clock.now = clock.now.replace(month=12, day=31, hour=15, minute=59)
    await desk.seals.renew(clock.now)
    _, last = await desk.certified_case()
    clock.advance(minutes=2)
    _, first = await desk.certified_case()
    assert [row.number.split(".")[7] for row in (last, first)] == ["20260000002", "20270000001"]


async def break_consent(desk: Desk, case_id: str) -> None:
    async with desk.units.open() as unit:
        await unit.session.execute(
            update(Consent).where(Consent.case_id == case_id).values(state=ConsentState.REFUSED)
        )


async def break_material(desk: Desk, case_id: str) -> None:
    async with desk.units.open() as unit:
        await unit.session.execute(
            update(Material).where(Material.kind == "id-card").values(removed=True)
        )


async def fail_identity(desk: Desk, case_id: str) -> None:
    await desk.check_identity(case_id, passed=False)


async def clear_local(desk: Desk, case_id: str) -> None:
    await desk.write(CLERK, case_id, "bank_account", "")


async def clear_remote(desk: Desk, case_id: str) -> None:
    await desk.write(AGENT, case_id, "balance", "")


async def leave_seat(desk: Desk, case_id: str) -> None:
    desk.seats.discard(AGENT.id)


async def settle_call(desk: Desk, case_id: str) -> None:
    await desk.move(case_id, CaseState.RETURNED)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (break_consent, "consent.missing"),
        (fail_identity, "checks.missing"),
        (break_material, "materials.missing"),
        (clear_local, "case.incomplete"),
        (clear_remote, "case.incomplete"),
        (leave_seat, "seat.missing"),
        (settle_call, "case.wrong_state"),
    ],
)
async def test_nothing_is_reserved_for_a_case_that_is_not_ready(
    desk: Desk, spoil: object, code: str
) -> None:
    case_id = await desk.ready_case()
    assert callable(spoil)
    await spoil(desk, case_id)
    error = await refused(desk.issue(case_id))
    assert error.code == code
    assert await register(desk) == []


async def test_an_unknown_kind_is_refused(desk: Desk) -> None:
    case_id = await desk.ready_case()
    key = desk.key(case_id, "key-00001")
    for kind in ("household-registration", "nonsense"):
        error = await refused(desk.issuing.issue(AGENT, case_id, kind, key))
        assert error.code == "certificate.kind_unknown"
    assert await register(desk) == []


@pytest.mark.parametrize("actor", [CLERK, STRANGER])
async def test_only_the_jurisdictions_agent_can_issue(desk: Desk, actor: Actor) -> None:
    case_id = await desk.ready_case()
    desk.seats.add(actor.id)
    key = desk.key(case_id, "key-00001")
    error = await refused(desk.issuing.issue(actor, case_id, KIND, key))
    assert error.code == ("action.forbidden" if actor is CLERK else "case.unknown")


async def test_a_character_without_a_glyph_is_named_before_anything_is_reserved(
    desk: Desk,
) -> None:
    case_id = await desk.ready_case(name="张\U0003fffd")
    error = await refused(desk.issue(case_id))
    assert error.code == "certificate.unprintable"
    assert error.details["field"] == "applicant_name"
    assert "U+3FFFD" in str(error.details["characters"])
    assert await register(desk) == []


async def test_a_clock_behind_the_case_cannot_issue(desk: Desk, clock: SetClock) -> None:
    case_id = await desk.ready_case()
    clock.advance(seconds=-1)
    assert (await refused(desk.issue(case_id))).code == "clock.behind"
    assert await register(desk) == []


async def test_without_a_key_for_the_authority_nothing_is_reserved(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = await desk.ready_case()
    monkeypatch.setattr(desk.seals, "_demo", {"wujiang-hrss": True})
    assert (await refused(desk.issue(case_id))).code == "signer.unavailable"
    assert await register(desk) == []


class StoppingSigner:
    """Stands before the signer and refuses to sign until told."""

    def __init__(self, signer: SignerHere) -> None:
        self.signer = signer
        self.stopped = True

    def __getattr__(self, name: str) -> object:
        return getattr(self.signer, name)

    async def sign(self, certificate_id: str, attempt: int) -> Signed:
        if self.stopped:
            raise ServiceError("signer.unavailable")
        return await self.signer.sign(certificate_id, attempt)


def stopping(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> StoppingSigner:
    made = StoppingSigner(desk.signer)
    object.__setattr__(desk.issuing, "signer", made)
    return made


async def test_a_reserved_certificate_is_shown_to_nobody(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping(desk, monkeypatch)
    case_id = await desk.ready_case()
    assert (await refused(desk.issue(case_id))).code == "signer.unavailable"
    (row,) = await register(desk)
    assert row.state is CertificateState.RESERVED
    async with desk.units.database.reading() as session:
        shown = await desk.certificates.list(session, AGENT, case_id)
    assert shown.certificates == []
    verdict = await desk.verifying.by_code(row.number, row.check_code)
    assert (verdict.verdict, verdict.holder) == ("unknown", None)


@pytest.mark.parametrize("key", ["key-00001", "key-00002"])
async def test_what_was_reserved_is_taken_up_with_its_number(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, clock: SetClock, key: str
) -> None:
    signer = stopping(desk, monkeypatch)
    case_id = await desk.ready_case()
    await refused(desk.issue(case_id, "key-00001"))
    (reserved,) = await register(desk)
    signer.stopped = False
    clock.advance(minutes=5)
    row = await desk.issue(case_id, key)
    assert (row.id, row.number, row.check_code) == (
        reserved.id, reserved.number, reserved.check_code,
    )  # fmt: skip
    assert row.signing_at == reserved.signing_at
    assert (row.attempt, row.state) == (1, CertificateState.VALID)


async def test_a_new_command_after_a_correction_takes_the_new_facts_under_the_old_number(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = stopping(desk, monkeypatch)
    case_id = await desk.ready_case()
    await refused(desk.issue(case_id, "key-00001"))
    (reserved,) = await register(desk)
    await desk.write(AGENT, case_id, "balance", "99.00")
    signer.stopped = False
    row = await desk.issue(case_id, "key-00002")
    assert (row.number, row.attempt) == (reserved.number, 2)
    assert row.case_seq == reserved.case_seq + 1
    assert row.sealed_facts != reserved.sealed_facts


async def test_a_retry_on_the_next_day_is_not_dated_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, clock: SetClock
) -> None:
    signer = stopping(desk, monkeypatch)
    case_id = await desk.ready_case()
    await refused(desk.issue(case_id))
    (reserved,) = await register(desk)
    clock.advance(days=1)
    signer.stopped = False
    row = await desk.issue(case_id)
    assert row.number == reserved.number
    assert row.signing_at == clock.now


async def test_the_seat_is_asked_for_again_before_release(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = await desk.ready_case()
    keep = desk.papers.keep

    async def keep_and_leave(certificate_id: str, signed: Signed) -> None:
        await keep(certificate_id, signed)
        desk.seats.discard(AGENT.id)

    papers = type("Papers", (), {"keep": staticmethod(keep_and_leave), "sweep": desk.papers.sweep})
    object.__setattr__(desk.issuing, "papers", papers())
    assert (await refused(desk.issue(case_id))).code == "seat.missing"
    (row,) = await register(desk)
    assert row.state is CertificateState.RESERVED
    assert "certificate.issued" not in await desk.log(case_id)


async def test_facts_that_another_command_took_anew_are_not_released(desk: Desk) -> None:
    case_id = await desk.ready_case()
    keep, drawn = desk.papers.keep, list[str]()

    async def keep_and_correct(certificate_id: str, signed: Signed) -> None:
        await keep(certificate_id, signed)
        drawn.append(signed.sha256)
        if len(drawn) == 1:
            await desk.write(AGENT, case_id, "balance", "99.00")
            await desk.issue(case_id, "key-00002")

    papers = type(
        "Papers", (), {"keep": staticmethod(keep_and_correct), "sweep": desk.papers.sweep}
    )
    object.__setattr__(desk.issuing, "papers", papers())
    error = await refused(desk.issue(case_id, "key-00001"))
    assert error.code == "certificate.not_released"
    (row,) = await register(desk)
    assert row.sha256 == drawn[1]
    # What was drawn and not released is gone.
    assert await desk.files.names("certificates") == [f"certificates/{row.id}/{row.sha256}.pdf"]


async def test_an_older_draft_is_not_released_while_the_newer_one_is_drawn(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = await desk.ready_case()
    keep, corrected = desk.papers.keep, list[str]()

    async def keep_and_reserve(certificate_id: str, signed: Signed) -> None:
        await keep(certificate_id, signed)
        corrected.append(signed.sha256)
        await desk.write(AGENT, case_id, "balance", "99.00")
        stopping(desk, monkeypatch)
        assert (await refused(desk.issue(case_id, "key-00002"))).code == "signer.unavailable"

    papers = type(
        "Papers", (), {"keep": staticmethod(keep_and_reserve), "sweep": desk.papers.sweep}
    )
    object.__setattr__(desk.issuing, "papers", papers())
    error = await refused(desk.issue(case_id, "key-00001"))
    assert error.code == "certificate.not_released"
    (row,) = await register(desk)
    assert (row.state, row.attempt) == (CertificateState.RESERVED, 2)


async def test_after_a_revocation_the_kind_can_be_issued_anew(desk: Desk) -> None:
    case_id, first = await desk.certified_case()
    await put_in_call(desk, case_id)
    await desk.revoke(first.id)
    second = await desk.issue(case_id, "key-anew-1")
    assert second.number != first.number
    assert second.serial == first.serial + 1
    states = {row.id: row.state for row in await register(desk)}
    assert states == {first.id: CertificateState.REVOKED, second.id: CertificateState.VALID}


async def test_a_preview_is_no_certificate(desk: Desk) -> None:
    case_id = await desk.ready_case()
    pdf = await desk.issuing.preview(AGENT, case_id, KIND)
    assert (await desk.verifying.by_file(pdf)).verdict == "unknown"
    assert await register(desk) == []
    assert (await refused(desk.issuing.preview(STRANGER, case_id, KIND))).code == "case.unknown"


async def test_a_preview_of_an_incomplete_case_names_what_is_lacking(desk: Desk) -> None:
    case_id = await desk.ready_case()
    await desk.write(AGENT, case_id, "balance", "")
    error = await refused(desk.issuing.preview(AGENT, case_id, KIND))
    assert (error.code, error.details["fields"]) == ("case.incomplete", ["balance"])


async def test_a_case_left_with_the_jurisdiction_is_certified_after_the_call(desk: Desk) -> None:
    case_id = await desk.ready_case()
    await desk.move(case_id, CaseState.WITH_JURISDICTION)
    await desk.issue(case_id)
    assert (await desk.case(case_id)).state is CaseState.CERTIFIED


async def test_a_value_the_page_cannot_write_is_named_before_anything_is_reserved(
    desk: Desk,
) -> None:
    case_id = await desk.ready_case()
    async with desk.units.open() as unit:
        entry = await desk.records.begin_as_service(unit, case_id)
        field = await unit.session.get_one(CaseField, (case_id, "as_of"))
        field.sealed = entry.key.seal("last week", f"field:{case_id}:as_of")
    error = await refused(desk.issue(case_id))
    assert (error.code, error.details["field"]) == ("certificate.unprintable", "as_of")
    assert await register(desk) == []


def newer(template: Template) -> Template:
    """The next version of a template: the same form in other words."""
    words = ("兹再次证明，{applicant_name}情况如下：",)
    return dataclasses.replace(
        template, version=str(int(template.version) + 1), paragraphs=words, validity_days=30
    )


async def reserve(desk: Desk, case_id: str) -> None:
    """Reserve as a process does that is stopped for a deployment before it draws."""
    async with desk.units.database.reading() as session:
        draft = await desk.drafts.complete(session, await desk.case(case_id), KIND)
    key = desk.key(case_id, "key-00001")
    async with desk.units.open() as unit:
        await desk.issuing.reserve(unit, AGENT, case_id, KIND, key, draft=draft)


async def says(desk: Desk, row: Certificate) -> str:
    return text_of(desk.files.folder, await desk.papers.content(row))


async def test_what_was_reserved_before_a_deployment_is_drawn_with_the_template_it_was_reserved_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = await desk.ready_case()
    await reserve(desk, case_id)
    (reserved,) = await register(desk)
    old = desk.drawing.forms.templates[KIND]
    monkeypatch.setattr(desk.drawing.forms, "templates", Templates([old, newer(old)]))
    row = await desk.issue(case_id)
    assert (row.id, row.number, row.template_version) == (reserved.id, reserved.number, "1")
    assert row.valid_until == reserved.valid_until
    assert "兹再次证明" not in await says(desk, row)
    assert (await desk.verifying.of_row(row)).verdict == "genuine"
    # The next case has the new words: the processes that draw never knew of them before.
    _, following = await desk.certified_case()
    assert following.template_version == "2"
    assert "兹再次证明" in await says(desk, following)


@pytest.mark.parametrize(("reserved_on", "left"), [("1", "2"), ("2", "1")])
async def test_a_process_without_the_reserved_version_takes_the_facts_anew_under_the_same_number(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, reserved_on: str, left: str
) -> None:
    old = desk.drawing.forms.templates[KIND]
    versions = {one.version: one for one in (old, newer(old))}
    case_id = await desk.ready_case()
    monkeypatch.setattr(desk.drawing.forms, "templates", Templates([versions[reserved_on]]))
    await reserve(desk, case_id)
    (reserved,) = await register(desk)
    assert reserved.template_version == reserved_on
    monkeypatch.setattr(desk.drawing.forms, "templates", Templates([versions[left]]))
    row = await desk.issue(case_id)
    assert (row.id, row.number, row.template_version) == (reserved.id, reserved.number, left)
    assert row.valid_until == versions[left].valid_until(row.signing_at.date())
    assert ("兹再次证明" in await says(desk, row)) is (left == "2")
    assert (await desk.verifying.of_row(row)).verdict == "genuine"
    assert [one.state for one in await register(desk)] == [CertificateState.VALID]


async def test_nothing_is_issued_after_a_long_cut_until_the_counter_says_who_sits_there(
    desk: Desk, clock: SetClock
) -> None:
    case_id = await desk.ready_case()
    for kind, seconds in (("call.interrupted", 11), ("call.connected", 0)):
        await desk.note(case_id, kind)
        clock.advance(seconds=seconds)
    assert (await refused(desk.issue(case_id))).code == "person.unconfirmed"
    assert await register(desk) == []
    await desk.note(case_id, "person.confirmed")
    assert (await desk.issue(case_id)).state is CertificateState.VALID

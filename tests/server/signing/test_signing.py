from __future__ import annotations

import dataclasses
from datetime import date, timedelta

import pytest
from sqlalchemy import update

from server.calls.queries import end_call, find_sitting
from server.calls.rules import EndReason
from server.cases.models import Consent
from server.cases.record import Records
from server.cases.rules import CaseState, ConsentState
from server.certificates import queries
from server.certificates.facts import facts_context
from server.certificates.models import Certificate
from server.certificates.rules import CertificateState
from server.errors import ServiceError
from tests.support.database import SetClock
from tests.support.desk import AGENT, KIND, STRANGER, Desk
from tests.support.live_call import put_in_call


async def reserve(desk: Desk) -> Certificate:
    """A certificate that is reserved and not drawn yet."""
    case_id = await desk.ready_case()
    async with desk.units.database.reading() as session:
        draft = await desk.drafts.complete(session, await desk.case(case_id), KIND)
    key = desk.key(case_id, f"key-{case_id}")
    async with desk.units.open() as unit:
        made = await desk.issuing.reserve(unit, AGENT, case_id, KIND, key, draft=draft)
    return await find(desk, made.certificate_id)


async def find(desk: Desk, certificate_id: str) -> Certificate:
    async with desk.units.database.reading() as session:
        found = await queries.find_any(session, certificate_id)
    assert found is not None
    return found


async def forge(desk: Desk, row: Certificate, **values: object) -> None:
    """Write into the register what a service gone bad might."""
    async with desk.units.open() as unit:
        change = update(Certificate).where(Certificate.id == row.id).values(**values)
        await unit.session.execute(change)


async def refusal(desk: Desk, row: Certificate, attempt: int | None = None) -> str:
    """Why the signer does not sign."""
    with pytest.raises(ServiceError) as refused:
        await desk.signer.sign(row.id, row.attempt if attempt is None else attempt)
    return refused.value.code


async def test_what_is_reserved_and_borne_out_is_signed_and_nothing_is_written(desk: Desk) -> None:
    row = await reserve(desk)
    made = await desk.signer.sign(row.id, row.attempt)
    finding = await desk.drawing.examine(made.pdf, desk.units.clock())
    assert (finding.verdict, finding.number) == ("genuine", row.number)
    again = await desk.signer.sign(row.id, row.attempt)
    assert again == made
    kept = await find(desk, row.id)
    assert (kept.state, kept.sha256) == (CertificateState.RESERVED, None)


async def test_another_jurisdictions_clerk_is_refused(desk: Desk) -> None:
    row = await reserve(desk)
    await forge(desk, row, issued_by=STRANGER.id)
    desk.seats.add(STRANGER.id)
    assert await refusal(desk, row) == "case.unknown"


async def test_a_clerk_who_is_not_signed_in_is_refused(desk: Desk) -> None:
    row = await reserve(desk)
    desk.signed_in.discard(AGENT)
    assert await refusal(desk, row) == "login.missing"


async def test_a_case_without_a_live_seat_is_refused(desk: Desk) -> None:
    row = await reserve(desk)
    desk.seats.discard(AGENT.id)
    assert await refusal(desk, row) == "seat.missing"


async def test_a_closed_call_is_refused(desk: Desk) -> None:
    row = await reserve(desk)
    records = Records(desk.vault, find_sitting)
    signing = dataclasses.replace(desk.signer.signing, records=records)
    call_id = await put_in_call(desk, row.case_id)
    assert (await signing.sign(row.id, row.attempt)).pages == 1
    async with desk.units.open() as unit:
        assert await end_call(unit.session, call_id, EndReason.FINISHED, unit.now)
    with pytest.raises(ServiceError, match=r"seat\.missing"):
        await signing.sign(row.id, row.attempt)


async def test_a_case_that_went_back_is_refused(desk: Desk) -> None:
    row = await reserve(desk)
    await desk.move(row.case_id, CaseState.RETURNED)
    assert await refusal(desk, row) == "case.wrong_state"


async def test_a_replayed_place_is_refused(desk: Desk) -> None:
    _, row = await desk.certified_case()
    assert await refusal(desk, row) == "certificate.exists"
    await desk.revoke(row.id)
    assert await refusal(desk, row) == "certificate.exists"


async def test_a_place_beside_a_certificate_that_counts_is_refused(desk: Desk) -> None:
    _, valid = await desk.certified_case()
    row = await reserve(desk)
    await forge(desk, valid, case_id=row.case_id)
    assert await refusal(desk, row) == "certificate.not_released"


async def test_a_correction_of_what_counts_no_more_or_of_another_case_is_refused(
    desk: Desk,
) -> None:
    _, another = await desk.certified_case()
    row = await reserve(desk)
    await desk.move(row.case_id, CaseState.CERTIFIED)
    await forge(desk, row, supersedes=another.id)
    assert await refusal(desk, row) == "certificate.not_released"


async def test_a_place_that_there_is_not_is_refused(desk: Desk) -> None:
    with pytest.raises(ServiceError, match=r"certificate\.unknown"):
        await desk.signer.sign("0" * 32, 1)


@pytest.mark.parametrize("attempt", [0, 2])
async def test_a_place_that_was_taken_anew_is_refused(desk: Desk, attempt: int) -> None:
    assert await refusal(desk, await reserve(desk), attempt) == "certificate.not_released"


@pytest.mark.parametrize("later", [timedelta(hours=1), timedelta(days=1), timedelta(seconds=-1)])
async def test_nothing_is_dated_back_or_ahead(
    desk: Desk, clock: SetClock, later: timedelta
) -> None:
    row = await reserve(desk)
    clock.now += later
    assert await refusal(desk, row) == "certificate.not_released"


@pytest.mark.parametrize(
    "forged",
    [
        {"title": "无违法违规证明"},
        {"jurisdiction": "320509"},
        {"authority_id": "wujiang-hrss"},
        {"issuer": "吴江区人力资源和社会保障局"},
        {"issuer_code": "11320509MB0000001C"},
        {"number": "1.2.156.3005.2.1"},
        {"serial": 77},
        {"valid_until": date(2099, 1, 1)},
        {"demo": False},
    ],
    ids=lambda forged: next(iter(forged)),
)
async def test_a_register_that_says_other_than_the_record_is_refused(
    desk: Desk, forged: dict[str, object]
) -> None:
    row = await reserve(desk)
    await forge(desk, row, **forged)
    assert await refusal(desk, row) == "certificate.not_released"


async def test_facts_that_the_case_does_not_bear_out_are_refused(desk: Desk) -> None:
    row = await reserve(desk)
    case = await desk.case(row.case_id)
    key = desk.records.key_of(case)
    said = key.open(row.sealed_facts, facts_context(row.id))
    assert "18342.57" in said
    richer = key.seal(said.replace("18342.57", "98342.57"), facts_context(row.id))
    await forge(desk, row, sealed_facts=richer)
    assert await refusal(desk, row) == "certificate.not_released"


async def test_what_the_case_has_come_to_lack_is_refused(desk: Desk) -> None:
    row = await reserve(desk)
    async with desk.units.open() as unit:
        withdrawn = update(Consent).where(Consent.case_id == row.case_id)
        await unit.session.execute(withdrawn.values(state=ConsentState.REFUSED))
    assert await refusal(desk, row) == "consent.missing"


async def test_a_clerk_who_asks_too_often_is_refused(desk: Desk) -> None:
    row = await reserve(desk)
    for _ in range(60):
        assert await refusal(desk, row, 9) == "certificate.not_released"
    assert await refusal(desk, row) == "rate.exceeded"


async def test_an_authority_that_is_asked_for_too_often_is_refused(desk: Desk) -> None:
    row = await reserve(desk)
    counted = list[tuple[str, str]]()

    def admit(rate: str, about: str) -> None:
        counted.append((rate, about))

    await dataclasses.replace(desk.signer.signing, admit=admit).sign(row.id, row.attempt)
    assert counted == [("sign_as", AGENT.id), ("sign_for", "huoqiu-hrss")]


async def test_somebody_else_who_wants_the_same_takes_the_facts_anew(desk: Desk) -> None:
    row = await reserve(desk)
    await forge(desk, row, issued_by=STRANGER.id)
    issued = await desk.issue(row.case_id, "key-00002")
    assert (issued.number, issued.issued_by, issued.attempt) == (row.number, AGENT.id, 2)


async def test_the_same_command_takes_the_facts_anew_once_they_were_corrected(desk: Desk) -> None:
    row = await reserve(desk)
    await desk.write(AGENT, row.case_id, "balance", "99.00")
    issued = await desk.issue(row.case_id, f"key-{row.case_id}")
    assert (issued.number, issued.attempt) == (row.number, 2)


@pytest.mark.parametrize(("attempt", "code"), [(1, None), (2, "certificate.not_released")])
async def test_who_comes_second_is_told_what_the_first_released(
    desk: Desk, attempt: int, code: str | None
) -> None:
    """Of two commands on one place, the slower one finds it released when it asks for its page."""
    row = await reserve(desk)
    sign = desk.signer.sign

    async def released_meanwhile(certificate_id: str, asked: int) -> object:
        if asked == 1:
            desk.signer.sign = sign  # type: ignore[method-assign]
            await desk.issue(row.case_id, "key-00002")
            await forge(desk, row, attempt=attempt)
        return await sign(certificate_id, asked)

    desk.signer.sign = released_meanwhile  # type: ignore[method-assign, assignment]
    if code is None:
        issued = await desk.issue(row.case_id, f"key-{row.case_id}")
        assert (issued.id, issued.state) == (row.id, CertificateState.VALID)
    else:
        with pytest.raises(ServiceError, match=code.replace(".", r"\.")):
            await desk.issue(row.case_id, f"key-{row.case_id}")


async def test_a_reserved_certificate_of_an_authority_that_was_renamed_bears_the_new_name(
    desk: Desk,
) -> None:
    row = await reserve(desk)
    office = next(one for _, one in desk.catalogue.authorities if one.id == row.authority_id)
    object.__setattr__(office, "name", "霍邱县社会保障局（演示）")
    assert await refusal(desk, row) == "certificate.not_released"
    issued = await desk.issue(row.case_id, f"key-{row.case_id}")
    assert (issued.number, issued.issuer) == (row.number, "霍邱县社会保障局（演示）")

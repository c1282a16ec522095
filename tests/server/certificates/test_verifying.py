from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from server.certificates.messages import Verdict
from server.certificates.models import Certificate
from server.certificates.rules import CertificateState, VerdictKind
from server.certificates.seals import Seals
from server.db.unit import Unit
from tests.support.database import SetClock
from tests.support.desk import (
    APPLICANT,
    Desk,
    order_of,
    running_seals,
)


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seals]:
    """Somebody with a root, CAs and seals of the same names as ours."""
    with running_seals(tmp_path_factory.mktemp("stranger"), SetClock().now) as running:
        yield running


async def issued(desk: Desk) -> tuple[Certificate, bytes]:
    _, row = await desk.certified_case()
    return row, await desk.papers.content(row)


def says_nothing(verdict: Verdict) -> bool:
    """Whether an answer holds no more than its verdict."""
    said = verdict.model_dump(exclude={"verdict", "checked_at"})
    return set(said.values()) == {None}


async def test_an_issued_file_is_genuine_and_shows_the_fixed_fields(desk: Desk) -> None:
    row, content = await issued(desk)
    verdict = await desk.verifying.by_file(content)
    assert verdict == Verdict(
        verdict=VerdictKind.GENUINE,
        number=row.number,
        issuer="霍邱县人力资源和社会保障局（演示）",
        title="城乡居民养老保险个人账户余额证明",
        holder="张**",
        issued_on=row.signing_at.date(),
        valid_until=row.valid_until,
        demo=True,
        checked_at=desk.units.clock(),
    )


async def test_number_with_code_and_number_with_token_say_the_same(desk: Desk) -> None:
    row, content = await issued(desk)
    assert row.qr_token is not None
    by_file = await desk.verifying.by_file(content)
    typed = f" {row.check_code[:5].lower()}-{row.check_code[5:]}"
    assert await desk.verifying.by_code(row.number, typed) == by_file
    assert await desk.verifying.by_token(row.number, row.qr_token) == by_file


async def test_a_wrong_code_and_an_unknown_number_answer_the_same(desk: Desk) -> None:
    row, _ = await issued(desk)
    wrong = await desk.verifying.by_code(row.number, "2222222222")
    unknown = await desk.verifying.by_code(row.number[:-1] + "?", row.check_code)
    nobodys = await desk.verifying.by_code("nothing", "0000000000")
    assert wrong == unknown == nobodys
    assert wrong.verdict is VerdictKind.UNKNOWN
    assert says_nothing(wrong)


@pytest.mark.parametrize("token", ["", "AAAA", "0000000000"])
async def test_a_token_that_we_did_not_sign_is_unknown(desk: Desk, token: str) -> None:
    row, _ = await issued(desk)
    assert row.qr_token is not None
    for tried in (token, row.qr_token[:-1], row.qr_token + "A"):
        verdict = await desk.verifying.by_token(row.number, tried)
        assert verdict.verdict is VerdictKind.UNKNOWN
        assert says_nothing(verdict)


async def test_the_token_of_one_certificate_opens_no_other(desk: Desk) -> None:
    one, _ = await issued(desk)
    other, _ = await issued(desk)
    assert one.qr_token is not None
    verdict = await desk.verifying.by_token(other.number, one.qr_token)
    assert verdict.verdict is VerdictKind.UNKNOWN


async def test_a_file_with_changed_bytes_is_altered(desk: Desk) -> None:
    _, content = await issued(desk)
    for place in (len(content) // 3, len(content) // 2):
        changed = bytearray(content)
        changed[place] ^= 1
        verdict = await desk.verifying.by_file(bytes(changed))
        assert verdict.verdict in {VerdictKind.ALTERED, VerdictKind.UNREADABLE}
        assert says_nothing(verdict)


async def test_a_file_with_something_appended_is_altered(desk: Desk) -> None:
    _, content = await issued(desk)
    appended = content + b"\n% more\n"
    assert (await desk.verifying.by_file(appended)).verdict is VerdictKind.ALTERED


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"\x89PNG\r\n\x1a\n", b"%PDF-" * 100_000])
async def test_what_is_no_pdf_is_unreadable(desk: Desk, content: bytes) -> None:
    verdict = await desk.verifying.by_file(content)
    assert verdict.verdict is VerdictKind.UNREADABLE
    assert says_nothing(verdict)


async def test_a_strangers_seal_of_the_same_name_is_not_genuine(
    desk: Desk, stranger: Seals
) -> None:
    row, _ = await issued(desk)
    forged = await stranger.issue(order_of(row), desk.units.clock())
    verdict = await desk.verifying.by_file(forged.pdf)
    assert verdict.verdict is VerdictKind.UNKNOWN
    assert says_nothing(verdict)
    token = await desk.verifying.by_token(row.number, forged.token)
    assert token.verdict is VerdictKind.UNKNOWN


async def test_what_our_own_key_signed_but_nobody_released_is_unknown(desk: Desk) -> None:
    row, _ = await issued(desk)
    drawn = await desk.seals.issue(order_of(row), desk.units.clock())
    assert drawn.sha256 != row.sha256
    verdict = await desk.verifying.by_file(drawn.pdf)
    assert verdict.verdict is VerdictKind.UNKNOWN
    assert says_nothing(verdict)


async def test_a_file_in_the_register_that_a_stranger_signed_is_not_genuine(
    desk: Desk, stranger: Seals
) -> None:
    """Whoever writes into the register has not got the key."""
    row, _ = await issued(desk)
    forged = await stranger.issue(order_of(row), desk.units.clock())

    async def overwrite(unit: Unit) -> None:
        kept = await unit.session.get_one(Certificate, row.id)
        kept.sha256 = forged.sha256

    async with desk.units.open() as unit:
        await overwrite(unit)
    assert (await desk.verifying.by_file(forged.pdf)).verdict is VerdictKind.UNKNOWN


async def test_a_revoked_certificate_says_so_by_every_way(desk: Desk) -> None:
    row, content = await issued(desk)
    assert row.qr_token is not None
    await desk.revoke(row.id)
    for verdict in (
        await desk.verifying.by_file(content),
        await desk.verifying.by_code(row.number, row.check_code),
        await desk.verifying.by_token(row.number, row.qr_token),
    ):
        assert verdict.verdict is VerdictKind.REVOKED
        assert verdict.number == row.number


async def test_a_superseded_certificate_says_so(desk: Desk) -> None:
    row, content = await issued(desk)
    async with desk.units.open() as unit:
        kept = await unit.session.get_one(Certificate, row.id)
        kept.state = CertificateState.SUPERSEDED
    assert (await desk.verifying.by_file(content)).verdict is VerdictKind.SUPERSEDED


@pytest.mark.usefixtures("lists_as_before")
async def test_a_certificate_counts_to_the_end_of_its_last_day_in_china(
    desk: Desk, clock: SetClock
) -> None:
    row, content = await issued(desk)
    assert row.valid_until is not None
    # 23:59 and 00:01 in China.
    clock.now = clock.now.replace(
        year=row.valid_until.year, month=row.valid_until.month, day=row.valid_until.day,
        hour=15, minute=59,
    )  # fmt: skip
    await desk.seals.renew(clock.now)
    assert (await desk.verifying.by_file(content)).verdict is VerdictKind.GENUINE
    clock.advance(minutes=2)
    assert (await desk.verifying.by_file(content)).verdict is VerdictKind.EXPIRED
    by_code = await desk.verifying.by_code(row.number, row.check_code)
    assert by_code.verdict is VerdictKind.EXPIRED


@pytest.mark.usefixtures("lists_as_before")
async def test_with_a_stale_trust_list_nothing_is_genuine_until_it_is_renewed(
    desk: Desk, clock: SetClock
) -> None:
    row, content = await issued(desk)
    clock.advance(days=8)
    stale = await desk.verifying.by_file(content)
    assert stale.verdict is VerdictKind.CANNOT_TELL
    await desk.seals.renew(clock.now)
    assert (await desk.verifying.by_file(content)).verdict is VerdictKind.GENUINE
    assert row.valid_until is not None
    assert clock.now.date() < row.valid_until - timedelta(days=1)


async def test_a_kept_file_that_was_changed_on_disk_is_altered(desk: Desk, tmp_path: Path) -> None:
    row, content = await issued(desk)
    path = tmp_path / "files" / "certificates" / row.id / f"{row.sha256}.pdf"
    path.write_bytes(content[:-1])
    assert (await desk.verifying.of_row(row)).verdict is VerdictKind.ALTERED
    path.unlink()
    assert (await desk.verifying.of_row(row)).verdict is VerdictKind.CANNOT_TELL


async def test_after_the_key_is_destroyed_the_holder_is_no_longer_named(desk: Desk) -> None:
    row, content = await issued(desk)
    async with desk.units.open() as unit:
        entry = await desk.records.begin_as_service(unit, row.case_id)
        entry.case.wrapped_key = ""
    verdict = await desk.verifying.by_file(content)
    assert (verdict.verdict, verdict.holder) == (VerdictKind.GENUINE, None)


async def test_no_public_answer_holds_a_personal_value(desk: Desk) -> None:
    row, content = await issued(desk)
    assert row.qr_token is not None
    for verdict in (
        await desk.verifying.by_file(content),
        await desk.verifying.by_code(row.number, row.check_code),
        await desk.verifying.by_token(row.number, row.qr_token),
        await desk.verifying.by_code(row.number, "wrong"),
        await desk.verifying.by_file(content + b" "),
    ):
        text = json.dumps(verdict.model_dump(mode="json"), ensure_ascii=False)
        for value in (*APPLICANT.values(), "18342.57", "6222000000000000000"):
            assert value not in text

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from server.certificates.rules import (
    CertificateState,
    VerdictKind,
    clean_code,
    clean_number,
    identity_checked,
    may_resume,
    require_valid,
    serial_text,
    standing,
)
from server.errors import ServiceError

TODAY = date(2026, 11, 22)
NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def test_a_serial_is_the_year_and_seven_digits() -> None:
    assert serial_text(2026, 17) == "20260000017"


@pytest.mark.parametrize("serial", [0, -1, 10_000_000])
def test_a_serial_that_does_not_fit_is_a_fault(serial: int) -> None:
    with pytest.raises(ValueError, match="seven digits"):
        serial_text(2026, serial)


def test_numbers_and_codes_are_read_as_people_type_them() -> None:
    assert clean_number(" 1.2.156 .3005。2".replace("。", ".")) == "1.2.156.3005.2"
    assert clean_number("１．２．１５６ａ") == "1.2.156A"
    assert clean_code("abcd-2345 67") == "ABCD234567"


@pytest.mark.parametrize(
    ("state", "valid_until", "verdict"),
    [
        (CertificateState.VALID, TODAY, VerdictKind.GENUINE),
        (CertificateState.VALID, None, VerdictKind.GENUINE),
        (CertificateState.VALID, TODAY - timedelta(days=1), VerdictKind.EXPIRED),
        (CertificateState.REVOKED, TODAY, VerdictKind.REVOKED),
        (CertificateState.REVOKED, TODAY - timedelta(days=1), VerdictKind.REVOKED),
        (CertificateState.SUPERSEDED, TODAY, VerdictKind.SUPERSEDED),
        (CertificateState.RESERVED, TODAY, VerdictKind.UNKNOWN),
    ],
)
def test_the_register_says_how_a_certificate_stands(
    state: CertificateState, valid_until: date | None, verdict: VerdictKind
) -> None:
    assert standing(state, valid_until, TODAY) is verdict


EARLIER = NOON - timedelta(seconds=1)


@pytest.mark.parametrize(
    ("results", "checked"),
    [
        ([], False),
        ([(NOON, True)], True),
        ([(NOON, False)], False),
        ([(EARLIER, False), (NOON, True)], True),
        ([(EARLIER, True), (NOON, False)], False),
        ([(NOON, False), (EARLIER, True)], False),
        ([(NOON, True), (NOON, False)], False),
        ([(NOON, False), (NOON, True)], False),
    ],
)
def test_the_last_identity_check_counts(
    results: list[tuple[datetime, bool]], *, checked: bool
) -> None:
    assert identity_checked(results) is checked


@pytest.mark.parametrize(
    ("reserved", "now", "resumes"),
    [
        (NOON, NOON, True),
        (NOON, NOON + timedelta(minutes=59), True),
        (NOON, NOON + timedelta(hours=1), False),
        (NOON, NOON - timedelta(seconds=1), False),
        # 23:59 and 00:01 in China.
        (NOON + timedelta(hours=11, minutes=59), NOON + timedelta(hours=12, minutes=1), False),
    ],
)
def test_a_reserved_certificate_is_not_dated_back(
    reserved: datetime, now: datetime, *, resumes: bool
) -> None:
    assert may_resume(reserved, now) is resumes


def test_only_a_valid_certificate_can_be_relied_on() -> None:
    require_valid(CertificateState.VALID)
    for state, code in (
        (CertificateState.REVOKED, "certificate.revoked"),
        (CertificateState.SUPERSEDED, "certificate.revoked"),
        (CertificateState.RESERVED, "certificate.unknown"),
    ):
        with pytest.raises(ServiceError) as refusal:
            require_valid(state)
        assert refusal.value.code == code

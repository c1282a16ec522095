from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from docs_gen import qr, statuslist
from docs_gen.qrkeys import load_qr_key, qr_key_id
from docs_gen.standing import Reason, Standing, judge_code
from docs_gen.statuslist import Status
from docs_gen.trustlist import TrustList
from docs_gen.verifying import Verdict
from tests.support.office import ISSUERS, NOW, PASSPHRASE, Office

ISSUER = ISSUERS["pension-balance"].code
SERIAL = 17  # Of the office's facts.
LATER = NOW + timedelta(days=1)


@pytest.fixture
def key(office: Office) -> Ed25519PrivateKey:
    return load_qr_key(office.folder, PASSPHRASE)


Listed = Callable[..., bytes]


@pytest.fixture
def listed(key: Ed25519PrivateKey) -> Listed:
    """Makes a signed status list that says this of the office's certificate."""

    def made(
        status: Status = Status.VALID, *, at: datetime = LATER, issuer: str = ISSUER,
        by: Ed25519PrivateKey = key, version: int = 5,
    ) -> bytes:  # fmt: skip
        one = statuslist.make(issuer, 2026, version, at, [(SERIAL, status), (99, Status.VALID)])
        return statuslist.encode(one, by, qr_key_id(key.public_key()))

    return made


@pytest.fixture
def code(office: Office) -> str:
    """The address in the QR code of the office's certificate."""
    return office.facts().qr_url


@pytest.fixture
def trust(office: Office) -> TrustList:
    return replace(office.trust, issued_at=NOW, expires_at=NOW + timedelta(days=7))


@pytest.fixture
def judge(code: str, trust: TrustList) -> Callable[[bytes], Standing]:
    """Judges the office's certificate by a status list."""
    return lambda raw: judge_code(code, trust, raw, LATER)


def said(found: Standing) -> tuple[Verdict, Reason]:
    return found.verdict, found.reason


def test_a_code_that_we_signed_and_a_list_that_calls_it_valid_are_genuine(
    code: str, trust: TrustList, listed: Listed
) -> None:
    found = judge_code(code, trust, listed(), LATER)
    assert said(found) == (Verdict.GENUINE, Reason.LISTED)
    assert found.claim is not None
    assert (found.claim.holder, found.claim.issuer) == ("张*", ISSUERS["pension-balance"].name)
    token = code.partition("#")[2]
    assert judge_code(token, trust, listed(), LATER) == found


@pytest.mark.parametrize(
    ("status", "verdict", "reason"),
    [
        (Status.REVOKED, Verdict.REVOKED, Reason.REVOKED),
        (Status.SUPERSEDED, Verdict.SUPERSEDED, Reason.SUPERSEDED),
        (Status.NOT_ISSUED, Verdict.UNKNOWN, Reason.NOT_ISSUED),
    ],
)
def test_what_the_list_says_counts(
    status: Status, verdict: Verdict, reason: Reason, judge: Callable[[bytes], Standing],
    listed: Listed,
) -> None:  # fmt: skip
    assert said(judge(listed(status))) == (verdict, reason)


def test_without_a_list_that_counts_nothing_can_be_told(
    code: str, trust: TrustList, listed: Listed
) -> None:
    stranger = Ed25519PrivateKey.generate()
    lists = {
        Reason.NO_STATUS_LIST: None,
        Reason.STATUS_TOO_OLD: listed(at=LATER - timedelta(days=8)),
        Reason.STATUS_OF_OTHERS: listed(issuer=ISSUERS["no-violations"].code),
        Reason.STATUS_NOT_OURS: listed(by=stranger),
    }
    for reason, raw in lists.items():
        assert said(judge_code(code, trust, raw, LATER)) == (Verdict.CANNOT_TELL, reason)
    for raw in (b"", b"\x00" * 40, listed()[:-1]):
        assert judge_code(code, trust, raw, LATER).verdict is Verdict.CANNOT_TELL


def test_a_list_older_than_one_that_was_seen_is_not_believed(
    code: str, trust: TrustList, listed: Listed
) -> None:
    found = judge_code(code, trust, listed(version=5), LATER, at_least=6)
    assert said(found) == (Verdict.CANNOT_TELL, Reason.STATUS_TOO_OLD)


def test_a_certificate_of_the_lists_own_day_may_be_newer_than_the_list(
    code: str, trust: TrustList, listed: Listed
) -> None:
    same_day = NOW - timedelta(hours=9)
    found = judge_code(code, trust, listed(Status.NOT_ISSUED, at=same_day), NOW)
    assert said(found) == (Verdict.CANNOT_TELL, Reason.ISSUED_SINCE)


def test_a_trust_list_past_its_time_finds_nothing_genuine_and_nothing_unknown(
    code: str, trust: TrustList, listed: Listed
) -> None:
    later = NOW + timedelta(days=7)
    for text in (code, code[:-1]):
        found = judge_code(text, trust, listed(at=later), later)
        assert said(found) == (Verdict.CANNOT_TELL, Reason.TRUST_TOO_OLD)


def test_after_its_last_day_a_certificate_is_expired(
    office: Office, key: Ed25519PrivateKey, trust: TrustList, listed: Listed
) -> None:
    number = office.facts().number
    claim = qr.Claim(number, "x", "张*", "y", date(2026, 10, 1), date(2026, 11, 22))
    code = qr.encode(claim, key, qr_key_id(key.public_key()))
    found = judge_code(code, trust, listed(), LATER)
    assert said(found) == (Verdict.EXPIRED, Reason.PAST_LAST_DAY)
    assert judge_code(code, trust, listed(Status.REVOKED), LATER).verdict is Verdict.REVOKED


@pytest.mark.parametrize("number", ["", "1.2", "x" * 40])
def test_no_list_knows_what_is_no_number_though_our_key_signed_it(
    number: str, key: Ed25519PrivateKey, trust: TrustList, listed: Listed
) -> None:
    claim = qr.Claim(number, "x", "张*", "y", date(2026, 10, 1), date(2027, 11, 22))
    code = qr.encode(claim, key, qr_key_id(key.public_key()))
    found = judge_code(code.rpartition("#")[2], trust, listed(), LATER)
    assert said(found) == (Verdict.CANNOT_TELL, Reason.STATUS_OF_OTHERS)


@pytest.mark.parametrize("change", ["token", "signer", "nothing"])
def test_what_no_listed_key_signed_is_unknown(
    change: str, office: Office, trust: TrustList, listed: Listed
) -> None:
    code = office.facts().qr_url
    altered = code[:-2] + ("A" if code[-2] != "A" else "B") + code[-1]
    changed = {"token": altered, "signer": code, "nothing": ""}[change]
    keys = trust if change != "signer" else replace(trust, qr_keys=())
    found = judge_code(changed, keys, listed(), LATER)
    assert said(found) == (Verdict.UNKNOWN, Reason.NOT_SIGNED)


def test_an_address_that_names_another_number_is_altered(
    code: str, trust: TrustList, listed: Listed
) -> None:
    found = judge_code(code.replace("/v/1.", "/v/9."), trust, listed(), LATER)
    assert said(found) == (Verdict.ALTERED, Reason.OTHER_NUMBER)

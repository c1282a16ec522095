"""Certificates with their time proved, by a real authority on loopback."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import cms
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore

from docs_gen import cades
from docs_gen.clocks import Clocks
from docs_gen.keyfiles import KeyFolderError, open_pkcs12
from docs_gen.signing import Issued, issue
from docs_gen.timestamps import Source, stamp
from docs_gen.trust import TrustList, renew_crls, revoke_seal
from docs_gen.validation import certificate
from docs_gen.verifying import Finding, Verdict, verify
from tests.support.office import PASSPHRASE, TEMPLATES, Office, open_office
from tests.support.signatures import cms_of
from tests.support.signatures import with_signature as replaced
from tests.support.tsa import Tsa, run_tsa
from tests.support.validators import say

KIND = "pension-balance"
# The authority's clock is this machine's, so what it stamps is of today.
NOW = datetime.now(UTC).replace(microsecond=0)
# Later than that by more than a whole run of all tests takes.
SOON = NOW + timedelta(hours=1)
SEAL_ENDED = NOW + timedelta(days=2000)


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tsa]:
    with run_tsa(tmp_path_factory.mktemp("tsa") / "authority", NOW) as running:
        yield running


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return open_office(tmp_path_factory.mktemp("office"), NOW)


def trusting(office: Office, clocks: Clocks) -> TrustList:
    return dataclasses.replace(office.trust, clocks=clocks)


def issued(office: Office, *urls: str, clocks: Clocks, **changed: str) -> Issued:
    facts = dataclasses.replace(office.facts(KIND, **changed), signing_time=NOW)
    source = Source(urls, trusting(office, clocks), seconds=60) if urls else None
    return asyncio.run(issue(facts, TEMPLATES[KIND], office.key(KIND), source=source))


@pytest.fixture(scope="module")
def stamped(office: Office, tsa: Tsa) -> Issued:
    return issued(office, tsa.url, clocks=tsa.clocks(NOW))


def judged(
    content: bytes, office: Office, clocks: Clocks, now: datetime, token: bytes | None = None
) -> Finding:
    return asyncio.run(verify(content, trusting(office, clocks), now, token=token))


def signature_of(content: bytes) -> tuple[cms.ContentInfo, int, int]:
    start = content.index(b"/Contents <") + len(b"/Contents <")
    end = content.index(b">", start)
    return cms.ContentInfo.load(bytes.fromhex(content[start:end].decode())), start, end


def with_signature(content: bytes, signed: cms.ContentInfo) -> bytes:
    _, start, end = signature_of(content)
    text = signed.dump().hex().upper().encode()
    assert text != content[start : start + len(text)]
    return content[:start] + text.ljust(end - start, b"0") + content[end:]


def test_a_stamped_certificate_is_genuine_and_says_when_it_was_signed(
    office: Office, tsa: Tsa, stamped: Issued
) -> None:
    found = judged(stamped.pdf, office, tsa.clocks(NOW), SOON)
    assert found.verdict is Verdict.GENUINE
    assert found.stamped_at == stamped.stamped_at is not None
    assert NOW <= stamped.stamped_at <= datetime.now(UTC)
    assert stamped.sha256 == found.sha256
    assert stamped.unstamped is None


def test_other_validators_find_it_sound_too(
    office: Office, stamped: Issued, tmp_path: Path
) -> None:
    assert all(say(tmp_path, stamped.pdf, office.trust, SOON).values())


async def test_the_file_brings_along_what_its_signature_and_stamp_are_judged_by(
    office: Office, tsa: Tsa, stamped: Issued
) -> None:
    reader = PdfFileReader(io.BytesIO(stamped.pdf))
    store = DocumentSecurityStore.read_dss(reader)
    roots = map(certificate, (*office.trust.roots, *tsa.clocks(NOW).certificates))
    judged_by = store.as_validation_context(
        {
            "trust_roots": list(roots),
            "allow_fetching": False,
            "revocation_mode": "require",
            "moment": stamped.stamped_at,
            "time_tolerance": timedelta(minutes=10),
        }
    )
    [signature] = reader.embedded_signatures
    found = await async_validate_pdf_signature(signature, judged_by)
    assert found.bottom_line
    assert found.timestamp_validity is not None
    assert found.timestamp_validity.timestamp == stamped.stamped_at


def test_it_stays_genuine_when_its_seals_certificate_has_ended(
    office: Office, tsa: Tsa, stamped: Issued, tmp_path: Path
) -> None:
    old = office.copy(tmp_path / "old")
    renew_crls(old.folder, SEAL_ENDED, PASSPHRASE)
    clocks = tsa.clocks(SEAL_ENDED)
    plain = issued(office, clocks=tsa.clocks(NOW))
    assert judged(plain.pdf, old, clocks, SEAL_ENDED).verdict is Verdict.CANNOT_TELL
    found = judged(stamped.pdf, old, clocks, SEAL_ENDED)
    assert found.verdict is Verdict.GENUINE
    assert found.stamped_at == stamped.stamped_at
    # Without the clocks nothing shows when it was signed; with a list of long ago, nothing at all.
    assert judged(stamped.pdf, old, Clocks(), SEAL_ENDED).verdict is Verdict.CANNOT_TELL
    assert judged(stamped.pdf, office, clocks, SEAL_ENDED).verdict is Verdict.CANNOT_TELL


@pytest.mark.parametrize("since", [timedelta(hours=2), timedelta(hours=-1)])
def test_a_revocation_counts_for_what_was_stamped_after_it(
    since: timedelta, office: Office, tsa: Tsa, stamped: Issued, tmp_path: Path
) -> None:
    verdict = Verdict.GENUINE if since > timedelta(0) else Verdict.REVOKED
    mine = office.copy(tmp_path / "mine")
    later = NOW + timedelta(hours=3)
    revoke_seal(mine.folder, KIND, NOW + since, PASSPHRASE)
    renew_crls(mine.folder, later, PASSPHRASE)
    assert judged(stamped.pdf, mine, tsa.clocks(later), later).verdict is verdict
    plain = issued(office, clocks=tsa.clocks(NOW))
    assert judged(plain.pdf, mine, tsa.clocks(later), later).verdict is Verdict.REVOKED


def test_a_key_that_was_stolen_before_it_was_revoked_counts_only_until_then(
    office: Office, tsa: Tsa, stamped: Issued, tmp_path: Path
) -> None:
    mine = office.copy(tmp_path / "mine")
    later = NOW + timedelta(hours=3)

    def found(since: timedelta) -> Verdict:
        revoke_seal(mine.folder, KIND, later, PASSPHRASE, seal.serial_number, since=NOW + since)
        return judged(stamped.pdf, mine, tsa.clocks(later), later).verdict

    seal = open_pkcs12(mine.folder / "seals" / f"{KIND}.p12", PASSPHRASE.encode())[0].certificate
    assert found(timedelta(hours=2)) is Verdict.GENUINE
    assert found(timedelta(hours=-1)) is Verdict.REVOKED
    assert found(timedelta(hours=1)) is Verdict.REVOKED, "once known, it is not taken back"
    with pytest.raises(KeyFolderError, match="expected a time that has been"):
        found(timedelta(hours=4))


def test_where_the_clock_is_unknown_it_is_judged_as_of_now(office: Office, stamped: Issued) -> None:
    found = judged(stamped.pdf, office, Clocks(), SOON)
    assert found.verdict is Verdict.GENUINE
    assert found.stamped_at is None


def test_where_no_authority_answers_it_is_signed_as_without_one(office: Office, tsa: Tsa) -> None:
    clocks = tsa.clocks(NOW)
    made = issued(office, "http://127.0.0.1:9/", clocks=clocks)
    assert made.stamped_at is None
    assert "http://127.0.0.1:9/" in (made.unstamped or "")
    plain = issued(office, clocks=clocks)
    assert made.pdf == plain.pdf
    assert plain.unstamped is None
    assert judged(made.pdf, office, clocks, SOON).stamped_at is None


def test_another_certificates_stamp_is_altered(office: Office, tsa: Tsa, stamped: Issued) -> None:
    other = issued(office, tsa.url, clocks=tsa.clocks(NOW), applicant_name="李四")
    mine, theirs = signature_of(stamped.pdf)[0], signature_of(other.pdf)[0]
    of_mine = mine["content"]["signer_infos"][0]
    of_mine["unsigned_attrs"] = theirs["content"]["signer_infos"][0]["unsigned_attrs"]
    changed = with_signature(stamped.pdf, mine)
    assert judged(changed, office, tsa.clocks(NOW), SOON).verdict is Verdict.ALTERED


def test_a_second_stamp_or_something_beside_it_is_altered(
    office: Office, tsa: Tsa, stamped: Issued
) -> None:
    for kind in ("signature_time_stamp_token", "content_type"):
        signed = signature_of(stamped.pdf)[0]
        beside = signed["content"]["signer_infos"][0]["unsigned_attrs"]
        values = beside[0]["values"] if kind == "signature_time_stamp_token" else ["data"]
        beside.append(cms.CMSAttribute({"type": kind, "values": values}))
        changed = with_signature(stamped.pdf, signed)
        assert judged(changed, office, tsa.clocks(NOW), SOON).verdict is Verdict.ALTERED


def test_a_stamped_certificate_without_its_stamp_is_altered(
    office: Office, tsa: Tsa, stamped: Issued
) -> None:
    signed = signature_of(stamped.pdf)[0]
    told = signed["content"]["signer_infos"][0]
    del told["unsigned_attrs"]
    changed = with_signature(stamped.pdf, signed)
    assert judged(changed, office, tsa.clocks(NOW), SOON).verdict is Verdict.ALTERED


# The same algorithm, written in the other way that there is.
SHA256_WITHOUT_NULL = bytes.fromhex("300b0609608648016503040201")
PARTS = ("version", "digest_algorithms", "encap_content_info", "certificates", "signer_infos")
TOLD = (
    "version", "sid", "digest_algorithm", "signed_attrs", "signature_algorithm", "signature",
)  # fmt: skip


def put_into(content: bytes, change: Callable[[cms.SignedData], dict[str, object]]) -> bytes:
    """A stamped certificate with other parts in its stamp: nothing that a signature covers."""
    whole = cms_of(content)["content"]
    [told] = whole["signer_infos"]
    stamp = cms.ContentInfo.load(cades.token_of(told))["content"]
    parts = {**{name: stamp[name] for name in PARTS}, **change(stamp)}
    token = cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(parts)})
    written = cades.whole(
        told["sid"].dump(),
        [one.dump() for one in whole["certificates"]],
        told["signed_attrs"].untag().dump(),
        told["signature"].native,
        token.dump(),
    )
    return replaced(content, written)


def retold(stamp: cms.SignedData, **other: object) -> dict[str, object]:
    [told] = stamp["signer_infos"]
    info = cms.SignerInfo({**{name: told[name] for name in TOLD}, **other})
    return {"signer_infos": [info]}


def test_a_stamp_that_something_was_put_into_is_altered(
    office: Office, tsa: Tsa, stamped: Issued
) -> None:
    more = [cms.CMSAttribute({"type": "content_type", "values": ["data"]})]
    ours = asn1_x509.Certificate.load(office.trust.roots[0])
    spelt = cms.DigestAlgorithm.load(SHA256_WITHOUT_NULL)
    assert put_into(stamped.pdf, lambda _: {}) == stamped.pdf
    changes: list[Callable[[cms.SignedData], dict[str, object]]] = [
        lambda stamp: retold(stamp, unsigned_attrs=more),
        lambda stamp: retold(stamp, digest_algorithm=spelt),
        lambda _: {"version": "v4"},
        lambda stamp: {"digest_algorithms": [*stamp["digest_algorithms"], {"algorithm": "sha512"}]},
        lambda stamp: {"certificates": [*stamp["certificates"], ours]},
    ]
    for change in changes:
        found = judged(put_into(stamped.pdf, change), office, tsa.clocks(NOW), SOON)
        assert found.verdict is Verdict.ALTERED


def test_a_stamp_that_is_kept_apart_proves_the_time_of_the_whole_file(
    office: Office, tsa: Tsa, tmp_path: Path
) -> None:
    plain = issued(office, clocks=Clocks()).pdf
    source = Source((tsa.url,), trusting(office, tsa.clocks(NOW)), seconds=60)
    token = asyncio.run(stamp(hashlib.sha256(plain).digest(), NOW, source))
    old = office.copy(tmp_path / "old")
    renew_crls(old.folder, SEAL_ENDED, PASSPHRASE)
    clocks = tsa.clocks(SEAL_ENDED)
    found = judged(plain, old, clocks, SEAL_ENDED, token.content)
    assert found.verdict is Verdict.GENUINE
    assert found.stamped_at == token.at
    of_another = asyncio.run(stamp(bytes(32), NOW, source)).content
    assert judged(plain, old, clocks, SEAL_ENDED, of_another).verdict is Verdict.CANNOT_TELL
    assert judged(plain, office, tsa.clocks(NOW), SOON, of_another).stamped_at is None


def test_clocks_are_part_of_the_trust_list(office: Office, tsa: Tsa, tmp_path: Path) -> None:
    mine = office.copy(tmp_path / "mine")
    clocks = tsa.clocks(NOW)
    (mine.folder / "clocks").mkdir()
    (mine.folder / "clocks" / "tsa.cer").write_bytes(clocks.certificates[0])
    (mine.folder / "clocks" / "tsa.crl").write_bytes(clocks.crls[0])
    renew_crls(mine.folder, NOW, PASSPHRASE)
    assert mine.trust.clocks == clocks
    assert office.trust.clocks == Clocks()

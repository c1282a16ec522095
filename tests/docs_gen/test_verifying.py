from __future__ import annotations

import asyncio
import dataclasses
import io
import json
import logging
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import cms
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils.generic import DictionaryObject, NameObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pypdf import PdfReader, PdfWriter

from docs_gen import verifying
from docs_gen.ca import make_ca, make_crl, make_seal
from docs_gen.cades import Envelope
from docs_gen.keyfiles import DER, open_pkcs12
from docs_gen.press import draw, preview
from docs_gen.sealkeys import SealKey
from docs_gen.signing import sign
from docs_gen.trust import renew_crls, revoke_seal
from docs_gen.validation import context
from docs_gen.verifying import MAX_BYTES, Verdict, verify
from tests.support.office import ISSUERS, NOW, PASSPHRASE, TEMPLATES, Office, open_office
from tests.support.signatures import cms_of, place_of, with_signature
from tests.support.updates import Update

KIND = "pension-balance"


def test_a_certificate_is_genuine_and_says_whose_it_is(office: Office, issued: bytes) -> None:
    found = office.judge(issued)
    assert found.verdict is Verdict.GENUINE
    assert found.number == office.facts().number
    assert found.signer == "霍邱县人力资源和社会保障局（演示）"
    assert found.signed_at == NOW
    assert found.valid_until == TEMPLATES[KIND].valid_until(office.facts().issued_on)
    assert found.demo


@pytest.mark.parametrize("kind", sorted(TEMPLATES))
def test_every_kind_is_genuine(kind: str, office: Office) -> None:
    assert office.judge(office.issue(kind)).verdict is Verdict.GENUINE


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_changed_byte_is_never_genuine(
    office: Office, issued: bytes, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(issued) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != issued[at]))
    found = office.judge(issued[:at] + bytes([other]) + issued[at + 1 :])
    assert found.verdict in {Verdict.ALTERED, Verdict.UNREADABLE}


def test_a_changed_fact_is_altered(office: Office, issued: bytes) -> None:
    start, end = place_of(issued)
    at = issued.index(b"endstream") - 40
    assert not start <= at < end
    changed = issued[:at] + bytes([issued[at] ^ 1]) + issued[at + 1 :]
    assert office.judge(changed).verdict is Verdict.ALTERED


@pytest.fixture
def roomy(office: Office, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A certificate with room left in its signature's place."""
    monkeypatch.setattr(Envelope, "room", 4096)
    return office.issue()


def test_bytes_in_the_unused_place_of_the_signature_are_altered(
    office: Office, roomy: bytes
) -> None:
    _, end = place_of(roomy)
    for changed in (
        roomy[: end - 3] + b"41" + roomy[end - 1 :],
        roomy[: end - 2] + b" " + roomy[end - 1 :],
    ):
        assert office.judge(changed).verdict is Verdict.ALTERED


def test_another_spelling_of_the_signature_is_altered(office: Office, issued: bytes) -> None:
    start, end = place_of(issued)
    changed = issued[:start] + issued[start:end].lower() + issued[end:]
    assert office.judge(changed).verdict is Verdict.ALTERED


def test_a_further_certificate_or_attribute_beside_the_signature_is_altered(
    office: Office, roomy: bytes, tmp_path: Path
) -> None:
    signed = cms_of(roomy)
    foreign = open_office(tmp_path / "foreign").trust.roots[0]
    choice = cms.CertificateChoices({"certificate": cms.Certificate.load(foreign)})
    signed["content"]["certificates"].append(choice)
    assert office.judge(with_signature(roomy, signed.dump(force=True))).verdict is Verdict.ALTERED
    signed = cms_of(roomy)
    attribute = cms.CMSAttribute({"type": "content_type", "values": ["data"]})
    signed["content"]["signer_infos"][0]["unsigned_attrs"] = [attribute]
    assert office.judge(with_signature(roomy, signed.dump(force=True))).verdict is Verdict.ALTERED
    same = cms_of(roomy).dump(force=True)
    assert office.judge(with_signature(roomy, same)).verdict is Verdict.GENUINE


def test_a_signature_comes_with_the_cas_above_it_and_no_other(office: Office, roomy: bytes) -> None:
    signed = cms_of(roomy)
    brought = signed["content"]["certificates"]
    cas = office.trust.intermediates
    [at] = [i for i, one in enumerate(brought) if one.chosen.dump() in cas]
    [other] = set(cas) - {brought[at].chosen.dump()}
    brought[at] = cms.CertificateChoices({"certificate": cms.Certificate.load(other)})
    assert office.judge(with_signature(roomy, signed.dump(force=True))).verdict is Verdict.ALTERED
    del brought[at]
    assert office.judge(with_signature(roomy, signed.dump(force=True))).verdict is Verdict.ALTERED


def test_the_parts_of_a_signature_that_it_does_not_cover_cannot_be_changed(
    office: Office, roomy: bytes
) -> None:
    signed = cms_of(roomy)
    signed["content"]["digest_algorithms"].append({"algorithm": "sha512"})
    assert office.judge(with_signature(roomy, signed.dump(force=True))).verdict is Verdict.ALTERED
    signed = cms_of(roomy)
    signed["content"]["version"] = "v3"
    assert office.judge(with_signature(roomy, signed.dump(force=True))).verdict is Verdict.ALTERED


def test_a_changed_number_is_altered(office: Office, issued: bytes) -> None:
    at = issued.index(b"/Subject (1") + len(b"/Subject (")
    assert office.judge(issued[:at] + b"7" + issued[at + 1 :]).verdict is Verdict.ALTERED


@pytest.mark.parametrize("more", [b"\n", b"%% nothing\n", b"\x00" * 100])
def test_something_appended_is_altered(more: bytes, office: Office, issued: bytes) -> None:
    assert office.judge(issued + more).verdict is Verdict.ALTERED


def test_an_incremental_update_is_altered(office: Office, issued: bytes) -> None:
    writer = IncrementalPdfFileWriter(io.BytesIO(issued))
    writer.root[NameObject("/Later")] = DictionaryObject()
    writer.update_root()
    output = io.BytesIO()
    writer.write(output)
    assert office.judge(output.getvalue()).verdict is Verdict.ALTERED


def test_an_update_that_the_signatures_own_length_makes_up_for_is_altered(
    office: Office, issued: bytes
) -> None:
    """pyHanko 0.38 calls such a file covered: it adds up lengths, wherever what it read stands."""
    update = Update(issued)
    update.change(update.page, Contents=b"null")
    forged = update.uncounted()
    assert len(forged) > len(issued)
    assert office.judge(forged).verdict is Verdict.ALTERED


def test_what_is_wrong_with_a_strange_file_goes_to_no_log(
    office: Office, issued: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever uploads files would fill it, and with words of his own."""
    heard = io.StringIO()
    monkeypatch.setattr(logging.getLogger(), "handlers", [logging.StreamHandler(heard)])
    update = Update(issued)
    update.change(update.page, Contents=b"null")
    assert office.judge(update.written()).verdict is Verdict.ALTERED
    assert heard.getvalue() == ""


def test_what_pyhanko_writes_with_our_key_is_genuine_too(office: Office) -> None:
    """Certificates were issued so before they were written in one piece."""
    facts = office.facts()
    metadata = signers.PdfSignatureMetadata(
        field_name="Seal", md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES, certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
    )  # fmt: skip
    page = IncrementalPdfFileWriter(io.BytesIO(draw(facts, TEMPLATES[KIND]).unsigned()))
    signed = asyncio.run(signers.async_sign_pdf(page, metadata, signer=office.simple_signer()))
    assert office.judge(signed.getvalue()).verdict is Verdict.GENUINE


def test_a_strangers_key_is_unknown_though_every_name_is_the_same(
    office: Office, tmp_path: Path
) -> None:
    stranger = open_office(tmp_path / "stranger")
    forged = stranger.issue()
    assert stranger.judge(forged).verdict is Verdict.GENUINE
    assert office.judge(forged).verdict is Verdict.UNKNOWN
    assert office.judge(forged, NOW + timedelta(days=30)).verdict is Verdict.UNKNOWN


def test_a_seal_that_brings_our_ca_along_but_was_not_issued_by_it_is_unknown(
    office: Office,
) -> None:
    false_root = make_ca("跨域演示根证书", None, NOW)
    false_ca = make_ca("跨域演示签发机构 341522", false_root, NOW)
    issuer = ISSUERS[KIND]
    seal = make_seal(f"{issuer.seal_text}（演示）", issuer.code, false_ca, NOW)
    chain = [false_ca.certificate, false_root.certificate]
    key = SealKey(seal.certificate, seal.key, chain)
    facts = office.facts()
    forged = sign(draw(facts, TEMPLATES[KIND]), facts, key)
    assert office.judge(forged).verdict is Verdict.UNKNOWN


def test_a_seal_makes_no_certificates_of_another_authority(office: Office) -> None:
    facts = office.facts()
    page = draw(facts, TEMPLATES[KIND])
    made = sign(page, facts, office.key("marriage-record"))
    assert office.judge(made).verdict is Verdict.ALTERED


def test_a_cas_own_key_signs_no_certificates(office: Office) -> None:
    ca, chain = open_pkcs12(office.folder / "ca" / "341522.p12", PASSPHRASE.encode())
    facts = office.facts()
    key = SealKey(ca.certificate, ca.key, chain)
    made = sign(draw(facts, TEMPLATES[KIND]), facts, key)
    assert office.judge(made).verdict is not Verdict.GENUINE


def test_the_cas_of_other_regions_are_no_work_and_change_nothing(
    office: Office, issued: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, _ = open_pkcs12(office.folder / "root.p12", PASSPHRASE.encode())
    cas = [make_ca(f"跨域演示签发机构 {i}", root, NOW) for i in range(12)]
    trust = office.trust
    many = dataclasses.replace(
        trust,
        intermediates=(*(ca.certificate.public_bytes(DER) for ca in cas), *trust.intermediates),
        crls=(*(make_crl(ca, [], NOW).public_bytes(DER) for ca in cas), *trust.crls),
    )
    judged_by: list[int] = []

    def counted(
        roots: object, others: object, crls: list[bytes], moment: datetime, *, since: bool
    ) -> object:
        judged_by.append(len(crls))
        return context(trust.roots, many.intermediates, crls, moment, since=since)

    monkeypatch.setattr(verifying, "context", counted)
    assert asyncio.run(verify(issued, many, NOW)).verdict is Verdict.GENUINE
    assert judged_by == [2], "the root's and the one CA's"


def test_a_month_old_folder_cannot_tell_until_its_crls_are_renewed(
    office: Office, issued: bytes, tmp_path: Path
) -> None:
    old = office.copy(tmp_path / "old")
    later = NOW + timedelta(days=30)
    assert old.judge(issued, NOW + timedelta(days=6)).verdict is Verdict.GENUINE
    assert old.judge(issued, NOW + timedelta(days=8)).verdict is Verdict.CANNOT_TELL
    assert old.judge(issued, later).verdict is Verdict.CANNOT_TELL
    renew_crls(old.folder, later, PASSPHRASE)
    assert old.judge(issued, later).verdict is Verdict.GENUINE


def test_with_crls_of_the_future_nothing_can_be_told(
    office: Office, issued: bytes, tmp_path: Path
) -> None:
    ahead = office.copy(tmp_path / "ahead")
    renew_crls(ahead.folder, NOW + timedelta(days=3), PASSPHRASE)
    assert ahead.judge(issued, NOW).verdict is Verdict.CANNOT_TELL


@pytest.mark.parametrize(
    ("lost", "verdict"),
    [(0, Verdict.CANNOT_TELL), (1, Verdict.GENUINE), (2, Verdict.CANNOT_TELL)],
)
def test_every_ca_of_the_chain_needs_its_crl_and_no_other(
    lost: int, verdict: Verdict, office: Office, issued: bytes
) -> None:
    crls = list(office.trust.crls)
    assert len(crls) == 3, "root, 320509, 341522"
    del crls[lost]
    trust = dataclasses.replace(office.trust, crls=tuple(crls))
    assert asyncio.run(verify(issued, trust, NOW)).verdict is verdict


def test_a_stale_crl_of_the_root_is_not_made_up_for_by_a_fresh_one_beside(
    office: Office, issued: bytes, tmp_path: Path
) -> None:
    later = NOW + timedelta(days=30)
    renewed = office.copy(tmp_path / "renewed")
    renew_crls(renewed.folder, later, PASSPHRASE)
    crls = (office.trust.crls[0], *renewed.trust.crls[1:])
    trust = dataclasses.replace(office.trust, crls=crls)
    assert asyncio.run(verify(issued, trust, later)).verdict is Verdict.CANNOT_TELL


def test_when_the_seals_time_is_over_nothing_can_be_told(
    office: Office, issued: bytes, tmp_path: Path
) -> None:
    old = office.copy(tmp_path / "old")
    later = NOW + timedelta(days=2000)
    renew_crls(old.folder, later, PASSPHRASE)
    assert old.judge(issued, later).verdict is Verdict.CANNOT_TELL


def test_what_a_revoked_seal_signed_is_revoked(
    office: Office, issued: bytes, tmp_path: Path
) -> None:
    mine = office.copy(tmp_path / "mine")
    other = mine.issue("no-violations")
    revoke_seal(mine.folder, KIND, NOW, PASSPHRASE)
    later = NOW + timedelta(seconds=1)
    assert mine.judge(issued, later).verdict is Verdict.REVOKED
    assert mine.judge(other, later).verdict is Verdict.GENUINE
    renew_crls(mine.folder, NOW + timedelta(days=30), PASSPHRASE)
    assert mine.judge(issued, NOW + timedelta(days=30)).verdict is Verdict.REVOKED
    assert office.judge(issued).verdict is Verdict.GENUINE


@pytest.mark.parametrize(
    "content",
    [b"", b"%PDF-", b"%PDF-1.7\n%%EOF", b"\xff\xd8\xff\xe0 a picture", b"%PDF-1.4" + b"\0" * 5000],
)
def test_what_is_no_pdf_is_unreadable(content: bytes, office: Office) -> None:
    assert office.judge(content).verdict is Verdict.UNREADABLE


def test_a_file_that_is_too_large_is_not_even_read(office: Office, issued: bytes) -> None:
    assert office.judge(issued.ljust(MAX_BYTES + 1, b"\0")).verdict is Verdict.UNREADABLE


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_file_cut_short_is_never_genuine(
    office: Office, issued: bytes, data: st.DataObject
) -> None:
    length = data.draw(st.integers(0, len(issued) - 1))
    assert office.judge(issued[:length]).verdict in {Verdict.ALTERED, Verdict.UNREADABLE}


def test_an_unsigned_page_with_our_number_is_altered(office: Office) -> None:
    facts = office.facts()
    assert office.judge(draw(facts, TEMPLATES[KIND]).unsigned()).verdict is Verdict.ALTERED


def test_unsigned_pages_of_others_and_previews_are_unknown(office: Office) -> None:
    facts = dataclasses.replace(office.facts(), number="签发后生成")
    assert office.judge(preview(facts, TEMPLATES[KIND])).verdict is Verdict.UNKNOWN


def test_a_copy_printed_anew_is_not_genuine(office: Office, issued: bytes) -> None:
    writer = PdfWriter()
    writer.append(PdfReader(io.BytesIO(issued)))
    output = io.BytesIO()
    writer.write(output)
    assert office.judge(output.getvalue()).verdict in {Verdict.ALTERED, Verdict.UNKNOWN}


def test_the_trust_list_alone_is_enough(office: Office, issued: bytes, tmp_path: Path) -> None:
    (tmp_path / "trust.json").write_bytes((office.folder / "trust.json").read_bytes())
    assert Office(tmp_path).judge(issued).verdict is Verdict.GENUINE


def test_an_empty_trust_list_knows_nobody(office: Office, issued: bytes, tmp_path: Path) -> None:
    empty = {"roots": [], "intermediates": [], "crls": [], "qr_keys": []}
    (tmp_path / "trust.json").write_text(json.dumps(empty))
    assert Office(tmp_path).judge(issued).verdict is Verdict.UNKNOWN


def test_a_finding_keeps_the_hash_of_what_was_judged(office: Office) -> None:
    found = office.judge(b"")
    assert found.sha256 == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

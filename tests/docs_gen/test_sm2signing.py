"""Detached SM2 signatures: what is good, and everything that somebody might try instead."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import cms, core
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from docs_gen import sm2, sm2certs, sm2signing
from docs_gen.ca import Revoked, make_ca
from docs_gen.ca import make_seal as make_p256_seal
from docs_gen.closed import Closed, digest
from docs_gen.keyfiles import DER
from docs_gen.sm2certs import make_crl, make_root, make_seal
from docs_gen.sm2chain import Sm2Trust
from docs_gen.sm2keys import load_seals, own_root
from docs_gen.sm2signing import Sm2Seal
from docs_gen.sm2verifying import Sm2Finding, Sm2Reason, judge_signature
from docs_gen.trustlist import TrustList
from docs_gen.verifying import Verdict
from tests.support.office import ISSUERS, NOW, PASSPHRASE, Office
from tests.support.openssl import NAMED, openssl

KIND = "pension-balance"
FLIPS = 400


@pytest.fixture(scope="module")
def seal(office: Office) -> Sm2Seal:
    return load_seals(office.folder, PASSPHRASE)[KIND]


@pytest.fixture(scope="module")
def signed(seal: Sm2Seal, issued: bytes) -> bytes:
    return seal.sign(sm2.sm3(issued), NOW)


@pytest.fixture(scope="module")
def trust(office: Office) -> TrustList:
    return office.trust


def judge(
    content: bytes, signature: bytes, trust: TrustList, now: datetime = NOW,
    number: str | None = None,
) -> Sm2Finding:  # fmt: skip
    return asyncio.run(judge_signature(content, signature, trust, now, number=number))


def test_a_signature_beside_its_file_is_genuine(
    issued: bytes, signed: bytes, office: Office
) -> None:
    found = judge(issued, signed, office.trust, number=office.facts().number)
    assert (found.verdict, found.reason) == (Verdict.GENUINE, Sm2Reason.HOLDS)
    assert found.signed_at == NOW.replace(microsecond=0)
    assert found.signer == "霍邱县人力资源和社会保障局（演示）"
    assert found.demo


def test_openssl_reads_it_and_finds_certificate_and_signature_good(
    seal: Sm2Seal, signed: bytes, tmp_path: Path
) -> None:
    said = sm2signing.read_signature(signed)
    info = cms.ContentInfo.load(signed)["content"].parse(cms.SignedData)["signer_infos"][0]
    (tmp_path / "root.der").write_bytes(seal.chain[0].public_bytes(DER))
    (tmp_path / "seal.der").write_bytes(said.signer.dump())
    (tmp_path / "attributes").write_bytes(info["signed_attrs"].untag().dump())
    (tmp_path / "signature").write_bytes(info["signature"].native)
    (tmp_path / "whole").write_bytes(signed)
    for name in ("root", "seal"):
        openssl(tmp_path, "x509", "-inform", "DER", "-in", f"{name}.der", "-out", f"{name}.pem")
    chain = ("verify", "-x509_strict", "-attime", str(int(NOW.timestamp())), "-vfyopt", NAMED)
    assert "seal.pem: OK" in openssl(tmp_path, *chain, "-CAfile", "root.pem", "seal.pem")
    openssl(tmp_path, "x509", "-in", "seal.pem", "-pubkey", "-noout", "-out", "public.pem")
    asked = ("pkeyutl", "-verify", "-pubin", "-inkey", "public.pem", "-rawin", "-digest", "sm3",
             "-pkeyopt", NAMED, "-in", "attributes", "-sigfile", "signature")  # fmt: skip
    assert "Verified Successfully" in openssl(tmp_path, *asked)
    parsed = openssl(tmp_path, "asn1parse", "-inform", "DER", "-in", "whole")
    for text in ("1.2.156.10197.6.1.4.2.2", "1.2.156.10197.6.1.4.2.1", "sm3", "SM2-with-SM3"):
        assert text in parsed


def test_no_flipped_bit_of_file_or_signature_verifies(
    issued: bytes, signed: bytes, trust: TrustList
) -> None:
    chance = random.Random(35275)
    for turn in range(FLIPS):
        pdf, beside = bytearray(issued), bytearray(signed)
        target = pdf if turn % 8 == 0 else beside
        target[chance.randrange(len(target))] ^= 1 << chance.randrange(8)
        assert judge(bytes(pdf), bytes(beside), trust).verdict is not Verdict.GENUINE


def test_no_cut_or_lengthened_signature_verifies(
    issued: bytes, signed: bytes, trust: TrustList
) -> None:
    for place in range(0, len(signed), 23):
        assert judge(issued, signed[:place], trust).verdict is Verdict.UNREADABLE
    for more in (b"\0", signed, bytes(sm2signing.MOST_BYTES)):
        assert judge(issued, signed + more, trust).verdict is not Verdict.GENUINE
    assert judge(issued + b"\n", signed, trust).reason is Sm2Reason.OTHER_FILE
    assert judge(bytes(6 * 1024 * 1024), signed, trust).reason is Sm2Reason.OTHER_FILE
    assert judge(issued, bytes(6 * 1024 * 1024), trust).verdict is Verdict.UNREADABLE


def test_a_strangers_key_of_our_names_is_unknown(issued: bytes, trust: TrustList) -> None:
    root = make_root("Kuayu 演示国密根证书", NOW)
    made = make_seal("霍邱县人力资源和社会保障局（演示）", ISSUERS[KIND].code, root, NOW)
    stranger = Sm2Seal(made.key, made.certificate, (root.certificate,))
    found = judge(issued, stranger.sign(sm2.sm3(issued), NOW), trust)
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, Sm2Reason.STRANGER)
    own = Sm2Seal(root.key, root.certificate)
    assert judge(issued, own.sign(sm2.sm3(issued), NOW), trust).verdict is Verdict.UNKNOWN


def test_the_signature_of_another_file_is_none_of_this_one(
    issued: bytes, seal: Sm2Seal, trust: TrustList, office: Office
) -> None:
    another = seal.sign(sm2.sm3(office.issue(applicant_name="王五")), NOW)
    assert judge(issued, another, trust).reason is Sm2Reason.OTHER_FILE


def test_a_seal_signs_no_number_of_another_authority(
    issued: bytes, office: Office, trust: TrustList
) -> None:
    other = load_seals(office.folder, PASSPHRASE)["marriage-record"]
    found = judge(issued, other.sign(sm2.sm3(issued), NOW), trust, number=office.facts().number)
    assert (found.verdict, found.reason) == (Verdict.ALTERED, Sm2Reason.OTHER_AUTHORITY)


def edited(signed: bytes, edit: Callable[[cms.SignedData], None]) -> bytes:
    """Return a signature with something changed that no key has signed."""
    whole = cms.ContentInfo.load(signed)
    data = cms.SignedData.load(whole["content"].parse(cms.SignedData).untag().dump())
    edit(data)
    written = data.dump(force=True)
    head = cms.ContentType(sm2signing.SIGNED_DATA).dump()
    return sm2signing.element(0x30, head, sm2signing.element(0xA0, written))


def strip(data: cms.SignedData) -> None:
    del data["signer_infos"][0]["signed_attrs"]


def add_unsigned(data: cms.SignedData) -> None:
    attribute = cms.CMSAttribute({"type": "content_type", "values": ["data"]})
    data["signer_infos"][0]["unsigned_attrs"] = [attribute]


def add_certificate(data: cms.SignedData) -> None:
    data["certificates"].append(asn1_x509.Certificate.load(STRANGER))


def add_content(data: cms.SignedData) -> None:
    data["encap_content_info"]["content"] = core.OctetString(b"something else")


def add_signer(data: cms.SignedData) -> None:
    data["signer_infos"].append(data["signer_infos"][0].copy())


STRANGER = make_root("另一根", NOW).certificate.public_bytes(DER)


@pytest.mark.parametrize("edit", [strip, add_unsigned, add_certificate, add_content, add_signer])
def test_nothing_may_be_added_or_taken_away(
    edit: Callable[[cms.SignedData], None], issued: bytes, signed: bytes, trust: TrustList
) -> None:
    assert edited(signed, lambda _data: None) == signed
    found = judge(issued, edited(signed, edit), trust)
    assert found.verdict in {Verdict.ALTERED, Verdict.UNREADABLE}


def test_a_signature_without_signed_attributes_is_none(
    issued: bytes, seal: Sm2Seal, signed: bytes, trust: TrustList
) -> None:
    """GB/T 35275 allows it; then one over attributes would be one over a file of these bytes."""

    def bare(data: cms.SignedData) -> None:
        strip(data)
        data["signer_infos"][0]["signature"] = seal.key.sign(issued)

    assert judge(issued, edited(signed, bare), trust).verdict is Verdict.UNREADABLE


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("2a811ccf55018375", "2a811ccf55018377"),  # SM2 with SM3: with SHA-256
        ("2a811ccf55018311", "2a811ccf5501831a"),  # SM3: SHA-256 under China's arc
        ("2a811ccf5501822d", "2a811ccf5501822e"),  # the curve: another
        ("2a811ccf550601040202", "2a811ccf550601040203"),  # signed: enveloped
    ],
)
def test_other_algorithms_and_kinds_are_refused(
    right: str, wrong: str, issued: bytes, signed: bytes, trust: TrustList
) -> None:
    one, other = bytes.fromhex(right), bytes.fromhex(wrong)
    assert one in signed
    for count in (1, -1):
        assert judge(issued, signed.replace(one, other, count), trust).verdict in {
            Verdict.ALTERED, Verdict.UNREADABLE,
        }  # fmt: skip


def test_a_p256_certificate_in_its_place_is_none(issued: bytes, trust: TrustList) -> None:
    ca = make_ca("根", None, NOW)
    made = make_p256_seal("章", ISSUERS[KIND].code, ca, NOW)
    signer = asn1_x509.Certificate.load(made.certificate.public_bytes(DER))
    said = sm2signing._attributes(sm2.sm3(issued), NOW, signer)
    signature = made.key.sign(said, ec.ECDSA(hashes.SHA256()))
    forged = sm2signing._whole(signer, [signer.dump()], said, signature)
    p256 = dataclasses.replace(
        trust.sm2, roots=(*trust.sm2.roots, ca.certificate.public_bytes(DER))
    )
    found = judge(issued, forged, dataclasses.replace(trust, sm2=p256))
    assert found.verdict is Verdict.UNREADABLE


def test_a_sha256_digest_is_not_taken_for_sm3(
    issued: bytes, seal: Sm2Seal, trust: TrustList
) -> None:
    made = seal.sign(hashlib.sha256(issued).digest(), NOW)
    assert judge(issued, made, trust).reason is Sm2Reason.OTHER_FILE


def test_a_time_that_cannot_be_is_called_altered(
    issued: bytes, seal: Sm2Seal, trust: TrustList
) -> None:
    for at in (NOW + timedelta(hours=1), NOW - timedelta(days=1)):
        assert judge(issued, seal.sign(sm2.sm3(issued), at), trust).reason is Sm2Reason.WRONG_TIME


def lists(office: Office, *, revoked: bool = False, age: int = 0) -> Sm2Trust:
    root = own_root(office.folder, PASSPHRASE)
    seal = load_seals(office.folder, PASSPHRASE)[KIND].certificate
    assert root is not None
    gone = Revoked(seal.issuer.rfc4514_string(), seal.serial_number, NOW)
    crl = make_crl(root, [gone] if revoked else [], NOW - timedelta(days=age))
    return Sm2Trust((root.certificate.public_bytes(DER),), (), (crl,))


def test_what_no_longer_counts_is_named(
    issued: bytes, signed: bytes, office: Office, trust: TrustList
) -> None:
    def found(known: Sm2Trust, now: datetime = NOW) -> tuple[Verdict, Sm2Reason]:
        finding = judge(issued, signed, dataclasses.replace(trust, sm2=known), now)
        return finding.verdict, finding.reason

    assert found(lists(office))[0] is Verdict.GENUINE
    assert found(lists(office, revoked=True)) == (Verdict.REVOKED, Sm2Reason.REVOKED)
    no_list = (Verdict.CANNOT_TELL, Sm2Reason.NO_LIST)
    assert found(lists(office, age=8)) == no_list
    assert found(dataclasses.replace(lists(office), crls=())) == no_list
    later = NOW + timedelta(days=1826)
    assert found(lists(office), later) == (Verdict.CANNOT_TELL, Sm2Reason.ENDED)
    assert found(Sm2Trust()) == (Verdict.CANNOT_TELL, Sm2Reason.NO_ROOTS)


def test_below_a_closed_root_only_the_seals_that_are_named_count(
    issued: bytes, signed: bytes, seal: Sm2Seal, office: Office, trust: TrustList
) -> None:
    def found(*seals: bytes) -> tuple[Verdict, Sm2Reason]:
        closed = Closed((digest(seal.chain[0]),), seals)
        known = dataclasses.replace(lists(office), closed=closed)
        finding = judge(issued, signed, dataclasses.replace(trust, sm2=known))
        return finding.verdict, finding.reason

    assert found(b"another's") == (Verdict.UNKNOWN, Sm2Reason.STRANGER)
    assert found(b"another's", digest(seal.certificate)) == (Verdict.GENUINE, Sm2Reason.HOLDS)


def test_a_list_that_is_too_old_finds_nothing_genuine(
    issued: bytes, signed: bytes, trust: TrustList
) -> None:
    old = dataclasses.replace(trust, expires_at=NOW - timedelta(seconds=1))
    found = judge(issued, signed, old)
    assert (found.verdict, found.reason) == (Verdict.CANNOT_TELL, Sm2Reason.TRUST_TOO_OLD)


def test_the_list_of_a_ca_beside_it_does_not_count(
    issued: bytes, signed: bytes, office: Office, trust: TrustList
) -> None:
    beside = make_root("Kuayu 演示国密根证书", NOW)
    known = dataclasses.replace(lists(office), crls=(make_crl(beside, [], NOW),))
    found = judge(issued, signed, dataclasses.replace(trust, sm2=known))
    assert found.reason is Sm2Reason.NO_LIST


def test_the_list_of_a_ca_that_the_root_certified_under_its_own_name_is_not_the_roots(
    issued: bytes, signed: bytes, office: Office, trust: TrustList
) -> None:
    root = own_root(office.folder, PASSPHRASE)
    assert root is not None
    key = sm2.PrivateKey.generate()
    said = [
        sm2certs._extension("basic_constraints", {"ca": True}, critical=True),
        sm2certs._extension("key_usage", {"key_cert_sign", "crl_sign"}, critical=True),
    ]
    name = asn1_x509.Certificate.load(root.certificate.public_bytes(DER)).subject
    lives = timedelta(days=30)
    made = sm2certs._signed(name, key.point, root, NOW, lives=lives, extensions=said)
    known = dataclasses.replace(
        lists(office),
        intermediates=(made.public_bytes(DER),),
        crls=(make_crl(sm2certs.Sm2Pair(made, key), [], NOW),),
    )
    found = judge(issued, signed, dataclasses.replace(trust, sm2=known))
    assert found.reason is Sm2Reason.NO_LIST

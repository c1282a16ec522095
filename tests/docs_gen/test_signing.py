from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from pypdf import PdfReader

from docs_gen.press import draw
from docs_gen.sealkeys import SealKey
from docs_gen.signing import issue
from docs_gen.trust import KeyFolderError
from tests.support.office import NOW, PASSPHRASE, TEMPLATES, Office, tool

ROOT = Path(__file__).parents[2]
ISSUE = """
import hashlib, sys
from pathlib import Path
from tests.support.office import Office
print(hashlib.sha256(Office(Path(sys.argv[1])).issue()).hexdigest())
"""


def issue_elsewhere(office: Office, **environment: str) -> str:
    """Return the SHA-256 of the same certificate issued in a process of its own."""
    ran = subprocess.run(
        [sys.executable, "-c", ISSUE, str(office.folder)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.strip()


def self_signed(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "anyone")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )


def test_pdfsig_calls_the_signature_valid_over_the_whole_file(
    issued: bytes, tmp_path: Path
) -> None:
    said = tool(tmp_path, issued, "pdfsig", "-nocert", "page.pdf")
    assert "Signature is Valid" in said
    assert "Total document signed" in said
    assert "ETSI.CAdES.detached" in said
    assert "SHA-256" in said
    assert said.count("Signature #") == 1


def test_the_same_facts_give_the_same_bytes_in_every_process(office: Office, issued: bytes) -> None:
    expected = hashlib.sha256(issued).hexdigest()
    assert issue_elsewhere(office, PYTHONHASHSEED="1", TZ="UTC") == expected
    elsewhere = {"TZ": "America/New_York", "SOURCE_DATE_EPOCH": "1"}
    assert issue_elsewhere(office, PYTHONHASHSEED="2", **elsewhere) == expected


def test_a_signed_file_bears_no_time_but_its_signing_time(office: Office, issued: bytes) -> None:
    dates = re.findall(
        r"(?:D:|ModifyDate>|CreateDate>)([0-9T:\-]{14,19})", issued.decode("latin-1")
    )
    plain = [re.sub(r"\D", "", date)[:14] for date in dates]
    assert plain == [NOW.strftime("%Y%m%d%H%M%S")] * 5


def test_another_signing_time_gives_other_bytes(office: Office, issued: bytes) -> None:
    later = dataclasses.replace(office.facts(), signing_time=NOW + timedelta(seconds=1))
    made = asyncio.run(issue(later, TEMPLATES[later.kind], office.key()))
    assert made.pdf != issued


def test_the_certificate_forbids_every_change_and_is_signed_over_its_seal(
    office: Office, issued: bytes, tmp_path: Path
) -> None:
    (tmp_path / "page.pdf").write_bytes(issued)
    root = PdfReader(tmp_path / "page.pdf").trailer["/Root"]
    signature = root["/Perms"]["/DocMDP"]
    reference = signature["/Reference"][0]["/TransformParams"]
    assert reference["/P"] == 1
    assert signature["/SubFilter"] == "/ETSI.CAdES.detached"
    field = root["/AcroForm"]["/Fields"][0].get_object()
    facts = office.facts()
    assert [int(n) for n in field["/Rect"]] == list(draw(facts, TEMPLATES[facts.kind]).seal_box)


def test_the_hash_that_is_told_is_the_files(office: Office) -> None:
    facts = office.facts()
    made = asyncio.run(issue(facts, TEMPLATES[facts.kind], office.key()))
    assert made.sha256 == hashlib.sha256(made.pdf).hexdigest()


def test_a_demo_key_knows_that_it_is_one(office: Office) -> None:
    assert office.key().demo


def test_a_key_opens_with_its_passphrase_only(office: Office) -> None:
    path = office.folder / "seals" / "pension-balance.p12"
    with pytest.raises(KeyFolderError, match=r"pension-balance\.p12"):
        SealKey.load(path, "another")


def test_a_missing_or_broken_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFolderError, match=r"none\.p12"):
        SealKey.load(tmp_path / "none.p12", PASSPHRASE)
    (tmp_path / "broken.p12").write_bytes(b"not a key")
    with pytest.raises(KeyFolderError, match=r"broken\.p12"):
        SealKey.load(tmp_path / "broken.p12", PASSPHRASE)


@pytest.mark.parametrize(
    "key", [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())]
)
def test_only_a_p256_key_is_taken(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    path = tmp_path / "key.p12"
    encryption = serialization.BestAvailableEncryption(PASSPHRASE.encode())
    certificate = self_signed(key)
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(None, key, certificate, None, encryption)
    )
    path.chmod(0o600)
    with pytest.raises(KeyFolderError, match="expected an ECDSA P-256 key"):
        SealKey.load(path, PASSPHRASE)

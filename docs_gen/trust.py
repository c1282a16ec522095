"""Keys and whom we trust: root → one CA per jurisdiction → one seal certificate per authority.

A key folder holds `root.p12`, `ca/<region>.p12`, `seals/<authority>.p12`, `qr.pem` and
`trust.json`. Verifying needs `trust.json` alone: the CAs' certificates, their CRLs, and the public
keys that QR codes are signed with.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from docs_gen.data import Issuer

ROOT_LIVES = timedelta(days=7300)
CA_LIVES = timedelta(days=3650)
SEAL_LIVES = timedelta(days=1825)
CRL_LIVES = timedelta(days=7)
CLOCK_SLACK = timedelta(minutes=10)
DEMO_MARK = "演示"
KEY_ID_BYTES = 8


class KeyFolderError(Exception):
    """A key folder that cannot be used; says what is missing or wrong."""


@dataclass(frozen=True, slots=True)
class TrustList:
    """Whom a verifier trusts, and who was revoked; DER bytes, so that it crosses processes."""

    roots: tuple[bytes, ...]
    intermediates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    qr_keys: tuple[tuple[bytes, bytes], ...]

    def public_keys(self) -> dict[bytes, Ed25519PublicKey]:
        """Return the keys that QR codes are signed with, by key id."""
        return {key_id: Ed25519PublicKey.from_public_bytes(raw) for key_id, raw in self.qr_keys}

    def is_fresh(self, now: datetime) -> bool:
        """Say whether every CRL counts at an instant; a stale list can tell nothing for sure."""
        loaded = [x509.load_der_x509_crl(der) for der in self.crls]
        return bool(loaded) and all(
            crl.next_update_utc is not None
            and crl.last_update_utc <= now + CLOCK_SLACK
            and now < crl.next_update_utc
            for crl in loaded
        )


@dataclass(frozen=True, slots=True)
class _Pair:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def create_demo(folder: Path, issuers: Sequence[tuple[str, Issuer]], now: datetime,
                passphrase: str) -> None:  # fmt: skip
    """Make what is missing of a demo key folder for these (authority id, issuer) pairs.

    Every subject says 演示. Keys that are there already stay.
    """
    secret = passphrase.encode()
    root = _open_or_make(folder / "root.p12", secret, "跨域演示根证书", None, now)
    for region in sorted({issuer.region for _, issuer in issuers}):
        name = f"跨域演示签发机构 {region}"
        _open_or_make(folder / "ca" / f"{region}.p12", secret, name, root, now)
    for authority, issuer in issuers:
        path = folder / "seals" / f"{authority}.p12"
        if not path.exists():
            ca = _open_pair(folder / "ca" / f"{issuer.region}.p12", secret)
            seal = _make(f"{issuer.seal_text}（{DEMO_MARK}）", ca, SEAL_LIVES, now, issuer.code)
            _save(path, seal, [ca.certificate, root.certificate], secret)
    if not (folder / "qr.pem").exists():
        _write(folder / "qr.pem", Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(secret)))  # fmt: skip
    renew_crls(folder, now, passphrase)


def renew_crls(folder: Path, now: datetime, passphrase: str) -> None:
    """Issue every CA's CRL anew and write `trust.json`, so that it counts for seven days."""
    secret = passphrase.encode()
    root = _open_pair(folder / "root.p12", secret)
    cas = [_open_pair(path, secret) for path in sorted((folder / "ca").glob("*.p12"))]
    trust = {
        "roots": [_der(root.certificate)],
        "intermediates": [_der(ca.certificate) for ca in cas],
        "crls": [_crl(pair, now) for pair in (root, *cas)],
        "qr_keys": [_qr_entry(load_qr_key(folder, passphrase).public_key())],
    }
    _write(folder / "trust.json", json.dumps(trust, indent=1).encode(), replace=True)


def load_trust(folder: Path) -> TrustList:
    """Return the trust list of a key folder, or of a folder that holds nothing else."""
    path = folder / "trust.json"
    try:
        data = json.loads(path.read_text())
        return TrustList(
            roots=tuple(base64.b64decode(der) for der in data["roots"]),
            intermediates=tuple(base64.b64decode(der) for der in data["intermediates"]),
            crls=tuple(base64.b64decode(der) for der in data["crls"]),
            qr_keys=tuple(
                (bytes.fromhex(entry["id"]), base64.b64decode(entry["key"]))
                for entry in data["qr_keys"]
            ),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KeyFolderError(f"{path}: {error}") from None


def load_qr_key(folder: Path, passphrase: str) -> Ed25519PrivateKey:
    """Return the key that QR codes are signed with."""
    try:
        key = serialization.load_pem_private_key(
            (folder / "qr.pem").read_bytes(), passphrase.encode()
        )
    except (OSError, ValueError) as error:
        raise KeyFolderError(f"{folder / 'qr.pem'}: {error}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFolderError(f"{folder / 'qr.pem'}: expected an Ed25519 key")
    return key


def qr_key_id(key: Ed25519PublicKey) -> bytes:
    """Return what a QR code names its key by: the start of the public key's SHA-256."""
    return hashlib.sha256(key.public_bytes_raw()).digest()[:KEY_ID_BYTES]


def is_demo(certificate: x509.Certificate) -> bool:
    """Say whether a certificate is one of the demonstration: its subject says so."""
    return DEMO_MARK in certificate.subject.rfc4514_string()


def import_seal(folder: Path, authority: str, content: bytes, given: str, passphrase: str) -> str:
    """Put a PKCS#12 file into a key folder under an authority; return its subject.

    KeyFolderError if it does not open, holds no P-256 key or comes without its chain. The chain's
    CAs join the trust list with the CRLs that their operator publishes.
    """
    try:
        key, certificate, chain = pkcs12.load_key_and_certificates(content, given.encode())
    except ValueError as error:
        raise KeyFolderError(f"the PKCS#12 file does not open: {error}") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyFolderError("expected an ECDSA P-256 key")
    if certificate is None or not chain:
        raise KeyFolderError("expected the certificate with its chain of CAs")
    path = folder / "seals" / f"{authority}.p12"
    _save(path, _Pair(certificate, key), chain, passphrase.encode(), replace=True)
    return certificate.subject.rfc4514_string()


def _open_or_make(
    path: Path, secret: bytes, name: str, above: _Pair | None, now: datetime
) -> _Pair:
    if path.exists():
        return _open_pair(path, secret)
    pair = _make(name, above, CA_LIVES if above else ROOT_LIVES, now, None)
    _save(path, pair, [above.certificate] if above else [], secret)
    return pair


def _open_pair(path: Path, secret: bytes) -> _Pair:
    try:
        key, certificate, _ = pkcs12.load_key_and_certificates(path.read_bytes(), secret)
    except (OSError, ValueError) as error:
        raise KeyFolderError(f"{path}: {error}") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or certificate is None:
        raise KeyFolderError(f"{path}: expected an EC key with its certificate")
    return _Pair(certificate, key)


def _make(
    name: str, above: _Pair | None, lives: timedelta, now: datetime, code: str | None
) -> _Pair:
    """Make a key and its certificate: a CA's without `code`, else a seal's for that authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    parts = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, f"Kuayu {DEMO_MARK}"),
        x509.NameAttribute(NameOID.COMMON_NAME, name[:64]),
    ]
    if code is not None:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, code))
    subject = x509.Name(parts)
    signer = above.key if above else key
    depth = (0 if above else 1) if code is None else None
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(above.certificate.subject if above else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SLACK)
        .not_valid_after(now + lives)
        .add_extension(x509.BasicConstraints(ca=code is None, path_length=depth), critical=True)
        .add_extension(_usage(ca=code is None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    return _Pair(builder.sign(signer, hashes.SHA256()), key)


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=not ca,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _crl(pair: _Pair, now: datetime) -> str:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(pair.certificate.subject)
        .last_update(now - CLOCK_SLACK)
        .next_update(now + CRL_LIVES)
        .add_extension(x509.CRLNumber(int(now.astimezone(UTC).timestamp())), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(pair.key.public_key()),
            critical=False,
        )
    )
    crl = builder.sign(pair.key, hashes.SHA256())
    return base64.b64encode(crl.public_bytes(serialization.Encoding.DER)).decode()


def _qr_entry(key: Ed25519PublicKey) -> dict[str, str]:
    raw = base64.b64encode(key.public_bytes_raw()).decode()
    return {"id": qr_key_id(key).hex(), "key": raw}


def _der(certificate: x509.Certificate) -> str:
    return base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()


def _save(
    path: Path, pair: _Pair, chain: Sequence[x509.Certificate], secret: bytes, *,
    replace: bool = False,
) -> None:  # fmt: skip
    encryption = serialization.BestAvailableEncryption(secret)
    content = pkcs12.serialize_key_and_certificates(
        None, pair.key, pair.certificate, list(chain), encryption
    )
    _write(path, content, replace=replace)


def _write(path: Path, content: bytes, *, replace: bool = False) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists() and not replace:
        raise KeyFolderError(f"{path} is there already")
    temporary = path.with_suffix(".part")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)

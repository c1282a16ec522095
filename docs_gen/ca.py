"""X.509 for the demonstration's own CAs: certificates and revocation lists, ECDSA P-256."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ROOT_LIVES = timedelta(days=7300)
CA_LIVES = timedelta(days=3650)
SEAL_LIVES = timedelta(days=1825)
CRL_LIVES = timedelta(days=7)
CLOCK_SLACK = timedelta(minutes=10)
DEMO_MARK = "演示"
MOST_NAME = 64


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Revoked:
    """A certificate that counts no more, by its issuer's name (RFC 4514) and its serial number."""

    issuer: str
    serial: int
    at: datetime


def make_ca(name: str, above: Pair | None, now: datetime) -> Pair:
    """Make a CA: a root without `above`, else one that may issue to seals only."""
    return _make(x509.Name(_subject(name)), above, now, ROOT_LIVES if above is None else CA_LIVES)


def make_seal(name: str, code: str, above: Pair, now: datetime) -> Pair:
    """Make an authority's seal certificate; `code` is its unified social credit code."""
    parts = [*_subject(name), x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, code)]
    return _make(x509.Name(parts), above, now, SEAL_LIVES, ca=False)


def make_crl(ca: Pair, revoked: Sequence[Revoked], now: datetime) -> x509.CertificateRevocationList:
    """Issue a CA's list of what it has revoked; it counts for seven days."""
    name = ca.certificate.subject
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(name)
        .last_update(now - CLOCK_SLACK)
        .next_update(now + CRL_LIVES)
        .add_extension(x509.CRLNumber(int(now.astimezone(UTC).timestamp())), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key()), critical=False
        )
    )
    for one in revoked:
        if one.issuer == name.rfc4514_string():
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(one.serial)
                .revocation_date(one.at)
                .build()
            )
    return builder.sign(ca.key, hashes.SHA256())


def is_demo(certificate: x509.Certificate) -> bool:
    """Say whether a certificate is one of the demonstration: its subject or its issuer says so."""
    names = (certificate.subject, certificate.issuer)
    return any(DEMO_MARK in name.rfc4514_string() for name in names)


def leads_to_root(certificate: x509.Certificate, chain: Sequence[x509.Certificate]) -> bool:
    """Say whether each certificate was signed by another of the chain, up to a self-signed one."""
    left, current = list(chain), certificate
    while not is_issued_by(current, current):
        above = next((ca for ca in left if is_issued_by(current, ca)), None)
        if above is None:
            return False
        left.remove(above)
        current = above
    return current is not certificate


def is_issued_by(certificate: x509.Certificate, ca: x509.Certificate) -> bool:
    """Say whether a CA's key signed a certificate that names it as its issuer."""
    try:
        certificate.verify_directly_issued_by(ca)
    except Exception:  # noqa: BLE001 (a broken certificate raises whatever its bytes lead to)
        return False
    return True


def is_signed_by(crl: x509.CertificateRevocationList, ca: x509.Certificate) -> bool:
    """Say whether a CRL is a CA's own: of its name and signed with its key."""
    key = ca.public_key()
    try:
        return crl.issuer == ca.subject and crl.is_signature_valid(key)  # type: ignore[arg-type]
    except TypeError:
        # Not every kind of key can sign a CRL.
        return False


def _subject(name: str) -> list[x509.NameAttribute[str]]:
    return [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, f"Kuayu {DEMO_MARK}"),
        x509.NameAttribute(NameOID.COMMON_NAME, name[:MOST_NAME]),
    ]


def _make(
    subject: x509.Name, above: Pair | None, now: datetime, lives: timedelta, *, ca: bool = True
) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    signer = above.key if above else key
    depth = (1 if above is None else 0) if ca else None
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(above.certificate.subject if above else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SLACK)
        .not_valid_after(now + lives)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=depth), critical=True)
        .add_extension(_usage(ca=ca), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    return Pair(builder.sign(signer, hashes.SHA256()), key)


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

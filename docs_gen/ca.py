"""X.509 of an operator's own CAs: certificates and revocation lists, ECDSA P-256."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID, ObjectIdentifier

ROOT_LIVES = timedelta(days=7300)
CA_LIVES = timedelta(days=3650)
SEAL_LIVES = timedelta(days=1825)
CRL_LIVES = timedelta(days=7)
# What a root that lies in a safe is fetched for, once a year, with a month to spare.
YEARLY = timedelta(days=400)
CLOCK_SLACK = timedelta(minutes=10)
DEMO_MARK = "演示"
DEMO_OPERATOR = f"Kuayu {DEMO_MARK}"
# X.520's upper bound of a name.
MOST_NAME = 64
# A purpose of our own, under the arc of UUIDs (ITU-T X.667): to sign trust lists.
LIST_SIGNING = ObjectIdentifier("2.25.77151727960292474065063102054623726895")

# Whether the second certificate's key signed the first: SM2's are verified by other means.
IsIssuedBy = Callable[[x509.Certificate, x509.Certificate], bool]


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


def make_ca(name: str, above: Pair | None, now: datetime, operator: str = DEMO_OPERATOR) -> Pair:
    """Make a CA: an operator's root without `above`, else one that may issue to seals only.

    Nothing outlives what issued it. A CA below a root is of the root's operator.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    organization = operator if above is None else operator_of(above.certificate)
    return Pair(
        _signed(
            x509.Name(_subject(organization, name)), key.public_key(), above or key, now,
            lives=ROOT_LIVES if above is None else CA_LIVES,
            kind=x509.BasicConstraints(ca=True, path_length=1 if above is None else 0),
        ),
        key,
    )  # fmt: skip


def make_seal(
    name: str, code: str, above: Pair, now: datetime, *, organization: str = DEMO_OPERATOR
) -> Pair:
    """Make an authority's seal key with its certificate; see `certify_seal`."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key()
    return Pair(certify_seal(name, code, public, above, now, organization=organization), key)


def certify_seal(
    name: str, code: str, key: ec.EllipticCurvePublicKey, above: Pair, now: datetime, *,
    organization: str,
) -> x509.Certificate:  # fmt: skip
    """Certify an authority's seal key; `code` is its unified social credit code."""
    identity = x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, code)
    subject = x509.Name([*_subject(organization, name), identity])
    return _signed(subject, key, above, now, lives=SEAL_LIVES, kind=_END)


def make_list_signer(name: str, root: Pair, now: datetime) -> Pair:
    """Make the key that trust lists are signed with: it may do that, and seal nothing."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(_subject(operator_of(root.certificate), name))
    purpose = x509.ExtendedKeyUsage([LIST_SIGNING])
    public = key.public_key()
    return Pair(_signed(subject, public, root, now, lives=YEARLY, kind=_END, purpose=purpose), key)


def signs_lists(certificate: x509.Certificate, root: x509.Certificate) -> bool:
    """Say whether a root made a certificate for signing trust lists."""
    try:
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return list(purposes) == [LIST_SIGNING] and is_issued_by(certificate, root)


def operator_of(certificate: x509.Certificate) -> str:
    """Return who runs a CA: the organization of its subject."""
    found = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return str(found[0].value) if found else ""


def make_crl(
    ca: Pair, revoked: Sequence[Revoked], now: datetime, lives: timedelta = CRL_LIVES
) -> x509.CertificateRevocationList:
    """Issue a CA's list of what it has revoked; it counts for seven days unless said otherwise."""
    name = ca.certificate.subject
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(name)
        .last_update(now - CLOCK_SLACK)
        .next_update(now + lives)
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


def leads_to_root(
    certificate: x509.Certificate, chain: Sequence[x509.Certificate], is_issued: IsIssuedBy
) -> bool:
    """Say whether each certificate was signed by another of the chain, up to a self-signed one."""
    left, current = list(chain), certificate
    while not is_issued(current, current):
        above = next((ca for ca in left if is_issued(current, ca)), None)
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


def _subject(organization: str, name: str) -> list[x509.NameAttribute[str]]:
    return [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization[:MOST_NAME]),
        x509.NameAttribute(NameOID.COMMON_NAME, name[:MOST_NAME]),
    ]


_END = x509.BasicConstraints(ca=False, path_length=None)


def _signed(
    subject: x509.Name, key: ec.EllipticCurvePublicKey, above: Pair | ec.EllipticCurvePrivateKey,
    now: datetime, *, lives: timedelta, kind: x509.BasicConstraints,
    purpose: x509.ExtendedKeyUsage | None = None,
) -> x509.Certificate:  # fmt: skip
    """Sign a certificate: with the pair above, or with its own key if it is a root's."""
    if isinstance(above, Pair):
        issuer, signer = above.certificate.subject, above.key
        until = min(now + lives, above.certificate.not_valid_after_utc)
    else:
        issuer, signer, until = subject, above, now + lives
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SLACK)
        .not_valid_after(until)
        .add_extension(kind, critical=True)
        .add_extension(_usage(ca=kind.ca, seals=purpose is None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(authority, critical=False)
    )
    if purpose is not None:
        builder = builder.add_extension(purpose, critical=True)
    return builder.sign(signer, hashes.SHA256())


def _usage(*, ca: bool, seals: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=seals and not ca,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )

"""X.509 with SM2 keys and SM2-with-SM3 signatures, by the form of GM/T 0015.

pyca/cryptography reads such certificates but for their keys, and cannot make them; they are put
together with asn1crypto here, and `docs_gen.sm2` signs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from asn1crypto import algos, core, keys
from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509

from docs_gen import sm2
from docs_gen.ca import (
    CA_LIVES,
    CLOCK_SLACK,
    CRL_LIVES,
    DEMO_OPERATOR,
    MOST_NAME,
    SEAL_LIVES,
    Revoked,
)
from docs_gen.keyfiles import DER

SM2_WITH_SM3: Final = "1.2.156.10197.1.501"
SM3: Final = "1.2.156.10197.1.401"
KEY_ID_BYTES: Final = 20


@dataclass(frozen=True, slots=True)
class Sm2Pair:
    """A certificate with its private SM2 key."""

    certificate: x509.Certificate
    key: sm2.PrivateKey


def make_root(name: str, now: datetime, operator: str = DEMO_OPERATOR) -> Sm2Pair:
    """Make the root of an operator's SM2 seals: it certifies seals only, and no further CA."""
    key = sm2.PrivateKey.generate()
    subject = _name(operator, name)
    extensions = [
        _extension("basic_constraints", {"ca": True, "path_len_constraint": 0}, critical=True),
        _extension("key_usage", {"key_cert_sign", "crl_sign"}, critical=True),
    ]
    return Sm2Pair(
        _signed(subject, key.point, key, now, lives=CA_LIVES, extensions=extensions), key
    )


def make_seal(
    name: str, code: str, root: Sm2Pair, now: datetime, *, organization: str = DEMO_OPERATOR
) -> Sm2Pair:
    """Make an authority's SM2 seal key; `code` is its unified social credit code."""
    key = sm2.PrivateKey.generate()
    subject = _name(organization, name, code)
    extensions = [
        _extension("basic_constraints", {"ca": False}, critical=True),
        _extension("key_usage", {"digital_signature", "non_repudiation"}, critical=True),
    ]
    return Sm2Pair(
        _signed(subject, key.point, root, now, lives=SEAL_LIVES, extensions=extensions), key
    )


def make_crl(
    ca: Sm2Pair, revoked: Sequence[Revoked], now: datetime, lives: timedelta = CRL_LIVES
) -> bytes:
    """Issue a CA's list of what it has revoked, as DER; it counts for seven days."""
    name = ca.certificate.subject.rfc4514_string()
    gone = [
        {"user_certificate": one.serial, "revocation_date": _time(one.at)}
        for one in revoked
        if one.issuer == name
    ]
    listed = asn1_crl.TbsCertList(
        {
            "version": "v2",
            "signature": {"algorithm": SM2_WITH_SM3},
            "issuer": _parsed(ca.certificate).subject,
            "this_update": _time(now - CLOCK_SLACK),
            "next_update": _time(now + lives),
            "revoked_certificates": gone or None,
            "crl_extensions": [
                {"extn_id": "crl_number", "extn_value": core.Integer(int(now.timestamp()))},
                {
                    "extn_id": "authority_key_identifier",
                    "extn_value": {"key_identifier": _key_id(ca.key.point)},
                },
            ],
        }
    )
    made: bytes = asn1_crl.CertificateList(
        {
            "tbs_cert_list": listed,
            "signature_algorithm": {"algorithm": SM2_WITH_SM3},
            "signature": ca.key.sign(listed.dump()),
        }
    ).dump()
    return made


def point_in(certificate: x509.Certificate) -> bytes:
    """Return the point of a certificate's SM2 key; Sm2Error if it has another key."""
    found: bytes = _parsed(certificate).public_key.dump()
    return sm2.point_of(found)


def is_issued_by(certificate: x509.Certificate, ca: x509.Certificate) -> bool:
    """Say whether a CA's SM2 key signed a certificate that names it as its issuer."""
    return certificate.issuer == ca.subject and _verified(
        ca, certificate.tbs_certificate_bytes, certificate.signature,
        certificate.signature_algorithm_oid,
    )  # fmt: skip


def is_signed_by(crl: x509.CertificateRevocationList, ca: x509.Certificate) -> bool:
    """Say whether a CRL is a CA's own: of its name and signed with its SM2 key."""
    return crl.issuer == ca.subject and _verified(
        ca, crl.tbs_certlist_bytes, crl.signature, crl.signature_algorithm_oid
    )


def _verified(
    ca: x509.Certificate, said: bytes, signature: bytes, algorithm: x509.ObjectIdentifier
) -> bool:
    if algorithm.dotted_string != SM2_WITH_SM3:
        return False
    try:
        point = point_in(ca)
    except (sm2.Sm2Error, ValueError):
        return False
    return sm2.verify(point, said, signature)


def _signed(
    subject: asn1_x509.Name, point: bytes, above: Sm2Pair | sm2.PrivateKey, now: datetime, *,
    lives: timedelta, extensions: Sequence[Mapping[str, Any]],
) -> x509.Certificate:  # fmt: skip
    """Sign a certificate: with the pair above, or with its own key if it is a root's."""
    if isinstance(above, Sm2Pair):
        issuer, signer = _parsed(above.certificate).subject, above.key
        until = min(now + lives, above.certificate.not_valid_after_utc)
    else:
        issuer, signer, until = subject, above, now + lives
    told = asn1_x509.TbsCertificate(
        {
            "version": "v3",
            "serial_number": x509.random_serial_number(),
            "signature": {"algorithm": SM2_WITH_SM3},
            "issuer": issuer,
            "validity": {"not_before": _time(now - CLOCK_SLACK), "not_after": _time(until)},
            "subject": subject,
            "subject_public_key_info": keys.PublicKeyInfo.load(sm2.KEY_PREFIX + point),
            "extensions": [
                *extensions,
                _extension("key_identifier", _key_id(point)),
                _extension(
                    "authority_key_identifier", {"key_identifier": _key_id(signer.point)}
                ),
            ],
        }
    )  # fmt: skip
    made = asn1_x509.Certificate(
        {
            "tbs_certificate": told,
            "signature_algorithm": {"algorithm": SM2_WITH_SM3},
            "signature_value": signer.sign(told.dump()),
        }
    )
    return x509.load_der_x509_certificate(made.dump())


def _name(organization: str, name: str, code: str | None = None) -> asn1_x509.Name:
    said = {
        "country_name": "CN",
        "organization_name": organization[:MOST_NAME],
        "common_name": name[:MOST_NAME],
    }
    if code is not None:
        said["organization_identifier"] = code
    return asn1_x509.Name.build(said)


def _extension(kind: str, value: object, *, critical: bool = False) -> dict[str, Any]:
    return {"extn_id": kind, "critical": critical, "extn_value": value}


def _time(at: datetime) -> asn1_x509.Time:
    """Return a moment as certificates have it: of two digits' years until 2049 (RFC 5280)."""
    whole = at.replace(microsecond=0)
    kind = "utc_time" if whole.year < 2050 else "general_time"  # noqa: PLR2004
    return asn1_x509.Time({kind: whole})


def _key_id(point: bytes) -> bytes:
    return sm2.sm3(point)[:KEY_ID_BYTES]


def _parsed(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(DER))


def digest_algorithm() -> algos.DigestAlgorithm:
    """Return SM3 as signatures name it."""
    return algos.DigestAlgorithm({"algorithm": SM3})


def signature_algorithm() -> algos.SignedDigestAlgorithm:
    """Return SM2 with SM3 as signatures name it."""
    return algos.SignedDigestAlgorithm({"algorithm": SM2_WITH_SM3})

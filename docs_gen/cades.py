"""A detached CAdES signature (ETSI EN 319 122-1) put together from what is prepared for its key.

Only the document's digest and the signature differ from one certificate to the next. Who verifies
writes the signature again by the same rules, so that nothing else can stand in its place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from asn1crypto import algos, cms, core
from asn1crypto import x509 as asn1_x509
from pyhanko.sign.general import as_signing_certificate_v2

from docs_gen.der import OCTETS, OPTION_0, OPTION_1, SEQUENCE, SET, element, set_of

VERSION_1 = core.Integer(1).dump()
SIGNED_DATA, DATA = (cms.ContentType(name).dump() for name in ("signed_data", "data"))
SHA256 = algos.DigestAlgorithm({"algorithm": "sha256"})
SHA256_ECDSA = algos.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"})
STAMPED = "signature_time_stamp_token"
STAMP_TYPE = cms.CMSAttributeType(STAMPED).dump()
LONGEST_SIGNATURE = 72
MOST_KEYS = 256


@dataclass(frozen=True, slots=True)
class Envelope:
    """What all signatures by one key have alike, as DER."""

    signer: bytes
    certificates: tuple[bytes, ...]
    promises: tuple[bytes, ...]

    @property
    def room(self) -> int:
        """How many bytes a signature takes at most."""
        return len(self.closed(self.attributes(bytes(32)), bytes(LONGEST_SIGNATURE)))

    def attributes(self, digest: bytes) -> bytes:
        """Return what the key is to sign for a document with this SHA-256."""
        return set_of((*self.promises, _attribute("message_digest", digest)))

    def closed(self, attributes: bytes, signature: bytes, token: bytes | None = None) -> bytes:
        """Return the whole signature, for a PDF's place, with its time-stamp if there is one."""
        return whole(self.signer, self.certificates, attributes, signature, token)


@lru_cache(MOST_KEYS)
def prepare(signer: bytes, chain: tuple[bytes, ...]) -> Envelope:
    """Prepare for a key by its certificate and the CAs that go along with it (DER).

    Roots stay out: who verifies has them, or has no reason to trust them.
    """
    certificate = asn1_x509.Certificate.load(signer)
    protected = cms.CMSAlgorithmProtection(
        {"digest_algorithm": SHA256, "signature_algorithm": SHA256_ECDSA}
    )
    promises = (
        _attribute("content_type", "data"),
        _attribute("signing_certificate_v2", as_signing_certificate_v2(certificate)),
        _attribute("cms_algorithm_protection", protected),
    )
    cas = map(asn1_x509.Certificate.load, chain)
    above = (ca.dump() for ca in cas if ca.self_signed == "no")
    return Envelope(named(certificate), (signer, *above), promises)


def _attribute(kind: str, value: object) -> bytes:
    said: bytes = cms.CMSAttribute({"type": kind, "values": (value,)}).dump()
    return said


def identity(certificate: asn1_x509.Certificate) -> cms.IssuerAndSerialNumber:
    """Return how a signature names its signer: by issuer and serial number."""
    return cms.IssuerAndSerialNumber(
        {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
    )


def named(certificate: asn1_x509.Certificate) -> bytes:
    """Return a signer's identity as DER."""
    name: bytes = identity(certificate).dump()
    return name


def token_of(signer_info: cms.SignerInfo) -> bytes | None:
    """Return the time-stamp token that is all that stands beside a signature, if it is."""
    beside = list(signer_info["unsigned_attrs"])
    if len(beside) != 1 or beside[0]["type"].native != STAMPED or len(beside[0]["values"]) != 1:
        return None
    token: bytes = beside[0]["values"][0].dump()
    return token


def whole(
    signer: bytes, certificates: Iterable[bytes], attributes: bytes, signature: bytes,
    token: bytes | None = None,
) -> bytes:  # fmt: skip
    """Return a signature in the one way in which we write it.

    `attributes` is the set that was signed, as DER, and `token` the time-stamp over the signature.
    """
    stamped = element(SEQUENCE, STAMP_TYPE, element(SET, token)) if token is not None else b""
    told = element(
        SEQUENCE, VERSION_1, signer, SHA256.dump(), bytes((OPTION_0,)), attributes[1:],
        SHA256_ECDSA.dump(), element(OCTETS, signature),
        element(OPTION_1, stamped) if stamped else b"",
    )  # fmt: skip
    signed = element(
        SEQUENCE, VERSION_1, set_of([SHA256.dump()]), element(SEQUENCE, DATA),
        bytes((OPTION_0,)), set_of(set(certificates))[1:], set_of([told]),
    )  # fmt: skip
    return element(SEQUENCE, SIGNED_DATA, element(OPTION_0, signed))

"""A detached SM2 signature over a file, in the message syntax of GB/T 35275 (GM/T 0010).

It is PKCS#7's SignedData with China's own object identifiers, SM3 digests and SM2 signatures. Who
verifies writes it again by the same rules, so that nothing else can stand in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from asn1crypto import cms, core
from asn1crypto import x509 as asn1_x509
from cryptography import x509

from docs_gen import sm2
from docs_gen.ca import DEMO_MARK, is_demo
from docs_gen.cades import named
from docs_gen.der import OCTETS, OPTION_0, SEQUENCE, element, set_of
from docs_gen.keyfiles import DER
from docs_gen.sm2certs import digest_algorithm, signature_algorithm

DATA, SIGNED_DATA = (f"1.2.156.10197.6.1.4.2.{arc}" for arc in (1, 2))
CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME, SIGNER = (
    "content_type", "message_digest", "signing_time", "signing_certificate_v2",
)  # fmt: skip
ATTRIBUTES: Final = frozenset({CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME, SIGNER})
VERSION: Final = core.Integer(1).dump()
MOST_BYTES: Final = 64 * 1024
DIGEST_BYTES: Final = 32


class NoSignatureError(ValueError):
    """Some bytes that are no SM2 signature of the form that we write."""


@dataclass(frozen=True, slots=True)
class Sm2Seal:
    """An authority's SM2 key, its certificate, and the CAs above it."""

    key: sm2.PrivateKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def demo(self) -> bool:
        """Whether it is one of the demonstration."""
        return is_demo(self.certificate)

    def sign(self, digest: bytes, at: datetime) -> bytes:
        """Sign a file by its SM3 digest, as of a moment; the signature is another each time."""
        if len(digest) != DIGEST_BYTES:
            raise ValueError("expected an SM3 digest")
        signer = asn1_x509.Certificate.load(self.certificate.public_bytes(DER))
        promised = _attributes(digest, at, signer)
        # A root stays out: who verifies has it, or has no reason to trust it.
        above = [ca.public_bytes(DER) for ca in self.chain if ca.subject != ca.issuer]
        return _whole(signer, [signer.dump(), *above], promised, self.key.sign(promised))


@dataclass(frozen=True, slots=True)
class Sm2Signature:
    """What a signature says of itself; `sound` is whether its signer's key made it so."""

    digest: bytes
    signed_at: datetime
    signer: asn1_x509.Certificate
    name: str
    demo: bool
    brought: frozenset[bytes]
    sound: bool


def read_signature(content: bytes) -> Sm2Signature:
    """Return what a detached signature says; NoSignatureError for what is none of SM2."""
    if len(content) > MOST_BYTES:
        raise NoSignatureError("too long for a signature")
    try:
        return _read(content)
    except Exception as error:  # noqa: BLE001 (foreign bytes raise whatever they lead to)
        raise NoSignatureError(str(error) or type(error).__name__) from None


def _read(content: bytes) -> Sm2Signature:
    whole = cms.ContentInfo.load(content)
    if whole["content_type"].dotted != SIGNED_DATA:
        raise NoSignatureError("no signed data of GB/T 35275")
    data = whole["content"].parse(cms.SignedData)
    [told] = data["signer_infos"]
    brought = [one.chosen for one in data["certificates"]]
    [signer] = [one for one in brought if named(one) == told["sid"].chosen.dump()]
    point = sm2.point_of(signer.public_key.dump())
    attributes = told["signed_attrs"].untag().dump()
    found = {one["type"].native: one["values"] for one in told["signed_attrs"]}
    if found.keys() != ATTRIBUTES:
        raise NoSignatureError("other signed attributes than ours")
    [digest], [at] = found[MESSAGE_DIGEST], found[SIGNING_TIME]
    signature = told["signature"].native
    said = _attributes(digest.native, at.native, signer)
    written = _whole(signer, {one.dump() for one in brought}, said, signature)
    return Sm2Signature(
        digest=digest.native,
        signed_at=at.native,
        signer=signer,
        name=str(signer.subject.native.get("common_name", "")),
        demo=any(DEMO_MARK in name.human_friendly for name in (signer.subject, signer.issuer)),
        brought=frozenset(one.dump() for one in brought) - {signer.dump()},
        sound=written == content and said == attributes and sm2.verify(point, said, signature),
    )


def _attributes(digest: bytes, at: datetime, signer: asn1_x509.Certificate) -> bytes:
    """Return what is signed for a file of this SM3 digest, as DER."""
    whole = at.astimezone(UTC).replace(microsecond=0)
    certificate = {
        "hash_algorithm": digest_algorithm(),
        "cert_hash": sm2.sm3(signer.dump()),
    }
    said: Sequence[tuple[str, object]] = (
        (CONTENT_TYPE, DATA),
        (MESSAGE_DIGEST, digest),
        (SIGNING_TIME, cms.Time({"utc_time": whole})),
        (SIGNER, {"certs": [certificate]}),
    )
    return set_of(cms.CMSAttribute({"type": kind, "values": [one]}).dump() for kind, one in said)


def _whole(
    signer: asn1_x509.Certificate, certificates: Iterable[bytes], attributes: bytes,
    signature: bytes,
) -> bytes:  # fmt: skip
    digest = digest_algorithm().dump()
    told = element(
        SEQUENCE, VERSION, named(signer), digest, bytes((OPTION_0,)), attributes[1:],
        signature_algorithm().dump(), element(OCTETS, signature),
    )  # fmt: skip
    signed = element(
        SEQUENCE, VERSION, set_of([digest]),
        element(SEQUENCE, core.ObjectIdentifier(DATA).dump()),
        bytes((OPTION_0,)), set_of(set(certificates))[1:], set_of([told]),
    )  # fmt: skip
    return element(SEQUENCE, core.ObjectIdentifier(SIGNED_DATA).dump(), element(OPTION_0, signed))

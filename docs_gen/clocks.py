"""Time-stamp tokens (RFC 3161): whose count, and what one proves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from asn1crypto import cms, tsp, x509
from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
from pyhanko.sign.validation.status import TimestampSignatureStatus

from docs_gen.cades import identity
from docs_gen.validation import certificate, context


@dataclass(frozen=True, slots=True)
class Clocks:
    """Whose time-stamps count: the CAs of time-stamping authorities and their CRLs (DER)."""

    certificates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a sound token says; it proves nothing unless one of our clocks gave it."""

    at: datetime
    trusted: bool


def bare(token: bytes) -> bytes:
    """Return a token (DER) with what its signature holds, its signer's certificate and no more.

    The certificates above it are in the trust list and in what is kept beside the signature of a
    document. Any exception for what is no token of one signer.
    """
    data = cms.ContentInfo.load(token, strict=True)["content"]
    [told] = data["signer_infos"]
    [signer] = [one.chosen for one in data["certificates"] if _is_named(one.chosen, told["sid"])]
    digest = cms.DigestAlgorithm({"algorithm": told["digest_algorithm"]["algorithm"]})
    written = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier({"issuer_and_serial_number": identity(signer)}),
            "digest_algorithm": digest,
            "signed_attrs": told["signed_attrs"],
            "signature_algorithm": _plain(told["signature_algorithm"]),
            "signature": told["signature"],
        }
    )
    signed = cms.SignedData(
        {
            "version": "v3",
            "digest_algorithms": [digest],
            "encap_content_info": data["encap_content_info"],
            "certificates": [signer],
            "signer_infos": [written],
        }
    )
    whole: bytes = cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump()
    return whole


def _is_named(certificate: x509.Certificate, sid: cms.SignerIdentifier) -> bool:
    if sid.name == "issuer_and_serial_number":
        named = sid.chosen
        return bool(
            named["issuer"] == certificate.issuer
            and named["serial_number"].native == certificate.serial_number
        )
    return bool(sid.chosen.native == certificate.key_identifier)


def _plain(algorithm: cms.SignedDigestAlgorithm) -> cms.SignedDigestAlgorithm:
    """Return an algorithm without what changes nothing; what PSS says is needed."""
    if algorithm["algorithm"].native == "rsassa_pss":
        return algorithm
    return cms.SignedDigestAlgorithm({"algorithm": algorithm["algorithm"]})


async def judge(token: bytes, sha256: bytes, clocks: Clocks, now: datetime | None) -> Stamp | None:
    """Return what a token (DER) says of something's SHA-256; None if it is not sound.

    The authority's chain is judged as of now, or without it as of what the token says itself. A
    token that is not `bare` is not sound: anybody could have put more into it.
    """
    try:
        info = cms.ContentInfo.load(token, strict=True)
        if info["content_type"].native != "signed_data":
            return None
        is_bare = bare(token) == token
        said = info["content"]["encap_content_info"]["content"].parsed
        at = said["gen_time"].native
        roots = [one for one in clocks.certificates if certificate(one).self_issued]
        others = [one for one in clocks.certificates if one not in roots]
        found = TimestampSignatureStatus(
            **await validate_tst_signed_data(
                info["content"],
                context(roots, others, clocks.crls, now or at),
                {"sha256": sha256}.__getitem__,
            )
        )
    except Exception:  # noqa: BLE001 (a broken token raises whatever its bytes lead to)
        return None
    sound = isinstance(said, tsp.TSTInfo) and found.intact and found.valid and is_bare
    return Stamp(at, found.trusted) if sound else None

"""Time-stamp tokens (RFC 3161): whose count, and what one proves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from asn1crypto import cms, tsp
from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
from pyhanko.sign.validation.status import TimestampSignatureStatus

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


async def judge(token: bytes, sha256: bytes, clocks: Clocks, now: datetime | None) -> Stamp | None:
    """Return what a token (DER) says of something's SHA-256; None if it is not sound.

    The authority's chain is judged as of now, or without it as of what the token says itself.
    """
    try:
        info = cms.ContentInfo.load(token, strict=True)
        if info["content_type"].native != "signed_data":
            return None
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
    sound = isinstance(said, tsp.TSTInfo) and found.intact and found.valid
    return Stamp(at, found.trusted) if sound else None

"""Is this file a certificate of ours, and unchanged? What a file can say of itself.

Whether the register knows it and calls it valid is for the service to join; offline there is only
this.
"""

from __future__ import annotations

import enum
import hashlib
import io
import logging
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from docs_gen import cades
from docs_gen.ca import CLOCK_SLACK, DEMO_MARK
from docs_gen.numbers import is_identifier
from docs_gen.trust import TrustList

# pyHanko logs every chain that does not hold; here that is the answer, and no news for stderr.
for _name in ("pyhanko", "pyhanko_certvalidator"):
    logging.getLogger(_name).addHandler(logging.NullHandler())

MAX_BYTES = 5 * 1024 * 1024
MOST_PARSED = 1024
PDF_MARK = b"%PDF-"


class Verdict(enum.StrEnum):
    """What is to be thought of a file or a number; the words are for clients to choose."""

    GENUINE = "genuine"
    ALTERED = "altered"
    UNKNOWN = "unknown"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    UNREADABLE = "unreadable"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on a file's own word; `number` is read from it and proves nothing alone."""

    verdict: Verdict
    sha256: str
    number: str | None = None
    signer: str | None = None
    signed_at: datetime | None = None
    demo: bool = False


async def verify(content: bytes, trust: TrustList, now: datetime) -> Finding:
    """Judge a PDF by its one signature, our chain, our CRLs, and whole-file coverage.

    Nothing is fetched. A stranger's key is valid in itself, so only a chain of ours counts; where
    a CRL of that chain is stale or missing, or the chain's time is over, the answer is cannot_tell
    and never genuine. What calls itself ours and does not hold is altered, all else is unknown. A
    list that is not fresh finds nothing genuine and nothing unknown: a newer one might say more.
    """
    finding = await _found(content, trust, now)
    if finding.verdict in {Verdict.GENUINE, Verdict.UNKNOWN} and not trust.is_fresh(now):
        return replace(finding, verdict=Verdict.CANNOT_TELL)
    return finding


async def _found(content: bytes, trust: TrustList, now: datetime) -> Finding:
    sha256 = hashlib.sha256(content).hexdigest()
    if len(content) > MAX_BYTES or not content.startswith(PDF_MARK):
        return Finding(Verdict.UNREADABLE, sha256)
    try:
        reader = PdfFileReader(io.BytesIO(content), strict=False)
        number = _number(reader)
        signatures = list(reader.embedded_signatures)
    except Exception:  # noqa: BLE001 (a broken file raises whatever its bytes lead to)
        return Finding(Verdict.UNREADABLE, sha256)
    claims = number is not None and is_identifier(number)
    failed = Finding(Verdict.ALTERED if claims else Verdict.UNKNOWN, sha256, number)
    if len(signatures) != 1:
        return failed
    try:
        return await _judge(signatures[0], content, trust, now, failed)
    except Exception:  # noqa: BLE001 (and so does a broken signature)
        return failed


async def _judge(
    signature: EmbeddedPdfSignature, content: bytes, trust: TrustList, now: datetime,
    failed: Finding,
) -> Finding:  # fmt: skip
    status = await async_validate_pdf_signature(signature, _context(trust, now))
    certificate = status.signing_cert
    whole = status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    sound, ours = status.intact and status.valid and whole, trust.issued(certificate.dump())
    if not ours:
        return replace(failed, verdict=Verdict.UNKNOWN) if sound else failed
    if not sound:
        return replace(failed, verdict=Verdict.ALTERED)
    names = (certificate.subject, certificate.issuer)
    return Finding(
        _verdict(status, trust, now) if _is_exact(signature, content, trust) else Verdict.ALTERED,
        failed.sha256,
        failed.number,
        signer=str(certificate.subject.native.get("common_name", "")),
        signed_at=status.signer_reported_dt,
        demo=any(DEMO_MARK in name.human_friendly for name in names),
    )


def _verdict(status: PdfSignatureStatus, trust: TrustList, now: datetime) -> Verdict:
    """Return what an intact signature by one of our CAs' certificates is worth."""
    if status.revoked:
        return Verdict.REVOKED
    if status.trusted and not status.bottom_line:
        # A good chain and yet not sound: something that the signature itself forbids.
        return Verdict.ALTERED
    path = status.validation_path
    if path is None or not status.bottom_line:
        return Verdict.CANNOT_TELL
    checked = (one.dump() for one in path if one.dump() not in trust.roots)
    current = all(trust.is_current(certificate, now) for certificate in checked)
    return Verdict.GENUINE if current else Verdict.CANNOT_TELL


def _is_exact(signature: EmbeddedPdfSignature, content: bytes, trust: TrustList) -> bool:
    """Say whether the place of the signature holds nothing but what we put there.

    No signature covers its own place: bytes after it, further certificates and unsigned attributes
    could be changed at will. So it is written again from what matters, as signing writes it.
    """
    data = signature.signed_data
    signer = signature.signer_cert
    ours = {*trust.roots, *trust.intermediates, signer.dump()}
    if not {one.chosen.dump() for one in data["certificates"]} <= ours:
        return False
    [told] = data["signer_infos"]
    written = cades.whole(
        cades.named(signer),
        [one.chosen.dump() for one in data["certificates"]],
        told["signed_attrs"].untag().dump(),
        told["signature"].native,
    )
    _, start, end, _ = (int(offset) for offset in signature.byte_range)
    text = written.hex().upper().encode()
    return content[start:end] == b"<" + text.ljust(end - start - 2, b"0") + b">"


def _context(trust: TrustList, now: datetime) -> ValidationContext:
    return ValidationContext(
        trust_roots=list(map(_certificate, trust.roots)),
        other_certs=list(map(_certificate, trust.intermediates)),
        crls=list(map(_crl, trust.crls)),
        allow_fetching=False,
        revocation_mode="require",
        moment=now,
        time_tolerance=CLOCK_SLACK,
    )


# A trust list's certificates and CRLs are the same from one file to the next, and parsed once.
@lru_cache(MOST_PARSED)
def _certificate(der: bytes) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(der)


@lru_cache(MOST_PARSED)
def _crl(der: bytes) -> asn1_crl.CertificateList:
    return asn1_crl.CertificateList.load(der)


def _number(reader: PdfFileReader) -> str | None:
    trailer = reader.trailer
    subject = trailer["/Info"].get("/Subject") if "/Info" in trailer else None
    return str(subject)[:200] if subject is not None else None

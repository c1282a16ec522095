"""Is this file a certificate of ours, and unchanged? What a file can say of itself.

Whether the register knows it and calls it valid is for the service to join; offline there is only
this.
"""

from __future__ import annotations

import enum
import hashlib
import io
from dataclasses import dataclass
from datetime import datetime, timedelta

from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.general import SigningError
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from docs_gen.trust import TrustList

MAX_BYTES = 5 * 1024 * 1024
PDF_MARK = b"%PDF-"
CLOCK_SLACK = timedelta(minutes=10)


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

    Nothing is fetched. A stranger's key is valid in itself, so only a chain of ours counts;
    with a stale trust list the answer is cannot_tell and never genuine.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    if len(content) > MAX_BYTES or not content.startswith(PDF_MARK):
        return Finding(Verdict.UNREADABLE, sha256)
    try:
        reader = PdfFileReader(io.BytesIO(content), strict=False)
        number = _number(reader)
        signatures = list(reader.embedded_regular_signatures)
    except Exception:  # noqa: BLE001 (a broken file raises whatever its bytes lead to)
        return Finding(Verdict.UNREADABLE, sha256)
    if len(signatures) != 1:
        verdict = Verdict.ALTERED if signatures else Verdict.UNKNOWN
        return Finding(verdict, sha256, number)
    return await _judge(signatures[0], trust, now, sha256, number)


async def _judge(
    signature: EmbeddedPdfSignature, trust: TrustList, now: datetime, sha256: str,
    number: str | None,
) -> Finding:  # fmt: skip
    try:
        status = await async_validate_pdf_signature(signature, _context(trust, now))
        verdict = _verdict(status, trust, now)
    except (SignatureValidationError, SigningError, PdfError, ValueError, TypeError, KeyError):
        return Finding(Verdict.ALTERED, sha256, number)
    certificate = status.signing_cert
    subject = certificate.subject.native
    return Finding(
        verdict,
        sha256,
        number,
        signer=str(subject.get("common_name", "")),
        signed_at=status.signer_reported_dt,
        demo="演示" in certificate.subject.human_friendly,
    )


def _verdict(status: PdfSignatureStatus, trust: TrustList, now: datetime) -> Verdict:
    whole = status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    if not (status.intact and status.valid and whole):
        return Verdict.ALTERED
    if not _is_ours(status, trust):
        return Verdict.UNKNOWN
    if status.revoked:
        return Verdict.REVOKED
    if not trust.is_fresh(now):
        return Verdict.CANNOT_TELL
    if status.bottom_line:
        return Verdict.GENUINE
    # What follows a trusted signature is a change that it forbids.
    return Verdict.ALTERED if status.trusted else Verdict.UNKNOWN


def _is_ours(status: PdfSignatureStatus, trust: TrustList) -> bool:
    """Say whether a CA of ours issued the signer's certificate; its own path check comes after."""
    ours = [asn1_x509.Certificate.load(der) for der in (*trust.intermediates, *trust.roots)]
    issuers = {ca.subject.hashable for ca in ours}
    return status.signing_cert.issuer.hashable in issuers


def _context(trust: TrustList, now: datetime) -> ValidationContext:
    return ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(der) for der in trust.roots],
        other_certs=[asn1_x509.Certificate.load(der) for der in trust.intermediates],
        crls=[asn1_crl.CertificateList.load(der) for der in trust.crls],
        allow_fetching=False,
        revocation_mode="require",
        moment=now,
        time_tolerance=CLOCK_SLACK,
    )


def _number(reader: PdfFileReader) -> str | None:
    trailer = reader.trailer
    subject = trailer["/Info"].get("/Subject") if "/Info" in trailer else None
    return str(subject)[:200] if subject is not None else None

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
from datetime import date, datetime

from asn1crypto.x509 import Certificate
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel

from docs_gen import cades
from docs_gen.ca import DEMO_MARK
from docs_gen.clocks import Clocks, Stamp, judge
from docs_gen.data import LAST_DAY
from docs_gen.numbers import CODE_LENGTH, is_identifier, issuer_code
from docs_gen.trustlist import TrustList
from docs_gen.validation import context, crls_of, names_above

# pyHanko logs every chain that does not hold; here that is the answer, and no news for stderr.
for _name in ("pyhanko", "pyhanko_certvalidator"):
    logging.getLogger(_name).addHandler(logging.NullHandler())
    logging.getLogger(_name).propagate = False

MAX_BYTES = 5 * 1024 * 1024
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
    """The verdict on a file's own word; `number` is read from it and proves nothing alone.

    So is `valid_until`, its last day, which the verdict leaves to the caller: it is on the
    signature, and one that is past its last day was signed all the same.
    """

    verdict: Verdict
    sha256: str
    number: str | None = None
    signer: str | None = None
    signed_at: datetime | None = None
    demo: bool = False
    stamped_at: datetime | None = None
    valid_until: date | None = None


async def verify(
    content: bytes, trust: TrustList, now: datetime, *, token: bytes | None = None
) -> Finding:
    """Judge a PDF by its one signature, our chain, our CRLs, and whole-file coverage.

    What one of our clocks has stamped is judged as of its stamp, so that neither the end of its
    seal's certificate nor a later revocation takes anything from it. `token` is a stamp over the
    whole file that is kept apart from it; one in the file comes first.

    Nothing is fetched. A stranger's key is valid in itself, so only a chain of ours counts; where
    a CRL of that chain is stale or missing, or the chain's time is over, the answer is cannot_tell
    and never genuine. What calls itself ours and does not hold is altered, all else is unknown. A
    list that is not fresh finds nothing genuine and nothing unknown: a newer one might say more.
    """
    finding = await _found(content, token, trust, now)
    if finding.verdict in {Verdict.GENUINE, Verdict.UNKNOWN} and not trust.is_fresh(now):
        return replace(finding, verdict=Verdict.CANNOT_TELL)
    return finding


async def _found(content: bytes, token: bytes | None, trust: TrustList, now: datetime) -> Finding:
    sha256 = hashlib.sha256(content).hexdigest()
    if len(content) > MAX_BYTES or not content.startswith(PDF_MARK):
        return Finding(Verdict.UNREADABLE, sha256)
    try:
        reader = PdfFileReader(io.BytesIO(content), strict=False)
        number, last_day = _told(reader, "/Subject"), _last_day(reader)
        signatures = list(reader.embedded_signatures)
    except Exception:  # noqa: BLE001 (a broken file raises whatever its bytes lead to)
        return Finding(Verdict.UNREADABLE, sha256)
    claims = number is not None and is_identifier(number)
    verdict = Verdict.ALTERED if claims else Verdict.UNKNOWN
    failed = Finding(verdict, sha256, number, valid_until=last_day)
    if len(signatures) != 1:
        return failed
    try:
        return await _judge(_File(signatures[0], content, token), trust, now, failed)
    except Exception:  # noqa: BLE001 (and so does a broken signature)
        return failed


@dataclass(frozen=True, slots=True)
class _File:
    """A file with its one signature, and the stamp over it that is kept apart."""

    signature: EmbeddedPdfSignature
    content: bytes
    apart: bytes | None

    @property
    def is_to_be_stamped(self) -> bool:
        """Whether what a stamp is judged by was signed with the page."""
        return "/DSS" in self.signature.reader.root

    @property
    def inside(self) -> bytes | None:
        """The stamp that is in the file."""
        return cades.token_of(self.signature.signer_info)

    async def stamp(self, clocks: Clocks, now: datetime) -> Stamp | None:
        """Return what the stamp in the file says of the signature, or the one apart of the file."""
        if self.inside is not None:
            signed = self.signature.signer_info["signature"].native
            return await judge(self.inside, hashlib.sha256(signed).digest(), clocks, now)
        if self.apart is not None:
            return await judge(self.apart, hashlib.sha256(self.content).digest(), clocks, now)
        return None


async def _judge(file: _File, trust: TrustList, now: datetime, failed: Finding) -> Finding:
    stamp = await file.stamp(trust.clocks, now)
    proved = stamp.at if stamp is not None and stamp.trusted else None
    status = await _status(file.signature, trust, now, proved)
    certificate = status.signing_cert
    whole = status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    sound, ours = status.intact and status.valid and whole, trust.issued(certificate.dump())
    if not ours:
        return replace(failed, verdict=Verdict.UNKNOWN) if sound else failed
    if not sound:
        return replace(failed, verdict=Verdict.ALTERED)
    names = (certificate.subject, certificate.issuer)
    has_stamp = file.inside is not None and stamp is not None
    exact = (
        _is_exact(file, trust) and has_stamp == file.is_to_be_stamped
        and is_own(certificate, failed.number)
    )  # fmt: skip
    return Finding(
        _verdict(status, trust, now) if exact else Verdict.ALTERED,
        failed.sha256,
        failed.number,
        signer=str(certificate.subject.native.get("common_name", "")),
        signed_at=status.signer_reported_dt,
        demo=any(DEMO_MARK in name.human_friendly for name in names),
        stamped_at=proved,
        valid_until=failed.valid_until,
    )


async def _status(
    signature: EmbeddedPdfSignature, trust: TrustList, now: datetime, proved: datetime | None
) -> PdfSignatureStatus:
    """Return what pyHanko finds as of the time that is proved, or as of now."""
    moment, since = proved or now, proved is not None
    crls = crls_of(names_above(signature.signer_cert, trust.intermediates), trust.crls)
    judged_by = context(trust.roots, trust.intermediates, crls, moment, since=since)
    status = await async_validate_pdf_signature(signature, judged_by)
    # The stamp is judged apart, for clocks have roots of their own.
    return replace(status, timestamp_validity=None)


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


def is_own(certificate: Certificate, number: str | None) -> bool:
    """Say whether a seal stands under a number of its own authority.

    Else one stolen seal would make certificates of every authority. A seal that names no unified
    social credit code, as another operator's CA may issue it, says nothing of that.
    """
    code = certificate.subject.native.get("organization_identifier")
    if number is None or not isinstance(code, str) or len(code) != CODE_LENGTH:
        return True
    return is_identifier(number) and issuer_code(number) == code


def _is_exact(file: _File, trust: TrustList) -> bool:
    """Say whether the place of the signature holds nothing but what we put there.

    No signature covers its own place: bytes after it, further certificates and unsigned attributes
    could be changed at will. So it is written again from what matters, as signing writes it; of a
    stamp its authority's own words are taken as they are.
    """
    data = file.signature.signed_data
    signer = file.signature.signer_cert
    brought = {one.chosen.dump() for one in data["certificates"]}
    if not trust.is_chain(signer.dump(), brought - {signer.dump()}):
        return False
    [told] = data["signer_infos"]
    written = cades.whole(
        cades.named(signer),
        brought,
        told["signed_attrs"].untag().dump(),
        told["signature"].native,
        file.inside,
    )
    first, start, end, rest = (int(offset) for offset in file.signature.byte_range)
    if first != 0 or end + rest != len(file.content):
        # pyHanko holds the file's length against that of the signature it has read, which need
        # not stand in this place: an update that makes up for the difference it calls covered.
        return False
    text = written.hex().upper().encode()
    return file.content[start:end] == b"<" + text.ljust(end - start - 2, b"0") + b">"


def _told(reader: PdfFileReader, name: str) -> str | None:
    trailer = reader.trailer
    told = trailer["/Info"].get(name) if "/Info" in trailer else None
    return str(told)[:200] if told is not None else None


def _last_day(reader: PdfFileReader) -> date | None:
    """Return a certificate's last day; None where a file does not say it, as those of before."""
    try:
        return date.fromisoformat(_told(reader, f"/{LAST_DAY}") or "")
    except ValueError:
        return None

"""Certificates, verdicts and settlements on the wire."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from server.cases.messages import FieldText, Name
from server.certificates import models
from server.certificates.rules import Cause, CertificateState, Outcome, VerdictKind
from server.errors import ServiceError
from server.web.http import Message, RowId

Kind = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Number = Annotated[str, StringConstraints(min_length=1, max_length=120)]


class CertificateOrder(Message):
    """Which kind of certificate."""

    kind: Kind


class RevocationOrder(Message):
    """Why a certificate counts no more."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=500)]


class CorrectionDraft(Message):
    """The jurisdiction's values as they should be, by the names of their fields."""

    values: Annotated[dict[Name, FieldText], Field(max_length=50)]


class CorrectionOrder(CorrectionDraft):
    """What was wrong, and the values as they should be."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=500)]


class Difference(Message):
    """One value that the new certificate has otherwise than the old one."""

    name: str
    label: str
    old: str
    new: str


class RecallAnswer(Message):
    """What the hall did about what it had settled with a certificate that fell."""

    outcome: Outcome
    remark: Annotated[str, StringConstraints(max_length=500)] = ""


class SettlementOrder(Message):
    """What the local transaction is called in its own system; without certificate on a promise."""

    certificate_id: RowId | None = None
    reference: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    remark: Annotated[str, StringConstraints(max_length=500)] = ""


class NumberAndCode(Message):
    """What stands on the paper."""

    number: Number
    check_code: Annotated[str, StringConstraints(min_length=1, max_length=40)]


class NumberAndToken(Message):
    """What the QR code holds: the number in its path, the token in its fragment."""

    number: Number
    token: Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class Receipt(Message):
    """Who relied on a certificate, for what, when."""

    id: str
    hall_name: str
    by: str
    purpose: str
    reference: str
    at: datetime


class StatusListPlace(Message):
    """Whose status list there is of which year; `changes` grows whenever it says something new."""

    issuer_code: str
    year: int
    changes: int


class StatusListIndex(Message):
    """Every status list that there is, the newest years first."""

    lists: list[StatusListPlace]


class PendingRevocation(Message):
    """Who asked that a certificate be revoked, and why; another clerk decides."""

    id: str
    asked_by: str
    asked_by_name: str
    asked_at: datetime
    reason: str

    @classmethod
    def of(cls, row: models.RevocationRequest, reason: str) -> PendingRevocation:
        """Build from an open request's row and the opened reason."""
        return cls(
            id=row.id,
            asked_by=row.asked_by,
            asked_by_name=row.asked_by_name,
            asked_at=row.asked_at,
            reason=reason,
        )


class RevocationRequest(Message):
    """An open request, with what it is about."""

    case_id: str
    case_number: str
    certificate_id: str
    title: str
    number: str
    pending: PendingRevocation


class RevocationList(Message):
    """What waits for a second person's decision, oldest first."""

    requests: list[RevocationRequest]


class Recall(Message):
    """A certificate that fell after a hall had settled with it, and what the hall answered."""

    id: str
    certificate_id: str
    case_id: str
    case_number: str
    title: str
    number: str
    cause: Cause
    reason: str
    superseded_by: str | None
    made_at: datetime
    due_at: datetime
    hall: str
    hall_name: str
    reference: str
    settled_by: str
    settled_at: datetime
    outcome: Outcome | None
    remark: str
    acknowledged_by: str | None
    acknowledged_at: datetime | None


class RecallList(Message):
    """What halls have not answered yet, oldest first."""

    recalls: list[Recall]


class Certificate(Message):
    """A certificate as the clerks of both sides see it."""

    id: str
    case_id: str
    kind: str
    title: str
    number: str
    check_code: str
    state: CertificateState
    issuer: str
    issued_by: str
    issued_at: datetime
    valid_until: date | None
    sha256: str
    verify_url: str
    demo: bool
    pending_revocation: PendingRevocation | None
    superseded_by: str | None
    sm2_signed_at: datetime | None
    receipts: list[Receipt]
    recalls: list[Recall]

    @classmethod
    def of(
        cls,
        row: models.Certificate,
        verify_url: str,
        *,
        receipts: list[Receipt],
        recalls: list[Recall],
        pending: PendingRevocation | None,
        superseded_by: str | None,
        sm2_signed_at: datetime | None,
    ) -> Certificate:
        """Build from a released certificate's row; certificate.unknown for a reserved one."""
        if row.state is CertificateState.RESERVED or row.issued_at is None or row.sha256 is None:
            raise ServiceError("certificate.unknown")
        return cls(
            id=row.id,
            case_id=row.case_id,
            kind=row.kind,
            title=row.title,
            number=row.number,
            check_code=row.check_code,
            state=row.state,
            issuer=row.issuer,
            issued_by=row.issued_by_name,
            issued_at=row.issued_at,
            valid_until=row.valid_until,
            sha256=row.sha256,
            verify_url=verify_url,
            demo=row.demo,
            pending_revocation=pending,
            superseded_by=superseded_by,
            sm2_signed_at=sm2_signed_at,
            receipts=receipts,
            recalls=recalls,
        )


class CertificateList(Message):
    """A case's certificates, oldest first."""

    certificates: list[Certificate]


class Verdict(Message):
    """What anyone may know of a certificate; a miss has no more than its verdict.

    Which certificate has superseded it is told to the clerks of its case only.
    """

    verdict: VerdictKind
    number: str | None = None
    issuer: str | None = None
    title: str | None = None
    holder: str | None = None
    issued_on: date | None = None
    valid_until: date | None = None
    demo: bool | None = None
    superseded_by: str | None = None
    stamped_at: datetime | None = None
    checked_at: datetime


class Settlement(Message):
    """The local transaction that the case ended in."""

    case_id: str
    certificate_id: str | None
    reference: str
    remark: str
    by: str
    at: datetime

    @classmethod
    def of(cls, row: models.Settlement, remark: str) -> Settlement:
        """Build from its row and the opened remark."""
        return cls(
            case_id=row.case_id,
            certificate_id=row.certificate_id,
            reference=row.reference,
            remark=remark,
            by=row.by_name,
            at=row.at,
        )


class RevocationChanged(Message):
    """A request to revoke was made, decided or withdrawn: ask again."""

    case_id: str
    certificate_id: str


class RecallChanged(Message):
    """A hall was told that a certificate fell, or has answered: ask again."""

    case_id: str
    certificate_id: str


class CertificateSigned(Message):
    """A certificate has its SM2 signature now: ask for the case's certificates again."""

    case_id: str
    certificate_id: str


NOTICES: dict[str, type[Message]] = {
    "certificate.signed": CertificateSigned,
    "revocation.changed": RevocationChanged,
    "recall.changed": RecallChanged,
}

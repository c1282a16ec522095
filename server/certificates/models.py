"""Tables of certificates: the register, its serial numbers, their use, and what undoes them."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from server.certificates.rules import Cause, CertificateState, Outcome, RequestState
from server.db.base import Base

_RESERVED, _VALID = text("state = 'reserved'"), text("state = 'valid'")
_OPEN = text("state = 'open'")


class Certificate(Base):
    """One line of the register; from `valid` on only its state and why it changed are written.

    One that is revoked or superseded fell at `revoked_at`; a correction names what it `supersedes`
    from the moment it is reserved, and the other has it as `superseded_by` from its release.
    `attempt` counts how often the facts of a reserved certificate were taken anew: who draws an
    older attempt cannot release it. `case_seq` and `case_hash` are the head of the case log that
    the facts were taken from. `review_id` is the approval of a second clerk that was asked for when
    it was reserved; none was where there is none.
    """

    __tablename__ = "certificate"
    __table_args__ = (
        UniqueConstraint("issuer_code", "year", "serial"),
        Index("ix_certificate_register", "jurisdiction", "issued_at", "id"),
        # At most one certificate of a case and kind is valid, and at most one on its way.
        Index(
            "uq_certificate_valid",
            "case_id",
            "kind",
            unique=True,
            sqlite_where=_VALID,
            postgresql_where=_VALID,
        ),
        Index(
            "uq_certificate_reserved",
            "case_id",
            "kind",
            unique=True,
            sqlite_where=_RESERVED,
            postgresql_where=_RESERVED,
        ),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("case_record.id"), index=True)
    kind: Mapped[str]
    title: Mapped[str]
    jurisdiction: Mapped[str]
    authority_id: Mapped[str]
    issuer: Mapped[str]
    issuer_code: Mapped[str]
    year: Mapped[int]
    serial: Mapped[int]
    number: Mapped[str] = mapped_column(unique=True)
    check_code: Mapped[str]
    state: Mapped[CertificateState]
    attempt: Mapped[int]
    template_version: Mapped[str]
    sealed_facts: Mapped[str]
    case_seq: Mapped[int]
    case_hash: Mapped[str]
    signing_at: Mapped[datetime]
    valid_until: Mapped[date | None]
    demo: Mapped[bool]
    issued_by: Mapped[str]
    issued_by_name: Mapped[str]
    issued_at: Mapped[datetime | None]
    sha256: Mapped[str | None] = mapped_column(unique=True)
    size: Mapped[int | None]
    pages: Mapped[int | None]
    qr_token: Mapped[str | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None]
    sealed_reason: Mapped[str | None]
    supersedes: Mapped[str | None] = mapped_column(ForeignKey("certificate.id"))
    superseded_by: Mapped[str | None] = mapped_column(ForeignKey("certificate.id"))
    review_id: Mapped[str | None] = mapped_column(ForeignKey("issue_review.id"), unique=True)


class CertificateStamp(Base):
    """When a certificate is proved to have been signed: by a token in its file, or by this one.

    `token` is a time-stamp over the whole file, got after its release and kept apart from it, for
    released bytes never change.
    """

    __tablename__ = "certificate_stamp"

    certificate_id: Mapped[str] = mapped_column(ForeignKey("certificate.id"), primary_key=True)
    at: Mapped[datetime]
    token: Mapped[bytes | None]


class CertificateSm2(Base):
    """A certificate's detached SM2 signature, made after its release and kept apart from its file.

    Each one differs from the last, so the first that is kept counts.
    """

    __tablename__ = "certificate_sm2"

    certificate_id: Mapped[str] = mapped_column(ForeignKey("certificate.id"), primary_key=True)
    signed_at: Mapped[datetime]
    content: Mapped[bytes]


class CertificateSerial(Base):
    """The last serial number given out per issuing authority and year in China.

    `changes` counts how often one of these certificates came to stand otherwise.
    """

    __tablename__ = "certificate_serial"

    issuer_code: Mapped[str] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int]
    changes: Mapped[int]


class StatusList(Base):
    """The signed status list of an issuing authority and year, as it was published last.

    `changes` is what `CertificateSerial` had counted when it was made; its version only rises.
    """

    __tablename__ = "status_list"

    issuer_code: Mapped[str] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
    changes: Mapped[int]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    content: Mapped[bytes]


class Settlement(Base):
    """The local transaction that a case ended in; one per case."""

    __tablename__ = "settlement"

    case_id: Mapped[str] = mapped_column(ForeignKey("case_record.id"), primary_key=True)
    certificate_id: Mapped[str | None] = mapped_column(ForeignKey("certificate.id"), index=True)
    reference: Mapped[str]
    sealed_remark: Mapped[str]
    by: Mapped[str]
    by_name: Mapped[str]
    at: Mapped[datetime]


class Receipt(Base):
    """What the issuer is told of a certificate's use: who relied on it, for what, when."""

    __tablename__ = "usage_receipt"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    certificate_id: Mapped[str] = mapped_column(ForeignKey("certificate.id"), index=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("case_record.id"), unique=True)
    region: Mapped[str]
    hall: Mapped[str]
    by_name: Mapped[str]
    purpose: Mapped[str]
    reference: Mapped[str]
    at: Mapped[datetime]


class RevocationRequest(Base):
    """What one clerk asks and another decides on: that a certificate be revoked.

    A certificate has one open request at a time; closed ones stay.
    """

    __tablename__ = "revocation_request"
    __table_args__ = (
        Index(
            "uq_revocation_request_open",
            "certificate_id",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    certificate_id: Mapped[str] = mapped_column(ForeignKey("certificate.id"), index=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("case_record.id"), index=True)
    state: Mapped[RequestState]
    asked_by: Mapped[str]
    asked_by_name: Mapped[str]
    asked_at: Mapped[datetime]
    sealed_reason: Mapped[str]
    closed_by: Mapped[str | None]
    closed_at: Mapped[datetime | None]


class IssueReview(Base):
    """What one clerk wants to issue, and what another one has said to it.

    `sealed_basis` is exactly what was put before the other: facts, form and materials. `corrects`
    is the certificate in whose place it is to be issued, `case_seq` the head of the case's log when
    it was asked for. A case has one open review of a kind at a time; closed ones stay.
    """

    __tablename__ = "issue_review"
    __table_args__ = (
        Index(
            "uq_issue_review_open",
            "case_id",
            "kind",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("case_record.id"), index=True)
    kind: Mapped[str]
    title: Mapped[str]
    template_version: Mapped[str]
    corrects: Mapped[str | None] = mapped_column(String(32))
    state: Mapped[RequestState]
    sealed_basis: Mapped[str]
    case_seq: Mapped[int]
    asked_by: Mapped[str]
    asked_by_name: Mapped[str]
    asked_at: Mapped[datetime]
    sealed_reason: Mapped[str]
    closed_by: Mapped[str | None]
    closed_by_name: Mapped[str | None]
    closed_at: Mapped[datetime | None]
    sealed_answer: Mapped[str | None]


class Recall(Base):
    """What a hall is told that settled with a certificate which then fell, and what it answered."""

    __tablename__ = "recall"
    __table_args__ = (
        UniqueConstraint("certificate_id", "case_id"),
        Index("ix_recall_open", "hall", "acknowledged_at"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    certificate_id: Mapped[str] = mapped_column(ForeignKey("certificate.id"))
    case_id: Mapped[str] = mapped_column(ForeignKey("case_record.id"), index=True)
    hall: Mapped[str]
    cause: Mapped[Cause]
    sealed_reason: Mapped[str]
    made_at: Mapped[datetime]
    outcome: Mapped[Outcome | None]
    sealed_remark: Mapped[str | None]
    acknowledged_by: Mapped[str | None]
    acknowledged_by_name: Mapped[str | None]
    acknowledged_at: Mapped[datetime | None]

"""Tables of the shared case."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.cases.rules import CaseState, CheckKind, ConsentState, Origin, Side
from server.db.base import Base


class Case(Base):
    """The current reading of a case; its log is the truth."""

    __tablename__ = "case_record"
    __table_args__ = (
        Index("ix_case_record_local", "counter_region", "opened_at"),
        Index("ix_case_record_jurisdiction", "jurisdiction", "state", "opened_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    counter_region: Mapped[str]
    counter_hall: Mapped[str]
    counter: Mapped[str] = mapped_column(index=True)
    jurisdiction: Mapped[str]
    item_code: Mapped[str]
    item_version: Mapped[str]
    state: Mapped[CaseState]
    seq: Mapped[int]
    head_hash: Mapped[str]
    last_event_at: Mapped[datetime]
    wrapped_key: Mapped[str]
    sealed_applicant: Mapped[str]
    applicant_index: Mapped[str] = mapped_column(index=True)
    opened_by: Mapped[str] = mapped_column(index=True)
    opened_by_name: Mapped[str]
    opened_at: Mapped[datetime]
    agent_id: Mapped[str | None] = mapped_column(index=True)
    agent_name: Mapped[str | None]
    due_on: Mapped[str | None]


class CaseSerial(Base):
    """The last number given out per counter region and day in China."""

    __tablename__ = "case_serial"

    region: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[int]


class CaseEvent(Base):
    """One line of a case's log; never changed, never removed."""

    __tablename__ = "case_event"
    __table_args__ = (UniqueConstraint("case_id", "seq"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("case_record.id"))
    seq: Mapped[int]
    at: Mapped[datetime]
    actor: Mapped[dict[str, Any]]
    kind: Mapped[str]
    data: Mapped[dict[str, Any]]
    prev_hash: Mapped[str]
    hash: Mapped[str]


class CaseField(Base):
    """One field's current value, sealed, and how often it was written."""

    __tablename__ = "case_field"

    case_id: Mapped[str] = mapped_column(ForeignKey("case_record.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    sealed: Mapped[str | None]
    by: Mapped[str]
    at: Mapped[datetime]


class Material(Base):
    """A file of a case."""

    __tablename__ = "material"

    id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("case_record.id"), index=True)
    kind: Mapped[str]
    origin: Mapped[Origin]
    media_type: Mapped[str]
    size: Mapped[int]
    width: Mapped[int | None]
    height: Mapped[int | None]
    pages: Mapped[int]
    sha256: Mapped[str]
    file_name: Mapped[str]
    by: Mapped[str]
    at: Mapped[datetime]
    removed: Mapped[bool] = mapped_column(default=False)


class MaterialTick(Base):
    """One side's last word on a material."""

    __tablename__ = "material_tick"

    material_id: Mapped[str] = mapped_column(ForeignKey("material.id"), primary_key=True)
    side: Mapped[Side] = mapped_column(primary_key=True)
    accepted: Mapped[bool]
    remark: Mapped[str]
    by: Mapped[str]
    at: Mapped[datetime]


class Check(Base):
    """Who checked what, on which evidence, and with what result."""

    __tablename__ = "case_check"

    id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("case_record.id"), index=True)
    kind: Mapped[CheckKind]
    side: Mapped[Side]
    passed: Mapped[bool]
    evidence: Mapped[list[str]]
    sealed_remark: Mapped[str]
    by: Mapped[str]
    at: Mapped[datetime]


class Consent(Base):
    """The citizen's answer to the notice; a refused one may be asked for again."""

    __tablename__ = "consent"

    case_id: Mapped[str] = mapped_column(ForeignKey("case_record.id"), primary_key=True)
    state: Mapped[ConsentState]
    notice_version: Mapped[str]
    asked_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    signature_id: Mapped[str | None] = mapped_column(ForeignKey("material.id"))

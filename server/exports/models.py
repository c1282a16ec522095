"""Tables of exports."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from server.db.base import Base
from server.exports.rules import ExportFailure, ExportState

_CURRENT = text("state IN ('queued', 'composing', 'ready')")


class Export(Base):
    """A job: one film of a call, from its order to its end.

    `claim` names the attempt that composes it, which gave its last sign at `heard_at`. The film is
    in sealed pages under the job's own key; without that nothing of it can be read again.
    `emptied_at` is when the files of an export that came to nothing or is over were gone.
    """

    __tablename__ = "recording_export"
    __table_args__ = (
        Index("uq_recording_export_current", "call_id", unique=True,
              sqlite_where=_CURRENT, postgresql_where=_CURRENT),
        Index("ix_recording_export_due", "state", "expires_at"),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("case_record.id"))
    call_id: Mapped[str] = mapped_column(ForeignKey("call_record.id"), index=True)
    state: Mapped[ExportState]
    progress: Mapped[int] = mapped_column(default=0)
    code: Mapped[ExportFailure | None]
    damage: Mapped[dict[str, Any] | None]
    asked_at: Mapped[datetime]
    asked_by_name: Mapped[str]
    claim: Mapped[str | None]
    tries: Mapped[int] = mapped_column(default=0)
    heard_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    sealed_key: Mapped[str | None]
    media_type: Mapped[str | None]
    seconds: Mapped[float | None]
    size: Mapped[int | None] = mapped_column(BigInteger)
    pages: Mapped[int | None]
    sha256: Mapped[str | None]
    emptied_at: Mapped[datetime | None]


class ExportOrder(Base):
    """That a clerk asked for an export, and so may take it away; why is in the log."""

    __tablename__ = "recording_export_order"

    export_id: Mapped[str] = mapped_column(ForeignKey("recording_export.id"), primary_key=True)
    clerk_id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]

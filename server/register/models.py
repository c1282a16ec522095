"""The table of copies: every time staff took a certificate's file out of the register."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.db.base import Base


class Copy(Base):
    """One numbered copy; the file is the same each time, only who took it and why differs."""

    __tablename__ = "certificate_copy"
    __table_args__ = (UniqueConstraint("certificate_id", "number"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    certificate_id: Mapped[str] = mapped_column(ForeignKey("certificate.id"))
    number: Mapped[int]
    taken_by: Mapped[str]
    taken_by_name: Mapped[str]
    region: Mapped[str]
    sealed_reason: Mapped[str]
    taken_at: Mapped[datetime]

"""Tables of recordings."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.calls.rules import SeatSide
from server.db.base import Base
from server.recordings.rules import EndedFor, PartState


class RecordingOrder(Base):
    """That a call is to be recorded, and whether that is paused."""

    __tablename__ = "recording_order"

    call_id: Mapped[str] = mapped_column(ForeignKey("call_record.id"), primary_key=True)
    paused: Mapped[bool] = mapped_column(default=False)
    at: Mapped[datetime]


class Recording(Base):
    """One part of what a seat of a call sent: from one leg, in one file under one key.

    Without its key nothing of it can be read again. `heard_at` is when it last gave a sign,
    `purged_at` when its key was destroyed, `emptied_at` when its files were gone too.
    """

    __tablename__ = "recording"
    __table_args__ = (
        UniqueConstraint("call_id", "seat_id", "part"),
        Index("ix_recording_heard", "state", "heard_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("case_record.id"), index=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("call_record.id"), index=True)
    seat_id: Mapped[str] = mapped_column(ForeignKey("seat.id"))
    side: Mapped[SeatSide]
    leg_id: Mapped[str]
    worker_id: Mapped[str]
    part: Mapped[int]
    state: Mapped[PartState]
    ended_for: Mapped[EndedFor | None]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    heard_at: Mapped[datetime]
    chunks: Mapped[int] = mapped_column(default=0)
    told_chunks: Mapped[int | None]
    frames: Mapped[int | None]
    size: Mapped[int] = mapped_column(default=0)
    sealed_key: Mapped[str | None]
    retain_until: Mapped[datetime] = mapped_column(index=True)
    purged_at: Mapped[datetime | None]
    emptied_at: Mapped[datetime | None]

    @property
    def named(self) -> dict[str, object]:
        """Return how the case's log names this part."""
        return {"recording_id": self.id, "side": self.side.value}


class RecordingChunk(Base):
    """A piece of a part's file; `sha256` is of what it says, which the case's log holds too."""

    __tablename__ = "recording_chunk"

    recording_id: Mapped[str] = mapped_column(ForeignKey("recording.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sha256: Mapped[str]
    size: Mapped[int]
    file_name: Mapped[str]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime]


class RecordingViewing(Base):
    """That a clerk's login may look at a call's recording for a while; why is in the log."""

    __tablename__ = "recording_viewing"

    id: Mapped[str] = mapped_column(primary_key=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("call_record.id"), index=True)
    clerk_id: Mapped[str]
    login_id: Mapped[str]
    at: Mapped[datetime]
    expires_at: Mapped[datetime]

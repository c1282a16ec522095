"""Tables of calls."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from server.calls.rules import (
    CallState,
    EndReason,
    InvitationState,
    Outlook,
    SeatSide,
    StillState,
    Topology,
    Tried,
    Way,
)
from server.db.base import Base


class Call(Base):
    """One video call on a case; a case has at most one that has not ended.

    `worker_id` is the media worker of a relayed call, `arrangement` the version of what it was
    told last.
    """

    __tablename__ = "call_record"
    __table_args__ = (
        Index("uq_call_live", "case_id", unique=True,
              sqlite_where=text("state != 'ended'"), postgresql_where=text("state != 'ended'")),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("case_record.id"), index=True)
    ticket_id: Mapped[str] = mapped_column(ForeignKey("ticket.id"))
    state: Mapped[CallState] = mapped_column(index=True)
    topology: Mapped[Topology]
    worker_id: Mapped[str | None] = mapped_column(index=True)
    arrangement: Mapped[int] = mapped_column(default=0, server_default="0")
    started_at: Mapped[datetime]
    connected_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[EndReason | None]


class Seat(Base):
    """One participant's right to be in a call: a lease that the holder's socket renews.

    `since` changes with every taking and is the epoch by which the other ends know that they
    face a new connection. `holder` is a clerk's id, or the counter of a facing screen.
    `device_check_id` is the clerk's newest check of the day as the call began. A guest's seat that
    has ended (`left_at`) is taken up again when they come back.
    """

    __tablename__ = "seat"
    __table_args__ = (
        UniqueConstraint("call_id", "holder"),
        UniqueConstraint("call_id", "place"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("call_record.id"), index=True)
    place: Mapped[int]
    side: Mapped[SeatSide]
    holder: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    office: Mapped[str]
    since: Mapped[datetime]
    sid: Mapped[str | None] = mapped_column(index=True)
    leg_id: Mapped[str | None] = mapped_column(index=True)
    media_up: Mapped[bool] = mapped_column(default=False)
    lease_until: Mapped[datetime]
    device_check_id: Mapped[str | None] = mapped_column(ForeignKey("device_check.id"))
    invited_by: Mapped[str | None]
    left_at: Mapped[datetime | None]


class DeviceCheck(Base):
    """What a clerk's devices and network gave when they were tried; it never changes."""

    __tablename__ = "device_check"
    __table_args__ = (Index("ix_device_check_day", "clerk_id", "day", "at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    clerk_id: Mapped[str]
    day: Mapped[date]
    at: Mapped[datetime]
    camera: Mapped[Tried]
    microphone: Mapped[Tried]
    speaker: Mapped[Tried]
    network: Mapped[Way]
    up_kbps: Mapped[int | None]
    down_kbps: Mapped[int | None]
    up_loss: Mapped[float | None]
    down_loss: Mapped[float | None]
    round_trip_ms: Mapped[int | None]
    outlook: Mapped[Outlook]


class Invitation(Base):
    """That a colleague is asked into a call as an adviser; before each at most one is open."""

    __tablename__ = "invitation"
    __table_args__ = (
        Index("uq_invitation_open_clerk", "clerk_id", unique=True,
              sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'")),
        Index("ix_invitation_due", "state", "expires_at"),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(primary_key=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("call_record.id"), index=True)
    clerk_id: Mapped[str]
    clerk_name: Mapped[str]
    office: Mapped[str]
    invited_by: Mapped[str]
    invited_by_name: Mapped[str]
    from_office: Mapped[str]
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    state: Mapped[InvitationState]
    closed_at: Mapped[datetime | None]
    reason: Mapped[str | None]


class Still(Base):
    """A full-resolution picture that was asked for."""

    __tablename__ = "still"
    __table_args__ = (Index("ix_still_due", "state", "expires_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("call_record.id"), index=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("case_record.id"))
    kind: Mapped[str]
    remark: Mapped[str]
    state: Mapped[StillState]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    material_id: Mapped[str | None]

"""Tables of citizens: paired screens, pick-up links, logins, ratings."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from server.citizens.rules import Way
from server.db.base import Base

_LIVE = text("ended_at IS NULL")


class Pairing(Base):
    """A screen that shows a code and waits for a clerk to enter it."""

    __tablename__ = "pairing"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    # A blind index, unique, so that no code ever stands for two screens.
    code_index: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    region: Mapped[str | None]
    hall: Mapped[str | None]
    counter: Mapped[str | None]
    paired_by: Mapped[str | None]


class DeviceLogin(Base):
    """A paired screen's login; a counter has at most one that lives."""

    __tablename__ = "device_login"
    __table_args__ = (
        Index(
            "uq_device_login_counter", "counter", unique=True,
            sqlite_where=_LIVE, postgresql_where=_LIVE,
        ),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    region: Mapped[str]
    hall: Mapped[str]
    counter: Mapped[str]
    paired_by: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class PickupLink(Base):
    """A link for the citizen's phone.

    Its token is made from `id` by the service's secret, so that a repeated command can give the
    same link and a copy of the database opens nothing.
    """

    __tablename__ = "pickup_link"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("case_record.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    minted_by: Mapped[str]
    minted_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class CitizenLogin(Base):
    """A phone's login, for one case only."""

    __tablename__ = "citizen_login"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("case_record.id"), index=True)
    link_id: Mapped[str] = mapped_column(ForeignKey("pickup_link.id"))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Rating(Base):
    """The citizen's word on the service: once per case, by whichever way came first."""

    __tablename__ = "rating"

    case_id: Mapped[str] = mapped_column(ForeignKey("case_record.id"), primary_key=True)
    level: Mapped[int]
    sealed_remark: Mapped[str]
    way: Mapped[Way]
    at: Mapped[datetime]
    follow_up: Mapped[bool] = mapped_column(index=True)

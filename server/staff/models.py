"""Accounts, server-side logins, and failed attempts to sign in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from server.db.base import Base
from server.staff.rules import EndReason


class Clerk(Base):
    """One member of staff; `items` empty means that an agent handles every item."""

    __tablename__ = "clerk"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(32), unique=True)
    display_name: Mapped[str]
    region: Mapped[str]
    hall: Mapped[str]
    counter: Mapped[str]
    roles: Mapped[list[str]]
    items: Mapped[list[str]]
    password_hash: Mapped[str]
    active: Mapped[bool]
    demo: Mapped[bool]
    created_at: Mapped[datetime]
    signed_in_at: Mapped[datetime | None]


class Login(Base):
    """One sign-in, whose token is known to the browser only."""

    __tablename__ = "login"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    clerk_id: Mapped[str] = mapped_column(ForeignKey("clerk.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[EndReason | None]


class SignInFailures(Base):
    """Failures in a row under one name, whether or not there is such an account.

    Kept apart from the accounts, so that an unknown name costs the same writes and is locked
    like a known one; and under a blind index, for people type passwords into the wrong field.
    """

    __tablename__ = "sign_in_failures"

    name_index: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int]
    locked_until: Mapped[datetime | None]
    at: Mapped[datetime] = mapped_column(index=True)

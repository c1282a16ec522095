"""Answers kept under an Idempotency-Key, so that a repeated command changes nothing twice."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Mapped, mapped_column

from server.db.base import Base
from server.db.unit import Unit
from server.errors import ServiceError

KEPT_FOR = timedelta(days=7)


class KeptReply(Base):
    """The first answer to one caller's key."""

    __tablename__ = "kept_reply"

    owner: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    answer: Mapped[str]
    at: Mapped[datetime] = mapped_column(index=True)


async def recall(unit: Unit, owner: str, fingerprint: str) -> str | None:
    """Return the answer's JSON if this key was used before.

    Refuses idempotency_key.reused if it was used for something else.
    """
    found = (
        await unit.session.execute(
            select(KeptReply.fingerprint, KeptReply.answer).where(KeptReply.owner == owner)
        )
    ).one_or_none()
    if found is None:
        return None
    if found.fingerprint != fingerprint:
        raise ServiceError("idempotency_key.reused")
    answer: str = found.answer
    return answer


async def remember(unit: Unit, owner: str, fingerprint: str, answer: str) -> None:
    """Keep the first answer to a key, in the command's own transaction."""
    unit.session.add(KeptReply(owner=owner, fingerprint=fingerprint, answer=answer, at=unit.now))


async def forget_old(unit: Unit) -> None:
    """Drop answers older than KEPT_FOR."""
    await unit.session.execute(delete(KeptReply).where(KeptReply.at < unit.now - KEPT_FOR))

"""Answers kept under an Idempotency-Key, so that a repeated command changes nothing twice."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from server.db.base import Base
from server.db.insert import insert_for
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


async def claim(unit: Unit, owner: str, fingerprint: str) -> str | None:
    """Take a key for this command, or return the answer's JSON if it was used before.

    Of two commands with one key at once, the second waits here for the first to end. Refuses
    idempotency_key.reused if the key was used for something else.
    """
    taken = await unit.session.execute(
        insert_for(unit.session, KeptReply)
        .values(owner=owner, fingerprint=fingerprint, answer="", at=unit.now)
        .on_conflict_do_nothing(index_elements=[KeptReply.owner])
        .returning(KeptReply.owner)
    )
    if taken.one_or_none() is not None:
        return None
    found = (
        await unit.session.execute(
            select(KeptReply.fingerprint, KeptReply.answer).where(KeptReply.owner == owner)
        )
    ).one()
    if found.fingerprint != fingerprint:
        raise ServiceError("idempotency_key.reused")
    answer: str = found.answer
    return answer


async def remember(unit: Unit, owner: str, answer: str) -> None:
    """Keep the first answer to a key that was claimed in this unit."""
    await unit.session.execute(
        update(KeptReply).where(KeptReply.owner == owner).values(answer=answer)
    )


async def forget_old(unit: Unit) -> None:
    """Drop answers older than KEPT_FOR."""
    await unit.session.execute(delete(KeptReply).where(KeptReply.at < unit.now - KEPT_FOR))

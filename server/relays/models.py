"""Tables of media workers and of the legs that they have."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from server.db.base import Base
from server.relays.rules import LegState


class MediaWorker(Base):
    """One process that forwards media, for as long as its socket lives.

    `id` is its own: a worker that connects again is known by it.
    """

    __tablename__ = "media_worker"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    sid: Mapped[str] = mapped_column(index=True)
    capacity: Mapped[int]
    lease_until: Mapped[datetime] = mapped_column(index=True)


class MediaLeg(Base):
    """One tab's connection with a worker; it is gone when its row is.

    `sid` is the tab's socket, or its last one after a cut; `holder` is who is behind it, as seats
    name them.
    """

    __tablename__ = "media_leg"

    id: Mapped[str] = mapped_column(primary_key=True)
    worker_id: Mapped[str] = mapped_column(index=True)
    sid: Mapped[str] = mapped_column(index=True)
    login_id: Mapped[str]
    holder: Mapped[str] = mapped_column(index=True)
    opened_at: Mapped[datetime]
    state: Mapped[LegState]
    lease_until: Mapped[datetime] = mapped_column(index=True)

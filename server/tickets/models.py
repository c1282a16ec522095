"""Tables of the queue."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from server.db.base import Base
from server.tickets.rules import AgentState, OfferState, TicketState


class Ticket(Base):
    """A case's place in one jurisdiction's line; `taken_at` is the place and never changes.

    `present_until` is the lease of the clerk who took it. A waiting ticket whose lease ran out is
    paused (`away_since`): it rings at nobody's, and is given up at `lapses_at`.
    """

    __tablename__ = "ticket"
    __table_args__ = (
        Index("ix_ticket_line", "region", "state", "priority", "taken_at"),
        Index("ix_ticket_clerk", "state", "taken_by"),
        Index(
            "uq_ticket_live", "case_id", unique=True,
            sqlite_where=text("state IN ('waiting', 'offered', 'serving')"),
            postgresql_where=text("state IN ('waiting', 'offered', 'serving')"),
        ),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("case_record.id"))
    region: Mapped[str]
    item_code: Mapped[str]
    state: Mapped[TicketState]
    priority: Mapped[int] = mapped_column(default=0)
    taken_at: Mapped[datetime]
    taken_by: Mapped[str]
    present_until: Mapped[datetime]
    away_since: Mapped[datetime | None]
    lapses_at: Mapped[datetime | None]


class TicketPeriod(Base):
    """One interval of a ticket's state: every waiting-time figure is a query over these."""

    __tablename__ = "ticket_period"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    ticket_id: Mapped[str] = mapped_column(ForeignKey("ticket.id"), index=True)
    region: Mapped[str]
    state: Mapped[TicketState]
    began_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    who: Mapped[str]


class Offer(Base):
    """A ticket put before one agent; at most one is open per ticket and per agent."""

    __tablename__ = "offer"
    __table_args__ = (
        Index("uq_offer_open_ticket", "ticket_id", unique=True,
              sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'")),
        Index("uq_offer_open_clerk", "clerk_id", unique=True,
              sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'")),
        Index("ix_offer_due", "state", "expires_at"),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(primary_key=True)
    ticket_id: Mapped[str] = mapped_column(ForeignKey("ticket.id"), index=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("case_record.id"))
    region: Mapped[str]
    clerk_id: Mapped[str] = mapped_column(index=True)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    state: Mapped[OfferState]
    closed_at: Mapped[datetime | None]
    reason: Mapped[str | None]


class Agent(Base):
    """A clerk in the queue's eyes; presence is a lease, so a dead server's agents go offline."""

    __tablename__ = "agent"
    __table_args__ = (Index("ix_agent_region", "region", "state"),)

    clerk_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    region: Mapped[str]
    hall: Mapped[str]
    items: Mapped[list[str]]
    state: Mapped[AgentState]
    since: Mapped[datetime]
    idle_since: Mapped[datetime]
    lease_until: Mapped[datetime]
    wrap_up_until: Mapped[datetime | None]
    why: Mapped[str | None]


class QueueVersion(Base):
    """How often a region's line has changed; snapshots carry it."""

    __tablename__ = "queue_version"

    region: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]

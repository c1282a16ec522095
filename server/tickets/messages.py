"""The queue on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import StringConstraints

from server.tickets.rules import AgentState, OfferState, TicketState
from server.web.http import Message

Why = Annotated[str, StringConstraints(max_length=200)]


class WhyGivenUp(Message):
    """Why."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class StateWanted(Message):
    """What an agent wants to be."""

    state: Literal[AgentState.READY, AgentState.BREAK, AgentState.OFFLINE]
    reason: Why = ""


class Ticket(Message):
    """A place in a line; position 1 is the next, 0 means in no line any more.

    While nobody is at its counter (`away`) a ticket keeps its place and is offered to nobody.
    """

    id: str
    case_id: str
    state: TicketState
    position: int
    estimated_wait_seconds: int
    taken_at: datetime
    away: bool
    agents_ready: int


class QueueRow(Message):
    """One waiting case."""

    ticket_id: str
    case_id: str
    number: str
    item_name: str
    from_hall_name: str
    taken_at: datetime
    state: TicketState
    position: int
    away: bool


class Queue(Message):
    """A jurisdiction's line, as a snapshot."""

    region: str
    version: int
    waiting: list[QueueRow]
    agents_ready: int


class Offer(Message):
    """A case put before an agent."""

    id: str
    ticket_id: str
    case_id: str
    number: str
    item_name: str
    from_hall_name: str
    waited_seconds: int
    made_at: datetime
    expires_at: datetime


class Agent(Message):
    """An agent's own standing."""

    state: AgentState
    since: datetime | None
    why: str | None = None
    wrap_up_until: datetime | None = None
    offer: Offer | None = None
    call_id: str | None = None


class LineChanged(Message):
    """A region's line or board has another version now: ask for it again."""

    region: str
    version: int


class TicketMoved(Message):
    """A waiting case's place."""

    case_id: str
    ticket_id: str
    state: TicketState
    position: int
    away: bool
    estimated_wait_seconds: int


class OfferClosed(Message):
    """An offer is over."""

    id: str
    why: Literal[OfferState.ACCEPTED, OfferState.DECLINED, OfferState.MISSED, OfferState.WITHDRAWN]


class AgentChanged(Message):
    """What an agent is to the queue now."""

    state: AgentState
    since: datetime
    why: str | None


NOTICES: dict[str, type[Message]] = {
    "queue.changed": LineChanged,
    "board.changed": LineChanged,
    "ticket.moved": TicketMoved,
    "offer.made": Offer,
    "offer.closed": OfferClosed,
    "agent.changed": AgentChanged,
}

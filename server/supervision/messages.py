"""The board on the wire: a snapshot with a version."""

from __future__ import annotations

from datetime import datetime

from server.calls.rules import CallState, Outlook
from server.recordings.rules import Light
from server.tickets.rules import AgentState, TicketState
from server.web.http import Message


class AgentCounts(Message):
    """How many agents are in each state."""

    ready: int = 0
    offered: int = 0
    on_call: int = 0
    wrap_up: int = 0
    break_: int = 0
    offline: int = 0


class BoardCards(Message):
    """The figures of the day in China; seconds are whole, the share is from 0 to 1."""

    waiting: int
    longest_wait_seconds: int
    average_wait_seconds: int | None
    p90_wait_seconds: int | None
    live_calls: int
    agents: AgentCounts
    abandoned_today: int
    certificates_today: int
    answered_in_promise_share: float | None


class BoardWaiting(Message):
    """One waiting case."""

    case_id: str
    number: str
    item_name: str
    from_hall_name: str
    to_region_name: str
    taken_at: datetime
    state: TicketState
    away: bool


class BoardCall(Message):
    """One live call; null is the device check of a clerk who has made none today."""

    call_id: str
    case_id: str
    number: str
    item_name: str
    local_name: str
    agent_name: str
    since: datetime
    state: CallState
    local_check: Outlook | None
    agent_check: Outlook | None
    recording: Light
    observers: list[str]


class BoardAgent(Message):
    """One agent."""

    clerk_id: str
    name: str
    hall_name: str
    state: AgentState
    since: datetime


class Board(Message):
    """Everything that a region's supervisor watches."""

    version: int
    region: str
    region_name: str
    cards: BoardCards
    waiting: list[BoardWaiting]
    calls: list[BoardCall]
    agents: list[BoardAgent]

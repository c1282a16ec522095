"""The rules of the queue: states, who is offered what, and how long things may take."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

OFFER_LASTS: Final = timedelta(seconds=20)
LEASE_LASTS: Final = timedelta(seconds=60)
RENEW_EVERY: Final = timedelta(seconds=20)


class TicketState(enum.StrEnum):
    """Where a ticket stands in its line."""

    WAITING = "waiting"
    OFFERED = "offered"
    SERVING = "serving"
    DONE = "done"
    ABANDONED = "abandoned"


class OfferState(enum.StrEnum):
    """What became of an offer."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    MISSED = "missed"
    WITHDRAWN = "withdrawn"


class AgentState(enum.StrEnum):
    """What a clerk is to the queue."""

    OFFLINE = "offline"
    READY = "ready"
    OFFERED = "offered"
    ON_CALL = "on_call"
    WRAP_UP = "wrap_up"
    BREAK = "break"


FREE_TO_CHOOSE: Final = frozenset(
    {AgentState.OFFLINE, AgentState.READY, AgentState.WRAP_UP, AgentState.BREAK}
)


@dataclass(frozen=True, slots=True)
class IdleAgent:
    """A ready agent; no `items` means that they handle every item."""

    clerk_id: str
    items: frozenset[str]
    idle_since: datetime

    def handles(self, item_code: str) -> bool:
        """Say whether the agent takes tickets of this item."""
        return not self.items or item_code in self.items


def choose_agent(
    item_code: str, agents: Iterable[IdleAgent], turned_down: frozenset[str]
) -> IdleAgent | None:
    """Return the agent to offer the ticket to: the longest idle of those who handle the item.

    Longest idle, not least served today: it is the rule agents can check against their own
    screen, and it needs no count to be kept right across shifts. Who has turned this ticket down
    comes last, so that it is not offered to and fro while others are free.
    """
    able = [agent for agent in agents if agent.handles(item_code)]
    return min(
        able,
        key=lambda agent: (agent.clerk_id in turned_down, agent.idle_since, agent.clerk_id),
        default=None,
    )


def estimate_wait(position: int, agents: int, serving_seconds: float) -> int:
    """Return the seconds a ticket is likely to wait: those before it, shared among the agents."""
    return round(position * serving_seconds / max(agents, 1))

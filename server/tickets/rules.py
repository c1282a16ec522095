"""The rules of the queue: states, who is offered what, and how long things may take."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from server.cases.rules import china_day
from server.errors import ServiceError

OFFER_LASTS: Final = timedelta(seconds=20)
LEASE_LASTS: Final = timedelta(seconds=60)
# Long enough for a reload, a cut or a restart of the counter's machine.
COUNTER_LEASE: Final = timedelta(minutes=2)
# A ticket that was turned down does not ring at the same place again before this has passed.
RING_AGAIN_AFTER: Final = timedelta(seconds=15)


def place_since(before: datetime | None, now: datetime) -> datetime:
    """Return since when a case that comes back from correction waits in the line.

    It keeps the place of the day: who fetched what was missing does not start at the back again.
    On another day they wait like everyone who comes then.
    """
    keeps = before is not None and china_day(before) == china_day(now)
    return before if before is not None and keeps else now


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


@dataclass(frozen=True, slots=True)
class Refusals:
    """How often an agent has turned one ticket down or let it ring, and when last."""

    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """A ticket that is before nobody; `taken_by` is the clerk at whose counter it waits."""

    id: str
    item_code: str
    taken_by: str
    refusals: Mapping[str, Refusals]


def choose_agent(item_code: str, agents: Iterable[IdleAgent]) -> IdleAgent | None:
    """Return the agent to offer the ticket to: the longest idle of those who handle the item.

    Longest idle, not least served today: it is the rule agents can check against their own
    screen, and it needs no count to be kept right across shifts.
    """
    # Callers leave out who has just turned the ticket down.
    able = [agent for agent in agents if agent.handles(item_code)]
    return min(able, key=lambda agent: (agent.idle_since, agent.clerk_id), default=None)


def willing(ticket: Waiting, agents: Iterable[IdleAgent], now: datetime) -> list[IdleAgent]:
    """Return those who handle the item and have turned the ticket down least often.

    So whoever turned it down is left out until everyone who could take it has, and then it goes
    round again, but to nobody before RING_AGAIN_AFTER has passed.
    """
    able = [
        (ticket.refusals.get(agent.clerk_id), agent)
        for agent in agents
        if agent.handles(ticket.item_code)
    ]
    counted = [
        (0 if refused is None else refused.count, agent)
        for refused, agent in able
        if refused is None or refused.last_at + RING_AGAIN_AFTER <= now
    ]
    fewest = min((count for count, _ in counted), default=0)
    return [agent for count, agent in counted if count == fewest]


def pair(
    line: Iterable[Waiting], agents: Sequence[IdleAgent], busy: Collection[str], now: datetime
) -> list[tuple[str, str]]:
    """Return which ticket is offered to which agent, by their ids: the oldest place first.

    A ticket whose counter clerk is among the `busy` keeps its place and rings at nobody's: the
    agent would face an empty chair.
    """
    idle, calling, pairs = list(agents), set(busy), []
    for ticket in line:
        if not idle:
            break
        if ticket.taken_by in calling:
            continue
        chosen = choose_agent(ticket.item_code, willing(ticket, idle, now))
        if chosen is not None:
            idle.remove(chosen)
            calling.add(ticket.taken_by)
            pairs.append((ticket.id, chosen.clerk_id))
    return pairs


def estimate_wait(position: int, agents: int, serving_seconds: float) -> int:
    """Return the seconds a ticket is likely to wait: those before it, shared among the agents."""
    return round(position * serving_seconds / max(agents, 1))


@contextmanager
def unknown_as(code: str) -> Iterator[None]:
    """Refuse with `code` whoever may not know of the case, as if there were nothing."""
    try:
        yield
    except ServiceError as refused:
        if refused.code != "case.unknown":
            raise
        raise ServiceError(code) from None

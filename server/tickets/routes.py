"""The queue over HTTP. Accepting an offer begins a call, so that route is with calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from server.access import Action, authorize
from server.cases.routes import CASE
from server.tickets import messages as wire
from server.tickets import queries
from server.tickets.service import Tickets
from server.web.http import Ask, Empty, Route

TICKET = "/api/tickets/{ticket_id:[0-9a-f]{32}}"
OFFER = "/api/offers/{offer_id:[0-9a-f]{32}}"


@dataclass(frozen=True, slots=True)
class _Handlers:
    tickets: Tickets

    async def take_ticket(self, ask: Ask[Empty]) -> wire.Ticket:
        return await ask.command(
            lambda unit: self.tickets.take_ticket(unit, ask.actor, ask.path["case_id"])
        )

    async def read_ticket(self, ask: Ask[Empty]) -> wire.Ticket | None:
        async with ask.database.reading() as session:
            case = await self.tickets.records.read(
                session, ask.actor, ask.path["case_id"], Action.READ_TICKET
            )
            ticket = await queries.live_ticket(session, case.id)
            return None if ticket is None else await self.tickets.show(session, ticket)

    async def abandon_ticket(self, ask: Ask[wire.WhyGivenUp]) -> wire.Ticket:
        return await ask.command(
            lambda unit: self.tickets.abandon(
                unit, ask.actor, ask.path["ticket_id"], ask.said.reason
            )
        )

    async def read_queue(self, ask: Ask[Empty]) -> wire.Queue:
        authorize(ask.actor, Action.READ_QUEUE)
        async with ask.database.reading() as session:
            return await self.tickets.show_queue(session, ask.actor.region)

    async def set_agent_state(self, ask: Ask[wire.StateWanted]) -> wire.Agent:
        return await ask.command(lambda unit: self.tickets.set_state(unit, ask.actor, ask.said))

    async def decline_offer(self, ask: Ask[wire.WhyGivenUp]) -> wire.Agent:
        return await ask.command(
            lambda unit: self.tickets.decline(
                unit, ask.actor, ask.path["offer_id"], ask.said.reason
            )
        )


def routes(tickets: Tickets) -> list[Route[Any]]:
    """Return this domain's lines of the API."""
    on = _Handlers(tickets)
    return [
        Route("POST", CASE + "/ticket", Action.TAKE_TICKET, Empty, on.take_ticket, wire.Ticket,
              "Put a complete case in its jurisdiction's line", keyed=True),
        Route("GET", CASE + "/ticket", Action.READ_TICKET, Empty, on.read_ticket, wire.Ticket,
              "The case's place in the line, or null", nullable=True),
        Route("POST", TICKET + "/abandonment", Action.ABANDON_TICKET, wire.WhyGivenUp,
              on.abandon_ticket, wire.Ticket, "Give the place up"),
        Route("GET", "/api/queue", Action.READ_QUEUE, Empty, on.read_queue, wire.Queue,
              "The line of the agent's own jurisdiction"),
        Route("PUT", "/api/agent/state", Action.SET_AGENT_STATE, wire.StateWanted,
              on.set_agent_state, wire.Agent, "Be ready, on break or offline"),
        Route("POST", OFFER + "/refusal", Action.ANSWER_OFFER, wire.WhyGivenUp,
              on.decline_offer, wire.Agent, "Turn an offer down"),
    ]  # fmt: skip

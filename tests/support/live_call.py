"""A live call on a case, as its rows, where nobody has to speak."""

from __future__ import annotations

from server.calls.models import Call, Seat
from server.calls.rules import CallState, SeatSide, Topology
from server.db.base import new_id
from server.tickets.models import Ticket
from server.tickets.rules import TicketState
from tests.support.desk import AGENT, Desk


async def put_in_call(desk: Desk, case_id: str) -> str:
    """A call on the case in which its agent has a seat; return the call's id."""
    now, ticket_id, call_id = desk.units.clock(), new_id(), new_id()
    case = await desk.case(case_id)
    async with desk.units.open() as unit:
        unit.session.add(Ticket(
            id=ticket_id, case_id=case.id, item_code=case.item_code, region=case.jurisdiction,
            state=TicketState.SERVING, taken_at=now, taken_by=case.opened_by, present_until=now,
        ))  # fmt: skip
        await unit.session.flush()
        unit.session.add(Call(
            id=call_id, case_id=case.id, ticket_id=ticket_id, state=CallState.CONNECTED,
            topology=Topology.DIRECT, started_at=now,
        ))  # fmt: skip
        await unit.session.flush()
        unit.session.add(Seat(
            id=new_id(), call_id=call_id, place=1, side=SeatSide.REMOTE, holder=AGENT.id,
            name=AGENT.name, office="", since=now, lease_until=now,
        ))  # fmt: skip
    return call_id

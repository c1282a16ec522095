"""Signalling: built anew from checked fields, passed on within one live call, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from server.calls import messages as wire
from server.calls import queries
from server.calls.rules import CallState, check_candidate, check_sdp, negotiates
from server.calls.service import Calls
from server.db.unit import Notice, Units
from server.errors import ServiceError
from server.rooms import call as call_room
from server.rooms import seat as seat_room
from server.web.socket import Connection, Heard, SocketEvent


@dataclass(frozen=True, slots=True)
class _Listeners:
    calls: Calls
    units: Units

    async def take_seat(self, heard: Heard[wire.SeatTaken]) -> wire.Call:
        """Bind the seat to this socket before anyone hears of it, and evict the one before."""
        async with self.units.open() as unit:
            call, before, seat_id = await self.calls.take_seat(
                unit, heard.actor, heard.said.call_id, heard.connection.sid
            )
            held, unit.notices = unit.notices, []
        if before is not None:
            lost = Notice(seat_room(seat_id), "seat.lost", {"call_id": call.id})
            await heard.hub.publish(lost)
            await heard.hub.evict(seat_room(seat_id))
        await heard.hub.enter(heard.connection, seat_room(seat_id))
        await heard.hub.enter(heard.connection, call_room(call.id))
        for notice in held:
            await heard.hub.publish(notice)
        return call

    async def report(self, heard: Heard[wire.SeatReported]) -> None:
        async with self.units.open() as unit:
            await self.calls.report(unit, heard.actor, heard.said)

    async def signal(self, heard: Heard[wire.SignalSent]) -> None:
        said = heard.said
        seat_id = await self._seat(heard.connection, said.call_id, said.to)
        news: dict[str, object] = {"call_id": said.call_id, "from": seat_id}
        if said.description is not None:
            sdp = check_sdp(said.description.sdp)
            news["description"] = {"type": said.description.type, "sdp": sdp}
        elif said.candidate is not None:
            check_candidate(said.candidate.candidate)
            news["candidate"] = said.candidate.model_dump()
        else:
            news["candidate"] = None
        await heard.hub.publish(Notice(seat_room(said.to), "signal.received", news))

    async def point(self, heard: Heard[wire.PointerMoved]) -> None:
        seat_id = await self._seat(heard.connection, heard.said.call_id, None)
        news = {**heard.said.model_dump(), "from": seat_id}
        await heard.hub.publish(Notice(call_room(heard.said.call_id), "pointer.moved", news))

    async def _seat(self, connection: Connection, call_id: str, to: str | None) -> str:
        """Return the seat that this very socket holds, if it negotiates with seat `to`."""
        async with self.units.database.reading() as session:
            call = await queries.find_call(session, call_id)
            seats = await queries.list_seats(session, call_id)
        mine = next((seat for seat in seats if seat.sid == connection.sid), None)
        if call is None or mine is None:
            raise ServiceError("call.unknown")
        if call.state is CallState.ENDED:
            raise ServiceError("call.over")
        if to is not None:
            other = next((seat for seat in seats if seat.id == to), None)
            if other is None or other.id == mine.id or not negotiates(mine.side, other.side):
                raise ServiceError("signal.invalid", field="to")
        return mine.id

    async def gone(self, connection: Connection) -> None:
        async with self.units.database.reading() as session:
            held = await queries.seats_at(session, connection.sid)
        if held:
            async with self.units.open() as unit:
                await self.calls.leave_socket(unit, connection.sid)


def listeners(calls: Calls, units: Units) -> tuple[list[SocketEvent[Any]], Any]:
    """Return the socket events of this domain, and what to tell of a socket that is gone."""
    on = _Listeners(calls, units)
    events: list[SocketEvent[Any]] = [
        SocketEvent("seat.taken", wire.SeatTaken, on.take_seat),
        SocketEvent("seat.reported", wire.SeatReported, on.report),
        SocketEvent("signal.sent", wire.SignalSent, on.signal),
        SocketEvent("pointer.moved", wire.PointerMoved, on.point),
    ]
    return events, on.gone

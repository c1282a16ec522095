"""Signalling: built anew from checked fields, passed on within one live call, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from server.calls import mark_messages as mark_wire
from server.calls import messages as wire
from server.calls import queries
from server.calls.models import Seat
from server.calls.relaying import holder_of
from server.calls.rules import (
    CallState,
    SeatSide,
    check_candidate,
    check_sdp,
    negotiates,
)
from server.calls.service import Calls
from server.db.unit import Notice, Units
from server.errors import ServiceError
from server.rooms import seat as seat_room
from server.web.socket import Connection, Heard, SocketEvent


@dataclass(frozen=True, slots=True)
class _Listeners:
    calls: Calls
    units: Units

    async def take_seat(self, heard: Heard[wire.SeatTaken]) -> wire.Call:
        """Bind the seat to this socket before anyone hears of it, and evict the one before."""
        sid = heard.connection.sid
        async with self.units.open() as unit:
            call, before, seat_id = await self.calls.take_seat(
                unit, heard.actor, heard.said.call_id, sid, heard.said.leg_id
            )
            held, unit.notices = unit.notices, []
        room = seat_room(seat_id)
        if before is not None:
            await heard.hub.publish(Notice(room, "seat.lost", {"call_id": call.id}))
            await heard.hub.evict(room)
        await heard.hub.enter(heard.connection, room)
        async with self.units.database.reading() as session:
            ours = await self.calls.holds(session, seat_id, sid)
        if not ours:
            # Another socket took the seat since; it may have looked here before we came in.
            await heard.hub.leave(heard.connection, room)
            raise ServiceError("seat.taken")
        for notice in held:
            await heard.hub.publish(notice)
        return call

    async def report(self, heard: Heard[wire.SeatReported]) -> None:
        async with self.units.open() as unit:
            await self.calls.report(unit, heard.actor, heard.connection.sid, heard.said)

    async def signal(self, heard: Heard[wire.SignalSent]) -> None:
        said = heard.said
        mine, seats = await self._seats(heard.connection, said.call_id)
        other = next((seat for seat in seats if seat.id == said.to), None)
        if other is None or other.id == mine.id or not negotiates(mine.side, other.side):
            raise ServiceError("signal.invalid", field="to")
        news: dict[str, object] = {"call_id": said.call_id, "from": mine.id}
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
        await self._tell_others(heard, "pointer.moved")

    async def draw(self, heard: Heard[mark_wire.MarkDrawn]) -> None:
        await self._tell_others(heard, "mark.drawn")

    async def clear(self, heard: Heard[mark_wire.MarksCleared]) -> None:
        await self._tell_others(heard, "marks.cleared")

    async def switch(self, heard: Heard[wire.DevicesSwitched]) -> None:
        await self._tell_others(heard, "devices.switched")

    async def _tell_others(self, heard: Heard[Any], event: str) -> None:
        mine, seats = await self._seats(heard.connection, heard.said.call_id)
        if mine.side is SeatSide.OBSERVER:
            raise ServiceError("action.forbidden")
        news = {**heard.said.model_dump(mode="json"), "from": mine.id}
        for seat in seats:
            if seat.id != mine.id and seat.sid is not None:
                await heard.hub.publish(Notice(seat_room(seat.id), event, news))

    async def _seats(self, connection: Connection, call_id: str) -> tuple[Seat, Sequence[Seat]]:
        """Return the seat that this very socket has in a live call, and all the call's seats."""
        async with self.units.database.reading() as session:
            call = await queries.find_call(session, call_id)
            seats = await queries.list_seats(session, call_id)
        holder = holder_of(connection.actor)
        if call is None or holder not in {seat.holder for seat in seats}:
            raise ServiceError("call.unknown")
        if call.state is CallState.ENDED:
            raise ServiceError("call.over")
        mine = next((seat for seat in seats if seat.sid == connection.sid), None)
        if mine is None:
            raise ServiceError("seat.missing")
        return mine, seats

    async def gone(self, connection: Connection) -> None:
        async with self.units.database.reading() as session:
            held = await queries.seats_at(session, connection.sid)
        for seat_id in held:
            async with self.units.open() as unit:
                await self.calls.leave_seat(unit, seat_id, connection.sid)


def listeners(calls: Calls, units: Units) -> tuple[list[SocketEvent[Any]], Any]:
    """Return the socket events of this domain, and what to tell of a socket that is gone."""
    on = _Listeners(calls, units)
    events: list[SocketEvent[Any]] = [
        SocketEvent("seat.taken", wire.SeatTaken, on.take_seat, wire.Call),
        SocketEvent("seat.reported", wire.SeatReported, on.report),
        SocketEvent("signal.sent", wire.SignalSent, on.signal),
        SocketEvent("pointer.moved", wire.PointerMoved, on.point),
        SocketEvent("mark.drawn", mark_wire.MarkDrawn, on.draw),
        SocketEvent("marks.cleared", mark_wire.MarksCleared, on.clear),
        SocketEvent("devices.switched", wire.DevicesSwitched, on.switch),
    ]
    return events, on.gone

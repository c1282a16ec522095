"""The verbs of calls, and those that touch the queue and a call alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Action, Actor, Relation, Role, Subject, authorize
from server.calls import messages as wire
from server.calls import queries
from server.calls.models import Call, Seat, Still
from server.calls.rules import (
    ORDERS,
    SEAT_LEASE,
    STILL_LASTS,
    CallState,
    EndReason,
    SeatSide,
    StillState,
    Topology,
)
from server.cases import messages as case_wire
from server.cases.models import Case
from server.cases.queries import find_case
from server.cases.record import Entry, Records
from server.cases.rules import CaseState
from server.db.base import new_id
from server.db.unit import Unit
from server.errors import ServiceError
from server.rooms import board as board_room
from server.rooms import call as call_room
from server.rooms import case as case_room
from server.rooms import clerk as clerk_room
from server.rooms import counter as counter_room
from server.rooms import seat as seat_room
from server.tickets.queries import current_version, find_ticket, live_ticket
from server.tickets.service import Tickets

IceServers = Callable[[str, str], Sequence[wire.IceServer]]


def no_ice_servers(_call_id: str, _seat_id: str) -> Sequence[wire.IceServer]:
    """Give no servers: peers of one network need none."""
    return ()


@dataclass(frozen=True, slots=True)
class Calls:
    """Begins, keeps and ends calls; each verb is one command in the unit it is given."""

    records: Records
    tickets: Tickets
    ice_servers: IceServers = no_ice_servers

    async def accept_offer(self, unit: Unit, actor: Actor, offer_id: str) -> wire.Call:
        """Answer an offer: the case is in a call with this agent; refuses offer.gone."""
        offer = await self.tickets.own_offer(unit.session, actor, offer_id)
        ticket = await self.tickets.accept(unit, actor, offer)
        entry = await self.records.begin_as_service(unit, offer.case_id)
        entry.actor = actor
        entry.case.agent_id, entry.case.agent_name = actor.id, actor.name
        entry.move(CaseState.IN_CALL)
        call = Call(
            id=new_id(),
            case_id=entry.case.id,
            ticket_id=ticket.id,
            state=CallState.CONNECTING,
            topology=Topology.DIRECT,
            started_at=unit.now,
        )
        unit.session.add(call)
        await unit.session.flush()
        local = self._seat(unit, call, SeatSide.LOCAL, ticket.taken_by, entry.case.opened_by_name)
        local.office = self._hall_name(entry.case)
        remote = self._seat(unit, call, SeatSide.REMOTE, actor.id, actor.name)
        remote.office = self.tickets.reader.catalogue.halls[actor.hall].name
        await entry.append("offer.accepted", {"offer_id": offer.id, "call_id": call.id})
        started = {"call_id": call.id, "case_id": call.case_id}
        for room in (
            clerk_room(local.holder), clerk_room(actor.id), counter_room(entry.case.counter),
        ):  # fmt: skip
            unit.notify(room, "call.started", started)
        return await self._show(unit.session, call, remote)

    def _seat(self, unit: Unit, call: Call, side: SeatSide, holder: str, name: str) -> Seat:
        seat = Seat(
            id=new_id(),
            call_id=call.id,
            place=ORDERS[side],
            side=side,
            holder=holder,
            name=name,
            office="",
            since=unit.now,
            media_up=False,
            lease_until=unit.now + SEAT_LEASE,
        )
        unit.session.add(seat)
        return seat

    def _hall_name(self, case: Case) -> str:
        return self.tickets.reader.catalogue.halls[case.counter_hall].name

    async def take_seat(
        self, unit: Unit, actor: Actor, call_id: str, sid: str
    ) -> tuple[wire.Call, str | None, str]:
        """Bind the actor's seat to a socket; return the call, the socket before, and the seat's id.

        The facing screen of the case's counter gets its seat with its first taking.
        """
        call, case = await self._live(unit.session, call_id)
        seat = await queries.find_seat(unit.session, call.id, _holder(actor))
        if seat is None and Role.DEVICE in actor.roles and actor.counter == case.counter:
            name = self.tickets.reader.catalogue.counters[case.counter].name
            seat = self._seat(unit, call, SeatSide.CITIZEN, _holder(actor), name)
            seat.office = self._hall_name(case)
        _authorize_seat(actor, Action.TAKE_SEAT, call, seat)
        if seat is None:
            raise ServiceError("call.unknown")
        before = seat.sid if seat.sid != sid else None
        seat.sid, seat.since, seat.media_up = sid, unit.now, False
        seat.lease_until = unit.now + SEAT_LEASE
        await unit.session.flush()
        if case.agent_id is not None and seat.side is not SeatSide.CITIZEN:
            entry = await self.records.begin_as_service(unit, case.id)
            entry.actor = actor
            data = {"call_id": call.id, "seat_id": seat.id, "side": seat.side.value}
            await entry.append("seat.taken", data)
        self._tell_changed(unit, call, case)
        return await self._show(unit.session, call, seat), before, seat.id

    async def report(self, unit: Unit, actor: Actor, said: wire.SeatReported) -> None:
        """Note what a seat's peer connections say; the call is connected when both halls' are."""
        call, case = await self._live(unit.session, said.call_id)
        seat = await queries.find_seat(unit.session, call.id, _holder(actor))
        _authorize_seat(actor, Action.USE_SEAT, call, seat)
        if seat is None or seat.side is SeatSide.CITIZEN:
            return
        seat.media_up = said.state is CallState.CONNECTED
        await unit.session.flush()
        await self._settle_state(unit, call, case, actor)

    async def leave_socket(self, unit: Unit, sid: str) -> None:
        """Note that a socket is gone; its seats stay for the length of their lease."""
        for seat in await queries.seats_at(unit.session, sid):
            left = await queries.leave_socket(unit.session, seat.id, sid, unit.now + SEAT_LEASE)
            call = await queries.find_call(unit.session, seat.call_id)
            case = None if call is None else await find_case(unit.session, call.case_id)
            if left and call is not None and case is not None:
                await self._settle_state(unit, call, case, None)
                self._tell_changed(unit, call, case)

    async def _settle_state(self, unit: Unit, call: Call, case: Case, actor: Actor | None) -> None:
        """Bring the call's state in line with what both halls' seats report, and log a change."""
        seats = await queries.list_seats(unit.session, call.id)
        halls = [seat for seat in seats if seat.side in {SeatSide.LOCAL, SeatSide.REMOTE}]
        up = all(seat.media_up and seat.sid is not None for seat in halls)
        if up and call.state is not CallState.CONNECTED:
            call.state, kind = CallState.CONNECTED, "call.connected"
            call.connected_at = call.connected_at or unit.now
        elif not up and call.state is CallState.CONNECTED:
            call.state, kind = CallState.INTERRUPTED, "call.interrupted"
        else:
            return
        entry = await self.records.begin_as_service(unit, case.id)
        if actor is not None:
            entry.actor = actor
        await entry.append(kind, {"call_id": call.id})
        self._tell_changed(unit, call, case)

    async def hang_up(
        self, unit: Unit, actor: Actor, call_id: str, order: wire.HangUp
    ) -> wire.Call:
        """End a call; a case that is still in it goes back in line with its old place."""
        call = await queries.find_call(unit.session, call_id)
        if call is None:
            raise ServiceError("call.unknown")
        if call.state is CallState.ENDED:
            await self.records.read(unit.session, actor, call.case_id, Action.READ_CALL)
            raise ServiceError("call.over")
        entry = await self.records.begin(unit, actor, call.case_id, Action.HANG_UP)
        await self._end(entry, call, order.reason, order.remark)
        mine = await queries.find_seat(unit.session, call.id, actor.id)
        return await self._show(unit.session, call, mine)

    async def _end(self, entry: Entry, call: Call, reason: EndReason, remark: str = "") -> None:
        unit, case = entry.unit, entry.case
        if not await queries.end_call(unit.session, call.id, reason, unit.now):
            raise ServiceError("call.over")
        await unit.session.refresh(call)
        data = {"call_id": call.id, "reason": reason.value}
        await entry.append("call.ended", data, private={"remark": remark})
        ticket = await find_ticket(unit.session, call.ticket_id)
        if case.state is CaseState.IN_CALL:
            entry.move(CaseState.WAITING)
            if ticket is not None:
                await self.tickets.put_back(unit, ticket, entry.actor.id)
            await entry.append("case.requeued", {"reason": reason.value})
        elif ticket is not None:
            await self.tickets.finish(unit, ticket, entry.actor.id)
        if case.agent_id is not None:
            item = self.tickets.reader.item_of(case)
            until = unit.now + timedelta(seconds=item.wrap_up_seconds)
            await self.tickets.wrap_up(unit, case.agent_id, until)
        ended = {"call_id": call.id, "case_id": case.id, "reason": reason.value}
        rooms = {call_room(call.id), case_room(case.id), counter_room(case.counter)}
        rooms |= {clerk_room(seat.holder) for seat in await queries.list_seats(unit.session, call.id)
                  if seat.side is not SeatSide.CITIZEN}  # fmt: skip
        for room in sorted(rooms):
            unit.notify(room, "call.ended", ended)
        await self.tickets.offer_next(unit, case.jurisdiction)

    async def withdraw(self, unit: Unit, actor: Actor, case_id: str, reason: str) -> case_wire.Case:
        """Withdraw a case that is in no call; its place in the line is given up."""
        entry = await self.records.begin(unit, actor, case_id, Action.WITHDRAW_CASE)
        ticket = await live_ticket(unit.session, case_id)
        if ticket is not None:
            await self.tickets.leave_line(entry, ticket)
        entry.move(CaseState.WITHDRAWN)
        await entry.append("case.withdrawn", private={"reason": reason})
        await self.tickets.offer_next(unit, entry.case.jurisdiction)
        return await self.tickets.reader.case(unit.session, actor, entry.case)

    async def ask_still(
        self, unit: Unit, actor: Actor, call_id: str, order: wire.StillOrder
    ) -> wire.Still:
        """Ask the counter's camera for a full-resolution picture; five seconds to answer."""
        call = await queries.find_call(unit.session, call_id)
        if call is None:
            raise ServiceError("call.unknown")
        entry = await self.records.begin(unit, actor, call.case_id, Action.ASK_STILL)
        if call.state is CallState.ENDED:
            raise ServiceError("call.over")
        if not self.tickets.reader.item_of(entry.case).takes_material(order.kind):
            raise ServiceError("material.unknown", field="kind")
        still = Still(
            id=new_id(),
            call_id=call.id,
            case_id=call.case_id,
            kind=order.kind,
            remark=order.remark,
            state=StillState.ASKED,
            asked_by=actor.name,
            asked_at=unit.now,
            expires_at=unit.now + STILL_LASTS,
        )
        unit.session.add(still)
        await entry.append("still.requested", {"still_id": still.id, "kind": order.kind})
        shown = wire.Still.of(still)
        for seat in await queries.list_seats(unit.session, call.id):
            if seat.side is SeatSide.LOCAL:
                unit.notify(seat_room(seat.id), "still.requested", shown.model_dump(mode="json"))
        return shown

    async def refuse_still(
        self, unit: Unit, actor: Actor, still_id: str, reason: str
    ) -> wire.Still:
        """Say at the counter that no picture is taken, and why."""
        still = await queries.find_still(unit.session, still_id)
        if still is None:
            raise ServiceError("still.unknown")
        entry = await self.records.begin(unit, actor, still.case_id, Action.REFUSE_STILL)
        return await self._close_still(entry, still, StillState.REFUSED, why=reason)

    async def file_still(self, entry: Entry, still_id: str, material_id: str) -> None:
        """Answer a still with the material that was just filed; late is better than lost."""
        still = await queries.find_still(entry.unit.session, still_id)
        if still is None or still.case_id != entry.case.id:
            raise ServiceError("still.unknown")
        await self._close_still(entry, still, StillState.FILED, material_id=material_id)

    async def _close_still(
        self, entry: Entry, still: Still, target: StillState, *,
        material_id: str | None = None, why: str | None = None,
    ) -> wire.Still:  # fmt: skip
        current = [StillState.ASKED]
        if target is StillState.FILED:
            current.append(StillState.MISSED)
        session = entry.unit.session
        if not await queries.move_still(
            session, still.id, current, target, material_id=material_id
        ):
            raise ServiceError("still.gone")
        await session.refresh(still)
        data: dict[str, object] = {"still_id": still.id, "kind": still.kind}
        if material_id is not None:
            data["material_id"] = material_id
        private = None if why is None else {"reason": why}
        await entry.append(f"still.{target.value}", data, private=private)
        shown = wire.Still.of(still)
        room = call_room(still.call_id)
        entry.unit.notify(room, "still.closed", shown.model_dump(mode="json"))
        return shown

    async def run_timers(self, unit: Unit) -> None:
        """Do what is due: stills nobody answered, seats whose lease ran out."""
        for still in await queries.due_stills(unit.session, unit.now):
            entry = await self.records.begin_as_service(unit, still.case_id)
            await self._close_still(entry, still, StillState.MISSED)
        ended: set[str] = set()
        for seat in await queries.stale_seats(unit.session, unit.now):
            call = await queries.find_call(unit.session, seat.call_id)
            if call is not None and call.id not in ended:
                ended.add(call.id)
                entry = await self.records.begin_as_service(unit, call.case_id)
                await self._end(entry, call, EndReason.LINE)

    async def read(self, session: AsyncSession, actor: Actor, call_id: str) -> wire.Call:
        """Return a call to whom its case concerns."""
        call = await queries.find_call(session, call_id)
        if call is None:
            raise ServiceError("call.unknown")
        return await self._read(session, actor, call)

    async def read_live(
        self, session: AsyncSession, actor: Actor, case_id: str
    ) -> wire.Call | None:
        """Return the case's call that has not ended, if there is one."""
        await self.records.read(session, actor, case_id, Action.READ_CALL)
        call = await queries.live_call(session, case_id)
        return None if call is None else await self._read(session, actor, call)

    async def _read(self, session: AsyncSession, actor: Actor, call: Call) -> wire.Call:
        try:
            await self.records.read(session, actor, call.case_id, Action.READ_CALL)
        except ServiceError as error:
            code = "call.unknown" if error.code == "case.unknown" else error.code
            raise ServiceError(code) from None
        mine = await queries.find_seat(session, call.id, _holder(actor))
        return await self._show(session, call, mine)

    async def _live(self, session: AsyncSession, call_id: str) -> tuple[Call, Case]:
        call = await queries.find_call(session, call_id)
        case = None if call is None else await find_case(session, call.case_id)
        if call is None or case is None:
            raise ServiceError("call.unknown")
        return call, case

    async def _show(self, session: AsyncSession, call: Call, mine: Seat | None) -> wire.Call:
        await session.flush()
        seats = await queries.list_seats(session, call.id)
        servers = () if mine is None else self.ice_servers(call.id, mine.id)
        return wire.Call.of(call, seats, mine, servers)

    def _tell_changed(self, unit: Unit, call: Call, case: Case) -> None:
        news = {"call_id": call.id, "case_id": call.case_id, "state": call.state.value}
        for room in (call_room(call.id), case_room(case.id), counter_room(case.counter)):
            unit.notify(room, "call.changed", news)

    async def tell_board(self, unit: Unit, region: str) -> None:
        """Tell a region's supervisors that something on their board changed."""
        version = await current_version(unit.session, region)
        unit.notify(board_room(region), "board.changed", {"region": region, "version": version})


def _holder(actor: Actor) -> str:
    """Return under which name an actor holds a seat: clerks by id, screens by their counter."""
    return f"counter:{actor.counter}" if Role.DEVICE in actor.roles else actor.id


def _authorize_seat(actor: Actor, action: Action, call: Call, seat: Seat | None) -> None:
    """Refuse whoever has no seat as if there were no such call, and anyone once it has ended."""
    relations = frozenset({Relation.OWN}) if seat is not None else frozenset[Relation]()
    subject = Subject(relations=relations, state=call.state.value, unknown="call.unknown")
    authorize(actor, action, subject)
    if call.state is CallState.ENDED:
        raise ServiceError("call.over")

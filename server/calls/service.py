"""The verbs of calls, and those that touch the queue and a call alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Action, Actor, Relation, Role, Subject, authorize
from server.calls import messages as wire
from server.calls import queries
from server.calls.inviting import Inviting
from server.calls.models import Call, Seat
from server.calls.relaying import holder_of
from server.calls.rules import (
    HALLS,
    ORDERS,
    SEAT_LEASE,
    CallState,
    EndReason,
    SeatSide,
    Topology,
    next_epoch,
    state_of,
)
from server.cases import messages as case_wire
from server.cases.models import Case
from server.cases.queries import find_case
from server.cases.record import SERVICE, Entry
from server.cases.rules import CaseState, china_day
from server.db.base import new_id
from server.db.unit import Unit
from server.errors import ServiceError
from server.rooms import case as case_room
from server.rooms import clerk as clerk_room
from server.rooms import counter as counter_room
from server.texts import CITIZEN
from server.tickets.models import Ticket
from server.tickets.queries import find_ticket, live_ticket
from server.tickets.rules import unknown_as


@dataclass(frozen=True, slots=True)
class Calls(Inviting):
    """Begins, keeps and ends calls; each verb is one command in the unit it is given.

    Every verb that moves a call locks its two lines before its case, as those of the queue do.
    """

    async def accept_offer(self, unit: Unit, actor: Actor, offer_id: str) -> wire.Call:
        """Answer an offer: the case is in a call with this agent; refuses offer.gone."""
        offer = await self.tickets.own_offer(unit.session, actor, offer_id)
        await self.tickets.lock_lines(unit, offer.case_id)
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
            arrangement=0,
            started_at=unit.now,
        )
        await self.place(unit, call, [ticket.taken_by, actor.id])
        unit.session.add(call)
        await unit.session.flush()
        seats = await self._seat_both(entry, call, ticket)
        await entry.append("offer.accepted", {"offer_id": offer.id, "call_id": call.id})
        if call.topology is Topology.RELAY:
            await self.seat_on_legs(unit, call)
            await entry.append("call.relayed", {"call_id": call.id, "reason": "accepted"})
        await self.engage(unit, ticket.taken_by)
        await self.tickets.tell_board(unit, entry.case.counter_region)
        local, remote = await self.show_each(unit.session, call, seats)
        for room, known in (
            (clerk_room(ticket.taken_by), local.model_dump(mode="json")),
            (clerk_room(actor.id), None), (counter_room(entry.case.counter), None),
        ):  # fmt: skip
            started = {"call_id": call.id, "case_id": call.case_id, "call": known}
            unit.notify(room, "call.started", started, urgent=True)
        return remote

    async def _seat_both(self, entry: Entry, call: Call, ticket: Ticket) -> tuple[Seat, Seat]:
        """Give the clerk who took the ticket and the agent their seats; return both."""
        case, agent = entry.case, entry.actor
        clerk = await queries.find_clerk(entry.unit.session, ticket.taken_by)
        local = self._seat(
            entry.unit, call, SeatSide.LOCAL, holder=ticket.taken_by,
            name=case.opened_by_name if clerk is None else clerk.display_name,
            office=self.office(case.counter_region, case.counter_hall),
        )  # fmt: skip
        remote = self._seat(
            entry.unit, call, SeatSide.REMOTE, holder=agent.id,
            name=agent.name, office=self.office(agent.region, agent.hall),
        )  # fmt: skip
        for seat in (local, remote):
            seat.device_check_id = await queries.newest_check(
                entry.unit.session, seat.holder, china_day(entry.unit.now)
            )
        return local, remote

    def _seat(
        self, unit: Unit, call: Call, side: SeatSide, *, holder: str, name: str, office: str
    ) -> Seat:
        seat = Seat(
            id=new_id(),
            call_id=call.id,
            place=ORDERS[side],
            side=side,
            holder=holder,
            name=name,
            office=office,
            since=unit.now,
            media_up=False,
            lease_until=unit.now + SEAT_LEASE,
        )
        unit.session.add(seat)
        return seat

    async def take_seat(
        self, unit: Unit, actor: Actor, call_id: str, sid: str, leg_id: str | None = None
    ) -> tuple[wire.Call, str | None, str]:
        """Bind the actor's seat to a socket and a leg of it.

        Returns the call, the socket before, and the seat's id.

        The facing screen of the case's counter gets its seat with its first taking. Refuses
        call.over, and call.unknown to whoever has no seat in the call.
        """
        call, case = await self._live(unit.session, call_id)
        seat = await queries.find_seat(unit.session, call.id, holder_of(actor))
        _authorize_seat(actor, Action.TAKE_SEAT, call, own=seat is not None or _faces(actor, case))
        entry = await self._enter(unit, actor, call)
        seat = await queries.find_seat(unit.session, call.id, holder_of(actor))
        if seat is None and not _faces(actor, case):
            # A guest who was let go while we waited for the lock.
            raise ServiceError("call.unknown")
        if seat is None:
            office = self.tickets.reader.catalogue.counters[case.counter].name
            seat = self._seat(
                unit, call, SeatSide.CITIZEN, holder=holder_of(actor), name=CITIZEN, office=office
            )
        before = seat.sid if seat.sid != sid else None
        seat.sid, seat.media_up = sid, False
        seat.since = next_epoch(seat.since, unit.now)
        seat.lease_until = unit.now + SEAT_LEASE
        await unit.session.flush()
        await self.put_on_leg(unit, call, seat, sid, leg_id)
        data = {"call_id": call.id, "seat_id": seat.id, "side": seat.side.value}
        await entry.append("seat.taken", data)
        await self._settle_state(entry, call)
        await self.tell_changed(entry, call, taken=seat)
        return await self.show(unit.session, call, seat), before, seat.id

    async def holds(self, session: AsyncSession, seat_id: str, sid: str) -> bool:
        """Say whether a socket has a seat at this moment."""
        return seat_id in await queries.seats_at(session, sid)

    async def report(self, unit: Unit, actor: Actor, sid: str, said: wire.SeatReported) -> None:
        """Note what a seat's peer connections say; the call is connected when both halls' are.

        Only the socket that has the seat is heard, others are refused seat.missing.
        """
        call, _ = await self._live(unit.session, said.call_id)
        seat = await queries.find_seat(unit.session, call.id, holder_of(actor))
        _authorize_seat(actor, Action.USE_SEAT, call, own=seat is not None)
        if seat is None or seat.sid != sid:
            raise ServiceError("seat.missing")
        up = said.state is CallState.CONNECTED
        if seat.side not in HALLS or seat.media_up is up:
            return
        entry = await self._enter(unit, actor, call)
        if not await queries.note_media(unit.session, seat.id, sid, up=up):
            raise ServiceError("seat.missing")
        await self._settle_state(entry, call)
        await self.tell_changed(entry, call)

    async def leave_seat(self, unit: Unit, seat_id: str, sid: str) -> None:
        """Note that a seat's socket is gone; the seat stays for the length of its lease."""
        seat = await queries.seat_by_id(unit.session, seat_id)
        call = None if seat is None else await queries.find_call(unit.session, seat.call_id)
        if call is None:
            return
        entry = await self.lock(unit, SERVICE, call)
        # That it has ended meanwhile is no fault of a socket that went away.
        live = call.state is not CallState.ENDED
        if live and await queries.leave_seat(unit.session, seat_id, sid, unit.now + SEAT_LEASE):
            await self._settle_state(entry, call)
            await self.tell_changed(entry, call)

    async def _settle_state(self, entry: Entry, call: Call) -> None:
        """Bring the call's state in line with what both halls' seats say, and log a change."""
        seats = await queries.list_seats(entry.unit.session, call.id)
        up = all(seat.media_up and seat.sid is not None for seat in seats if seat.side in HALLS)
        state = state_of(call.state, up=up)
        if state is call.state:
            return
        call.state = state
        if state is CallState.CONNECTED:
            call.connected_at = call.connected_at or entry.unit.now
        await entry.append(f"call.{state.value}", {"call_id": call.id})

    async def hang_up(
        self, unit: Unit, actor: Actor, call_id: str, order: wire.HangUp
    ) -> wire.Call:
        """End a call; a case that is still in it goes back in line with its old place."""
        entry, call = await self.begin(unit, actor, call_id, Action.HANG_UP)
        if not await queries.end_call(unit.session, call.id, order.reason, unit.now):
            raise ServiceError("call.over")
        await self._end(entry, call, order.reason, order.remark)
        mine = await queries.find_seat(unit.session, call.id, actor.id)
        return await self.show(unit.session, call, mine)

    async def lapse(self, unit: Unit, call_id: str) -> None:
        """End a call in which a clerk's seat has run out; its case keeps its place."""
        call = await queries.find_call(unit.session, call_id)
        if call is None or call.state is CallState.ENDED:
            return
        await self.tickets.lock_lines(unit, call.case_id)
        entry = await self.records.begin_as_service(unit, call.case_id)
        if await queries.end_call(unit.session, call.id, EndReason.LINE, unit.now, lapsed=True):
            await self._end(entry, call, EndReason.LINE)

    async def _end(self, entry: Entry, call: Call, reason: EndReason, remark: str = "") -> None:
        """Do what the end of a call brings with it, for its case, its ticket and both clerks."""
        unit, case = entry.unit, entry.case
        await unit.session.refresh(call)
        data = {"call_id": call.id, "reason": reason.value}
        await entry.append("call.ended", data, private={"remark": remark})
        seats = await queries.list_seats(unit.session, call.id)
        ended = {"call_id": call.id, "case_id": case.id, "reason": reason.value}
        rooms = {case_room(case.id), counter_room(case.counter)}
        rooms |= {clerk_room(seat.holder) for seat in seats if seat.side is not SeatSide.CITIZEN}
        for room in sorted(rooms):
            unit.notify(room, "call.ended", ended)
        await self.release_guests(entry, call)
        await queries.vacate(unit.session, call.id)
        await self.arrange(unit, call)
        await self._settle_ticket(entry, call)
        for seat in seats:
            await self._let_go(entry, seat)
        # Either hall may have an agent again, and the counter's is not always another region.
        for region in sorted({case.jurisdiction, case.counter_region}):
            await self.tickets.offer_next(unit, region)

    async def _settle_ticket(self, entry: Entry, call: Call) -> None:
        ticket = await find_ticket(entry.unit.session, call.ticket_id)
        if ticket is None:
            return
        if entry.case.state is not CaseState.IN_CALL:
            await self.tickets.finish(entry.unit, ticket, entry.actor.id)
            return
        entry.move(CaseState.WAITING)
        await self.tickets.put_back(entry.unit, ticket, entry.actor.id)
        await entry.append("case.requeued", {"ticket_id": ticket.id})
        entry.case.agent_id = entry.case.agent_name = None

    async def _let_go(self, entry: Entry, seat: Seat) -> None:
        """Free a clerk from a call that has ended, unless they have a seat in another one."""
        unit = entry.unit
        if seat.side is SeatSide.CITIZEN or await queries.live_call_of(unit.session, seat.holder):
            return
        if seat.side is not SeatSide.REMOTE:
            await self.tickets.release(unit, seat.holder)
            return
        item = self.tickets.reader.item_of(entry.case)
        until = unit.now + timedelta(seconds=item.wrap_up_seconds)
        await self.tickets.wrap_up(unit, seat.holder, until)

    async def withdraw(self, unit: Unit, actor: Actor, case_id: str, reason: str) -> case_wire.Case:
        """Withdraw a case that is in no call; its place in the line is given up."""
        await self.tickets.lock_lines(unit, case_id)
        entry = await self.records.begin(unit, actor, case_id, Action.WITHDRAW_CASE)
        ticket = await live_ticket(unit.session, case_id)
        if ticket is not None:
            await self.tickets.leave_line(entry, ticket)
            await entry.append("ticket.abandoned", {"ticket_id": ticket.id})
        entry.move(CaseState.WITHDRAWN)
        await entry.append("case.withdrawn", private={"reason": reason})
        if ticket is not None:
            await self.tickets.tell_board(unit, entry.case.counter_region)
            await self.tickets.offer_next(unit, ticket.region)
        return await self.tickets.reader.case(unit.session, actor, entry.case)

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
        with unknown_as("call.unknown"):
            await self.records.read(session, actor, call.case_id, Action.READ_CALL)
        mine = await queries.find_seat(session, call.id, holder_of(actor))
        return await self.show(session, call, mine)

    async def _live(self, session: AsyncSession, call_id: str) -> tuple[Call, Case]:
        call = await queries.find_call(session, call_id)
        case = None if call is None else await find_case(session, call.case_id)
        if call is None or case is None:
            raise ServiceError("call.unknown")
        return call, case

    async def _enter(self, unit: Unit, actor: Actor, call: Call) -> Entry:
        """Lock a live call with its lines and its case; refuses call.over."""
        entry = await self.lock(unit, actor, call)
        if call.state is CallState.ENDED:
            raise ServiceError("call.over")
        return entry


def _faces(actor: Actor, case: Case) -> bool:
    """Say whether an actor is the facing screen of the case's counter."""
    return Role.DEVICE in actor.roles and actor.counter == case.counter


def _authorize_seat(actor: Actor, action: Action, call: Call, *, own: bool) -> None:
    """Refuse whoever has no seat as if there were no such call, and anyone once it has ended."""
    relations = frozenset({Relation.OWN}) if own else frozenset[Relation]()
    subject = Subject(relations=relations, state=call.state.value, unknown="call.unknown")
    authorize(actor, action, subject)
    if call.state is CallState.ENDED:
        raise ServiceError("call.over")

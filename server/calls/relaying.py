"""Calls over the relay: which worker has one, on which legs its seats are, and who hears whom."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Action, Actor, Role, authorize
from server.calls import guest_queries, queries
from server.calls import messages as wire
from server.calls.authority import Authorities
from server.calls.guest_messages import Authority
from server.calls.models import Call, Seat
from server.calls.rules import HALLS, CallState, SeatSide, Topology, hears
from server.calls.stills import Stills
from server.cases.queries import find_case
from server.cases.record import SERVICE, Entry
from server.db.unit import Unit
from server.errors import ServiceError
from server.media import messages as media
from server.relays import messages as relay_wire
from server.relays.models import MediaLeg
from server.relays.rules import Tab
from server.relays.service import Relays, tell_worker
from server.rooms import case as case_room
from server.rooms import clerk as clerk_room
from server.rooms import counter as counter_room
from server.tickets.queries import find_ticket
from server.tickets.rules import unknown_as


@dataclass(frozen=True, slots=True)
class Tape:
    """Which recording a seat goes into, and whether it keeps anything now."""

    recording_id: str
    paused: bool


Tapes = Callable[[Unit, Call, Sequence[Seat]], Awaitable[Mapping[str, Tape]]]
IceServers = Callable[[str, str], Sequence[relay_wire.IceServer]]


def no_ice_servers(_for: str, _whom: str) -> Sequence[relay_wire.IceServer]:
    """Give no servers: peers of one network need none."""
    return ()


async def no_tapes(_unit: Unit, _call: Call, _seats: Sequence[Seat]) -> Mapping[str, Tape]:
    """Record nothing."""
    return {}


@dataclass(frozen=True, slots=True)
class Relaying(Stills):
    """Puts calls on workers and seats on legs, and tells the workers.

    A unit that does so has locked the call's case, so that of two arrangements the later version
    is the later one.
    """

    relays: Relays = field(default_factory=Relays)
    ice_servers: IceServers = no_ice_servers
    tapes: Tapes = no_tapes

    async def open_leg(
        self, unit: Unit, actor: Actor, sid: str, said: relay_wire.LegOpened
    ) -> relay_wire.Leg | None:
        """Give a tab a leg on the worker where it will be needed; None where calls are direct.

        What it is near to must be known to the actor, else it is unknown as elsewhere.
        """
        authorize(actor, Action.OPEN_LEG)
        on = None
        if said.near is not None:
            relayed, on = await self._worker_near(unit, actor, said.near)
            if not relayed:
                return None
        tab = Tab(sid, actor.login_id, holder_of(actor))
        leg = await self.relays.open_leg(unit, tab, on=on, has=said.leg_id, another=said.another)
        if leg is None:
            return None
        servers = self.ice_servers(leg.id, leg.holder)
        return relay_wire.Leg(leg_id=leg.id, ice_servers=list(servers))

    async def _worker_near(
        self, unit: Unit, actor: Actor, near: relay_wire.Near
    ) -> tuple[bool, str | None]:
        """Say whether a leg is of use there, and on which worker it must be; None: on any."""
        session = unit.session
        if near.offer_id is not None:
            offer = await self.tickets.own_offer(session, actor, near.offer_id)
            ticket = await find_ticket(session, offer.ticket_id)
            waits = [] if ticket is None else [ticket.taken_by]
            chosen = await self.relays.choose(session, [*waits, actor.id], unit.now)
            return chosen is not None, chosen
        if near.case_id is not None:
            await self.records.read(session, actor, near.case_id, Action.READ_CASE)
            call = await queries.live_call(session, near.case_id)
            if call is None:
                return True, None
        else:
            call = await queries.find_call(session, near.call_id or "")
            if call is None:
                raise ServiceError("call.unknown")
            with unknown_as("call.unknown"):
                await self.records.read(session, actor, call.case_id, Action.READ_CALL)
            if call.state is CallState.ENDED:
                raise ServiceError("call.over")
        if call.worker_id and not await self.relays.is_live(session, call.worker_id):
            # Who has just lost a leg may ask before the call was moved, and asks only once.
            await self.settle(unit, call.id)
        if call.worker_id is not None:
            return True, call.worker_id
        # A direct call comes back to a relay once both halls have a leg there.
        on = await self.relays.meeting_point(session, call.id, unit.now)
        return on is not None, on

    async def place(self, unit: Unit, call: Call, holders: Sequence[str]) -> None:
        """Put a call on the worker for those who will meet, or make it direct if there is none."""
        call.worker_id = await self.relays.choose(unit.session, holders, unit.now)
        call.topology = Topology.DIRECT if call.worker_id is None else Topology.RELAY

    async def seat_on_legs(self, unit: Unit, call: Call) -> None:
        """Put every seat on its holder's newest leg there, so that pictures come at once."""
        for seat in await queries.list_seats(unit.session, call.id):
            seat.leg_id = None
            if call.worker_id is not None:
                seat.leg_id = await self.relays.leg_for(
                    unit.session, seat.holder, call.worker_id, unit.now
                )
        await self.arrange(unit, call)

    async def put_on_leg(
        self, unit: Unit, call: Call, seat: Seat, sid: str, leg_id: str | None
    ) -> None:
        """Put a seat on a leg of the socket that takes it: on this one, or on one that it has.

        Refuses leg.unknown, and leg.elsewhere for one that is not on the call's worker. In a
        direct call a leg is of no use, and left alone.
        """
        if call.worker_id is None:
            return
        leg: MediaLeg | None
        if leg_id is None:
            leg = await self.relays.tabs_leg(unit.session, sid, call.worker_id, unit.now)
        else:
            leg = await self._own_leg_there(unit, call, sid, leg_id)
        before, seat.leg_id = seat.leg_id, None if leg is None else leg.id
        if seat.leg_id != before:
            await self.arrange(unit, call)

    async def _own_leg_there(self, unit: Unit, call: Call, sid: str, leg_id: str) -> MediaLeg:
        leg = await self.relays.own_leg(unit.session, sid, leg_id)
        if leg.worker_id != call.worker_id:
            raise ServiceError("leg.elsewhere")
        return leg

    async def move_seat(
        self, unit: Unit, actor: Actor, sid: str, said: wire.SeatMoved
    ) -> wire.Call:
        """Put the seat that a socket holds on another leg of it; its epoch stays."""
        call = await queries.find_call(unit.session, said.call_id)
        seat = call and await queries.find_seat(unit.session, call.id, holder_of(actor))
        if call is None or seat is None:
            raise ServiceError("call.unknown")
        entry = await self.lock(unit, actor, call)
        seat = await queries.find_seat(unit.session, call.id, holder_of(actor))
        if call.state is CallState.ENDED:
            raise ServiceError("call.over")
        if seat is None or seat.sid != sid:
            raise ServiceError("seat.missing")
        if call.topology is not Topology.RELAY:
            raise ServiceError("leg.elsewhere")
        await self.put_on_leg(entry.unit, call, seat, sid, said.leg_id)
        return await self.show(unit.session, call, seat)

    async def settle(self, unit: Unit, call_id: str) -> None:
        """Bring a live call in line with the workers and legs that there are now.

        A call whose worker is lost goes to another, or becomes direct; a seat whose leg is lost is
        on none. Where nothing was lost nothing changes.
        """
        call = await queries.find_call(unit.session, call_id)
        if call is None:
            return
        entry = await self.lock(unit, SERVICE, call)
        if call.state is CallState.ENDED or call.worker_id is None:
            return
        if not await self.relays.is_live(unit.session, call.worker_id):
            await self._move(entry, call)
        elif await queries.drop_lost_legs(unit.session, call.id):
            await self.arrange(unit, call)

    async def _move(self, entry: Entry, call: Call) -> None:
        unit = entry.unit
        seats = await queries.list_seats(unit.session, call.id)
        await self.place(unit, call, [seat.holder for seat in seats])
        await self.seat_on_legs(unit, call)
        data = {"call_id": call.id, "topology": call.topology.value, "reason": "worker_lost"}
        await entry.append("call.moved", data)
        await self.tell_changed(entry, call)

    async def bring_back(self, unit: Unit, call_id: str) -> None:
        """Have a direct call relayed once both halls are connected with one worker.

        The legs come first: each side keeps what it sees until the relay brings the same.
        """
        call = await queries.find_call(unit.session, call_id)
        if call is None:
            return
        entry = await self.lock(unit, SERVICE, call)
        if call.state is CallState.ENDED or call.worker_id is not None:
            return
        worker_id = await self.relays.meeting_point(unit.session, call.id, unit.now)
        if worker_id is None or not await self._have_legs(unit, call, worker_id):
            return
        if await self.relays.hold(unit.session, worker_id, unit.now):
            call.worker_id, call.topology = worker_id, Topology.RELAY
            await self.seat_on_legs(unit, call)
            data = {"call_id": call.id, "topology": "relay", "reason": "worker_back"}
            await entry.append("call.moved", data)
            await self.tell_changed(entry, call)

    async def _have_legs(self, unit: Unit, call: Call, worker_id: str) -> bool:
        """Say whether both halls' sockets have a connected leg there."""
        for seat in await queries.list_seats(unit.session, call.id):
            if seat.side in HALLS and (
                seat.sid is None
                or not await self.relays.tabs_leg(unit.session, seat.sid, worker_id, unit.now)
            ):
                return False
        return True

    async def offer_relay(self, unit: Unit, call_id: str) -> None:
        """Have a direct call's seats look again: there is a worker now."""
        call = await queries.find_call(unit.session, call_id)
        if call is None:
            return
        entry = await self.lock(unit, SERVICE, call)
        if call.state is not CallState.ENDED and call.worker_id is None:
            await self.tell_changed(entry, call)

    async def rearrange(self, unit: Unit, call_id: str) -> None:
        """Tell a worker that has come back what it is to do for a call."""
        call = await queries.find_call(unit.session, call_id)
        if call is None:
            return
        await self.lock(unit, SERVICE, call)
        if call.state is not CallState.ENDED:
            await queries.drop_lost_legs(unit.session, call.id)
            await self.arrange(unit, call)

    async def arrange(self, unit: Unit, call: Call) -> None:
        """Tell the call's worker who is on which leg and gets whose streams: the whole of it."""
        call.arrangement += 1
        await unit.session.flush()
        live = call.state is not CallState.ENDED
        seats = await queries.list_seats(unit.session, call.id) if live else []
        tapes = await self.tapes(unit, call, seats)
        if call.worker_id is None:
            return
        there = [(seat, seat.leg_id) for seat in seats if seat.leg_id is not None]
        arranged = media.CallArranged(
            call_id=call.id,
            version=call.arrangement,
            seats=[
                media.ArrangedSeat(
                    seat_id=seat.id,
                    leg_id=leg_id,
                    hears=[other.id for other, _ in there if hears(seat.side, other.side)],
                    record=tapes[seat.id].recording_id if seat.id in tapes else None,
                    paused=seat.id in tapes and tapes[seat.id].paused,
                )
                for seat, leg_id in there
            ],
        )
        tell_worker(unit, call.worker_id, "call.arranged", arranged)

    # What the other verbs of calls are made of too.

    async def lock(self, unit: Unit, actor: Actor, call: Call) -> Entry:
        """Lock a call with its lines and its case, and read it again."""
        await self.tickets.lock_lines(unit, call.case_id)
        entry = await self.records.begin_as_service(unit, call.case_id)
        entry.actor = actor
        await unit.session.refresh(call)
        return entry

    async def show(self, session: AsyncSession, call: Call, mine: Seat | None) -> wire.Call:
        """Return a call as the holder of a seat sees it, or somebody who only looks."""
        [shown] = await self.show_each(session, call, [mine])
        return shown

    async def show_each(
        self, session: AsyncSession, call: Call, viewers: Sequence[Seat | None]
    ) -> list[wire.Call]:
        """Return a call as each of these sees it."""
        await session.flush()
        seats = await queries.list_seats(session, call.id)
        attendance = await queries.attendance(session, call.case_id)
        authority = await self._authority(session, call, seats)
        asked = await guest_queries.open_invitations(session, call.id)
        return [
            wire.Call.of(
                call, seats, mine, () if mine is None else self.ice_servers(call.id, mine.id),
                attendance.unconfirmed, authority=authority, asked=asked,
            )
            for mine in viewers
        ]  # fmt: skip

    async def _authority(
        self, session: AsyncSession, call: Call, seats: Sequence[Seat]
    ) -> Authority | None:
        """Return with what authority a live call's agent acts; over, nobody acts in it."""
        agent = next((seat for seat in seats if seat.side is SeatSide.REMOTE), None)
        case = await find_case(session, call.case_id)
        if agent is None or case is None or call.state is CallState.ENDED:
            return None
        return await Authorities(self.tickets.reader).of(session, case, agent.holder)

    async def tell_changed(self, entry: Entry, call: Call, taken: Seat | None = None) -> None:
        """Tell the seats and both halls that the call or a seat of it is not as it was."""
        unit, case = entry.unit, entry.case
        named = None if taken is None else wire.TakenSeat(seat_id=taken.id, since=taken.since)
        changed = wire.CallChanged(
            call_id=call.id, case_id=call.case_id, state=call.state, taken=named
        )
        news = changed.model_dump(mode="json")
        rooms = {case_room(case.id), counter_room(case.counter)}
        for seat in await queries.list_seats(unit.session, call.id):
            if seat.side is not SeatSide.CITIZEN:
                rooms.add(clerk_room(seat.holder))
        for room in sorted(rooms):
            unit.notify(room, "call.changed", news)
        await self.tickets.tell_board(unit, case.jurisdiction, case.counter_region)


def holder_of(actor: Actor) -> str:
    """Return under which name an actor holds a seat: clerks by id, screens by their counter."""
    return f"counter:{actor.counter}" if Role.DEVICE in actor.roles else actor.id

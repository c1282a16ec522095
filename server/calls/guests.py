"""Guests of a call: advisers who were asked in, and supervisors who look on for all to see.

They come and go while the call is on; only its two halls can end it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Action, Actor, Relation, Subject, authorize
from server.calls import guest_messages as guest_wire
from server.calls import guest_queries, queries
from server.calls import messages as wire
from server.calls.models import Call, Invitation, Seat
from server.calls.relaying import Relaying
from server.calls.rules import (
    GUESTS,
    MOST_GUESTS,
    SEAT_LEASE,
    CallState,
    Departure,
    InvitationState,
    SeatSide,
    next_epoch,
    next_order,
)
from server.cases.models import Case
from server.cases.queries import find_case
from server.cases.record import SERVICE, Entry
from server.db.base import new_id
from server.db.unit import Unit
from server.errors import ServiceError
from server.rooms import clerk as clerk_room
from server.tickets.queries import lock_lines
from server.tickets.rules import unknown_as


@dataclass(frozen=True, slots=True)
class Guests(Relaying):
    """Seats guests in calls and lets them go; each verb is one command in its unit."""

    async def observe(self, unit: Unit, actor: Actor, call_id: str) -> wire.Call:
        """Look on at a call, for everybody in it to see; refuses call.full and agent.busy.

        Whoever has a seat in it keeps that one.
        """
        if actor.region:
            await self._lock_with(unit, actor, call_id)
        entry, call = await self.begin(unit, actor, call_id, Action.OBSERVE_CALL)
        seat = await queries.find_seat(unit.session, call.id, actor.id)
        if seat is None:
            if await queries.live_call_of(unit.session, actor.id) is not None:
                raise ServiceError("agent.busy")
            await self.require_room(unit, call, SeatSide.OBSERVER)
            await self.engage(unit, actor.id)
            seat = await self.seat_guest(entry, call, SeatSide.OBSERVER)
            await entry.append("observer.joined", _about(call, seat))
            await self.tell_changed(entry, call)
        return await self.show(unit.session, call, seat)

    async def depart(self, unit: Unit, actor: Actor, call_id: str) -> wire.Call:
        """Leave a call that goes on; the halls' own seats are left by hanging up."""
        call = await queries.find_call(unit.session, call_id)
        if call is None:
            raise ServiceError("call.unknown")
        seat = await queries.find_seat(unit.session, call.id, actor.id)
        await self._authorize_leaving(unit.session, actor, call, seat)
        if seat is None or seat.side not in GUESTS:
            raise ServiceError("action.forbidden")
        entry = await self.lock(unit, actor, call)
        if call.state is CallState.ENDED:
            raise ServiceError("call.over")
        await self._end_seat(entry, call, seat, Departure.LEFT)
        return await self.show(unit.session, call, None)

    async def dismiss(self, unit: Unit, actor: Actor, call_id: str, seat_id: str) -> wire.Call:
        """Let an adviser go; only who asked them in may. Refuses seat.unknown."""
        entry, call = await self.begin(unit, actor, call_id, Action.INVITE_ADVISER)
        seat = await queries.seat_by_id(unit.session, seat_id)
        gone = seat is None or seat.call_id != call.id or seat.left_at is not None
        if seat is None or gone or seat.side is not SeatSide.ADVISER:
            raise ServiceError("seat.unknown")
        if seat.invited_by != actor.id:
            raise ServiceError("action.forbidden")
        await self._end_seat(entry, call, seat, Departure.DISMISSED)
        mine = await queries.find_seat(unit.session, call.id, actor.id)
        return await self.show(unit.session, call, mine)

    async def lapse_guest(self, unit: Unit, seat_id: str) -> None:
        """End the seat of a guest who did not come back from a cut; the call goes on."""
        seat = await queries.seat_by_id(unit.session, seat_id)
        call = None if seat is None else await queries.find_call(unit.session, seat.call_id)
        if seat is None or call is None:
            return
        entry = await self.lock(unit, SERVICE, call)
        if call.state is not CallState.ENDED:
            await self._end_seat(entry, call, seat, Departure.LINE, lapsed=True)

    # What the other verbs of calls are made of too.

    async def begin(
        self, unit: Unit, actor: Actor, call_id: str, action: Action
    ) -> tuple[Entry, Call]:
        """Lock a live call with its lines and its case for a command; refuses call.over."""
        call = await queries.find_call(unit.session, call_id)
        if call is None:
            raise ServiceError("call.unknown")
        await self.tickets.lock_lines(unit, call.case_id)
        await unit.session.refresh(call)
        return await self.enter(unit, actor, call, action), call

    def office(self, region: str, hall: str) -> str:
        """Return what people call where somebody sits; a province's office may have no name."""
        catalogue = self.tickets.reader.catalogue
        place = catalogue.halls.get(hall) or catalogue.regions.get(region)
        return "" if place is None else place.name

    async def require_room(self, unit: Unit, call: Call, side: SeatSide, *, asked: int = 0) -> None:
        """Refuse call.full for one more of a side than there may be, `asked` ones included."""
        seats = await queries.list_seats(unit.session, call.id)
        if sum(seat.side is side for seat in seats) + asked >= MOST_GUESTS:
            raise ServiceError("call.full")

    async def engage(self, unit: Unit, clerk_id: str) -> None:
        """Have a clerk be in a call: nothing rings at theirs, and into no other are they asked.

        The caller has locked the line of the clerk's region.
        """
        await self.withdraw_asked(unit, clerk_id)
        await self.tickets.engage(unit, clerk_id)

    async def withdraw_asked(self, unit: Unit, clerk_id: str) -> None:
        """Take back what a clerk is asked, if anything; the caller has locked their line."""
        invitation = await guest_queries.open_invitation_to(unit.session, clerk_id)
        if invitation is None:
            return
        call = await queries.find_call(unit.session, invitation.call_id)
        closed = await guest_queries.close_invitation(
            unit.session, invitation.id, InvitationState.WITHDRAWN, now=unit.now
        )
        if closed and call is not None:
            await self.tell_closed(unit, invitation)
            entry = await self.records.begin_as_service(unit, call.case_id)
            await self.log_asked(entry, "invitation.withdrawn", invitation)
            await self.tell_changed(entry, call)

    async def tell_closed(self, unit: Unit, invitation: Invitation) -> None:
        """Tell who is asked and who asked that it is over."""
        await unit.session.refresh(invitation)
        news = guest_wire.InvitationClosed(
            id=invitation.id,
            call_id=invitation.call_id,
            clerk_name=invitation.clerk_name,
            state=invitation.state,
        ).model_dump(mode="json")
        for whom in (invitation.clerk_id, invitation.invited_by):
            unit.notify(clerk_room(whom), "invitation.closed", news)

    async def log_asked(
        self, entry: Entry, kind: str, invitation: Invitation,
        private: dict[str, object] | None = None, **more: object,
    ) -> None:  # fmt: skip
        """Enter in the case's log what became of an invitation."""
        data = {
            "call_id": invitation.call_id, "invitation_id": invitation.id,
            "clerk_id": invitation.clerk_id, "name": invitation.clerk_name, **more,
        }  # fmt: skip
        await entry.append(kind, data, private=private)

    async def _lock_with(self, unit: Unit, actor: Actor, call_id: str) -> None:
        """Lock the line of the actor's own region along with the call's: an offer may be in it."""
        call = await queries.find_call(unit.session, call_id)
        case = None if call is None else await find_case(unit.session, call.case_id)
        if case is not None:
            await lock_lines(unit.session, {actor.region, *regions_of(case)})

    async def _authorize_leaving(
        self, session: AsyncSession, actor: Actor, call: Call, seat: Seat | None
    ) -> None:
        with unknown_as("call.unknown"):
            case = await self.records.read(session, actor, call.case_id, Action.READ_CALL)
        known = await self.records.subject(session, actor, case)
        own = {Relation.OWN} if seat is not None and seat.side in GUESTS else set[Relation]()
        relations = frozenset(own | known.relations)
        subject = Subject(relations=relations, state=known.state, unknown="call.unknown")
        authorize(actor, Action.LEAVE_SEAT, subject)

    async def seat_guest(
        self, entry: Entry, call: Call, side: SeatSide, *, invited_by: str | None = None
    ) -> Seat:
        """Give the entry's actor a seat, the one that they left if they come back, and a leg."""
        unit, actor = entry.unit, entry.actor
        seat = await guest_queries.last_seat(unit.session, call.id, actor.id)
        if seat is None:
            taken = await guest_queries.orders(unit.session, call.id)
            seat = Seat(
                id=new_id(), call_id=call.id, place=next_order(taken), holder=actor.id,
                since=unit.now,
            )  # fmt: skip
            unit.session.add(seat)
        elif seat.left_at is None:
            raise ServiceError("seat.taken")
        seat.side, seat.invited_by, seat.left_at = side, invited_by, None
        seat.name, seat.office = actor.name, self.office(actor.region, actor.hall)
        seat.sid, seat.media_up = None, False
        seat.since = next_epoch(seat.since, unit.now)
        seat.lease_until = unit.now + SEAT_LEASE
        if call.worker_id is not None:
            seat.leg_id = await self.relays.leg_for(
                unit.session, actor.id, call.worker_id, unit.now
            )
        await unit.session.flush()
        await self.arrange(unit, call)
        return seat

    async def _end_seat(
        self, entry: Entry, call: Call, seat: Seat, why: Departure, *, lapsed: bool = False
    ) -> None:
        unit = entry.unit
        if not await guest_queries.end_seat(unit.session, seat.id, unit.now, lapsed=lapsed):
            return
        await unit.session.refresh(seat)
        await self.arrange(unit, call)
        await entry.append(f"{seat.side.value}.left", {**_about(call, seat), "reason": why.value})
        news = {"call_id": call.id, "case_id": call.case_id, "reason": why.value}
        unit.notify(clerk_room(seat.holder), "seat.ended", news)
        await self.tell_changed(entry, call)
        if await queries.live_call_of(unit.session, seat.holder) is None:
            await self.tickets.release(unit, seat.holder)
            for region in regions_of(entry.case):
                await self.tickets.offer_next(unit, region)


def regions_of(case: Case) -> list[str]:
    """Return a case's two regions in the order in which their lines are locked."""
    return sorted({case.jurisdiction, case.counter_region})


def _about(call: Call, seat: Seat) -> dict[str, object]:
    return {"call_id": call.id, "seat_id": seat.id, "name": seat.name}

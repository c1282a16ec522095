"""Asking a colleague of either hall into a call as an adviser (会商)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Action, Actor, Relation, Subject, authorize
from server.calls import guest_messages as guest_wire
from server.calls import guest_queries, queries
from server.calls import messages as wire
from server.calls.guests import Guests, regions_of
from server.calls.models import Call, Invitation
from server.calls.rules import INVITATION_LASTS, InvitationState, SeatSide
from server.cases.models import Case
from server.cases.queries import find_case
from server.cases.record import SERVICE, Entry
from server.db.base import new_id
from server.db.unit import Unit
from server.errors import ServiceError
from server.rooms import clerk as clerk_room
from server.tickets import agent_queries
from server.tickets.rules import AgentState, unknown_as


@dataclass(frozen=True, slots=True)
class Inviting(Guests):
    """Puts invitations before agents; each verb is one command in its unit."""

    async def colleagues(
        self, session: AsyncSession, actor: Actor, call_id: str, now: datetime
    ) -> guest_wire.ColleagueList:
        """Return whom a party of a call could ask in: agents of both halls who are ready."""
        call = await queries.find_call(session, call_id)
        if call is None:
            raise ServiceError("call.unknown")
        with unknown_as("call.unknown"):
            case = await self.records.read(session, actor, call.case_id, Action.INVITE_ADVISER)
        found = []
        for region in regions_of(case):
            ready = await agent_queries.ready_agents(session, region, now)
            found += [
                guest_wire.Colleague(
                    clerk_id=one.clerk_id,
                    name=one.name,
                    office=self.office(one.region, one.hall),
                    region_name=self.tickets.reader.catalogue.regions[one.region].name,
                )
                for one in sorted(ready, key=lambda one: one.name)
            ]
        return guest_wire.ColleagueList(colleagues=found)

    async def invite(
        self, unit: Unit, actor: Actor, call_id: str, clerk_id: str
    ) -> guest_wire.Invitation:
        """Ask a colleague into the call; nothing else is put before them until they answer.

        Refuses colleague.unknown for anybody who is no agent of either hall's region,
        colleague.busy for one who is not ready, call.full.
        """
        entry, call = await self.begin(unit, actor, call_id, Action.INVITE_ADVISER)
        agent = await agent_queries.find_agent(unit.session, clerk_id)
        if agent is None or agent.region not in regions_of(entry.case) or clerk_id == actor.id:
            raise ServiceError("colleague.unknown", field="clerk_id")
        asked = await guest_queries.open_invitations(unit.session, call.id)
        await self.require_room(unit, call, SeatSide.ADVISER, asked=len(asked))
        if agent.lease_until <= unit.now or not await self.tickets.hold(unit, clerk_id):
            raise ServiceError("colleague.busy", field="clerk_id")
        # One from before they went offline may be open.
        await self.withdraw_asked(unit, clerk_id)
        invitation = Invitation(
            id=new_id(),
            call_id=call.id,
            clerk_id=clerk_id,
            clerk_name=agent.name,
            office=self.office(agent.region, agent.hall),
            invited_by=actor.id,
            invited_by_name=actor.name,
            from_office=self.office(actor.region, actor.hall),
            made_at=unit.now,
            expires_at=unit.now + INVITATION_LASTS,
            state=InvitationState.OPEN,
        )
        unit.session.add(invitation)
        await self.log_asked(entry, "adviser.invited", invitation)
        shown = self._shown(entry.case, invitation)
        unit.notify(clerk_room(clerk_id), "invitation.made", shown.model_dump(mode="json"))
        await self.tickets.tell_line(unit, agent.region)
        await self.tell_changed(entry, call)
        return shown

    async def read_invitation(
        self, session: AsyncSession, actor: Actor
    ) -> guest_wire.Invitation | None:
        """Return what an agent is asked into now, if anything."""
        invitation = await guest_queries.open_invitation_to(session, actor.id)
        call = invitation and await queries.find_call(session, invitation.call_id)
        case = call and await find_case(session, call.case_id)
        return None if not invitation or not case else self._shown(case, invitation)

    async def accept_invitation(self, unit: Unit, actor: Actor, invitation_id: str) -> wire.Call:
        """Come into a call as an adviser; refuses invitation.gone, and agent.busy in another."""
        invitation = await self._own_invitation(unit.session, actor, invitation_id)
        entry, call = await self._lock_of(unit, actor, invitation)
        await self._end_invitation(unit, invitation, InvitationState.ACCEPTED)
        if not await self.tickets.advise(unit, actor.id):
            raise ServiceError("agent.busy")
        seat = await self.seat_guest(
            entry, call, SeatSide.ADVISER, invited_by=invitation.invited_by
        )
        await self.log_asked(entry, "adviser.joined", invitation, seat_id=seat.id)
        await self.tell_changed(entry, call)
        return await self.show(unit.session, call, seat)

    async def decline_invitation(
        self, unit: Unit, actor: Actor, invitation_id: str, reason: str
    ) -> guest_wire.Invitation:
        """Stay out of a call; refuses invitation.gone."""
        invitation = await self._own_invitation(unit.session, actor, invitation_id)
        entry, call = await self._lock_of(unit, actor, invitation)
        await self._end_invitation(unit, invitation, InvitationState.DECLINED, reason)
        await self.log_asked(entry, "adviser.declined", invitation, private={"reason": reason})
        return await self._free_invited(entry, call, invitation, "declined")

    async def withdraw_invitation(
        self, unit: Unit, actor: Actor, invitation_id: str
    ) -> guest_wire.Invitation:
        """Ask a colleague no more; refuses invitation.gone, and invitation.unknown to others."""
        invitation = await guest_queries.find_invitation(unit.session, invitation_id)
        if invitation is None:
            raise ServiceError("invitation.unknown")
        try:
            entry, call = await self.begin(unit, actor, invitation.call_id, Action.INVITE_ADVISER)
        except ServiceError as refused:
            unknown = refused.code == "call.unknown"
            raise ServiceError("invitation.unknown") if unknown else refused from None
        if invitation.invited_by != actor.id:
            raise ServiceError("action.forbidden")
        await self._end_invitation(unit, invitation, InvitationState.WITHDRAWN)
        await self.log_asked(entry, "invitation.withdrawn", invitation)
        return await self._free_invited(entry, call, invitation, "withdrawn")

    async def miss_invitation(self, unit: Unit, invitation_id: str) -> None:
        """Close an invitation that nobody answered in time; who let it ring is on break."""
        invitation = await guest_queries.find_invitation(unit.session, invitation_id)
        if invitation is None:
            return
        entry, call = await self._lock_of(unit, SERVICE, invitation)
        closed = await guest_queries.close_invitation(
            unit.session, invitation.id, InvitationState.MISSED, now=unit.now, after=unit.now
        )
        if not closed:
            return
        await self.tell_closed(unit, invitation)
        await self.log_asked(entry, "adviser.missed", invitation)
        await self._free_invited(entry, call, invitation, "missed", AgentState.BREAK)

    async def release_guests(self, entry: Entry, call: Call) -> None:
        """Close what is still asked into a call that has ended, and free who was asked."""
        for invitation in await guest_queries.open_invitations(entry.unit.session, call.id):
            await self._end_invitation(entry.unit, invitation, InvitationState.WITHDRAWN)
            await self.log_asked(entry, "invitation.withdrawn", invitation)
            await self.tickets.unhold(
                entry.unit, invitation.clerk_id, AgentState.READY, "withdrawn"
            )

    async def _lock_of(
        self, unit: Unit, actor: Actor, invitation: Invitation
    ) -> tuple[Entry, Call]:
        call = await queries.find_call(unit.session, invitation.call_id)
        if call is None:
            raise ServiceError("invitation.unknown")
        return await self.lock(unit, actor, call), call

    async def _own_invitation(
        self, session: AsyncSession, actor: Actor, invitation_id: str
    ) -> Invitation:
        """Return an invitation to whom it was made; anyone else does not learn that it exists."""
        found = await guest_queries.find_invitation(session, invitation_id)
        own = found is not None and found.clerk_id == actor.id
        relations = frozenset({Relation.OWN}) if own else frozenset[Relation]()
        subject = Subject(relations=relations, state="", unknown="invitation.unknown")
        authorize(actor, Action.ANSWER_INVITATION, subject)
        if found is None:
            raise ServiceError("invitation.unknown")
        return found

    async def _end_invitation(
        self, unit: Unit, invitation: Invitation, how: InvitationState, reason: str | None = None
    ) -> None:
        answered = how in {InvitationState.ACCEPTED, InvitationState.DECLINED}
        closed = await guest_queries.close_invitation(
            unit.session, invitation.id, how, now=unit.now, reason=reason,
            before=unit.now if answered else None,
        )  # fmt: skip
        if not closed:
            raise ServiceError("invitation.gone")
        await self.tell_closed(unit, invitation)

    async def _free_invited(
        self, entry: Entry, call: Call, invitation: Invitation, why: str,
        target: AgentState = AgentState.READY,
    ) -> guest_wire.Invitation:  # fmt: skip
        unit = entry.unit
        await self.tickets.unhold(unit, invitation.clerk_id, target, why)
        await self.tell_changed(entry, call)
        for region in regions_of(entry.case):
            await self.tickets.offer_next(unit, region)
        return self._shown(entry.case, invitation)

    def _shown(self, case: Case, invitation: Invitation) -> guest_wire.Invitation:
        return guest_wire.Invitation(
            id=invitation.id,
            call_id=invitation.call_id,
            case_id=case.id,
            number=case.number,
            item_name=self.tickets.reader.item_of(case).name,
            clerk_name=invitation.clerk_name,
            invited_by_name=invitation.invited_by_name,
            from_office=invitation.from_office,
            made_at=invitation.made_at,
            expires_at=invitation.expires_at,
            state=invitation.state,
        )

"""Calls over HTTP, and the verbs that touch the queue and a call alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from server.access import Action, authorize
from server.calls import device_messages as device_wire
from server.calls import guest_messages as guest_wire
from server.calls import messages as wire
from server.calls import queries
from server.calls.device_checks import keep_check
from server.calls.service import Calls
from server.calls.talking import Talking
from server.cases import messages as case_wire
from server.cases.routes import CASE
from server.tickets import messages as ticket_wire
from server.tickets.routes import OFFER
from server.web.http import Ask, Empty, Route
from server.web.login import Audience

CALL = "/api/calls/{call_id:[0-9a-f]{32}}"
INVITATION = "/api/invitations/{invitation_id:[0-9a-f]{32}}"
STILL = "/api/stills/{still_id:[0-9a-f]{32}}"


@dataclass(frozen=True, slots=True)
class _Handlers:
    calls: Calls
    talking: Talking

    async def accept_offer(self, ask: Ask[Empty]) -> wire.Call:
        return await ask.command(
            lambda unit: self.calls.accept_offer(unit, ask.actor, ask.path["offer_id"])
        )

    async def read_agent(self, ask: Ask[Empty]) -> ticket_wire.Agent:
        authorize(ask.actor, Action.READ_AGENT)
        async with ask.database.reading() as session:
            call = await queries.live_call_of(session, ask.actor.id)
            return await self.calls.tickets.show_agent(
                session, ask.actor, ask.units.clock(), None if call is None else call.id
            )

    async def read_live_call(self, ask: Ask[Empty]) -> wire.Call | None:
        async with ask.database.reading() as session:
            return await self.calls.read_live(session, ask.actor, ask.path["case_id"])

    async def read_call(self, ask: Ask[Empty]) -> wire.Call:
        async with ask.database.reading() as session:
            return await self.calls.read(session, ask.actor, ask.path["call_id"])

    async def read_shown_call(self, ask: Ask[Empty]) -> wire.Call:
        return await self.read_call(ask)

    async def hang_up(self, ask: Ask[wire.HangUp]) -> wire.Call:
        return await ask.command(
            lambda unit: self.calls.hang_up(unit, ask.actor, ask.path["call_id"], ask.said)
        )

    async def say(self, ask: Ask[wire.Remark]) -> wire.Said:
        return await ask.command(
            lambda unit: self.talking.say(unit, ask.actor, ask.path["call_id"], ask.said.text)
        )

    async def confirm_person(self, ask: Ask[Empty]) -> wire.Call:
        return await ask.command(
            lambda unit: self.talking.confirm_person(unit, ask.actor, ask.path["call_id"])
        )

    async def check_devices(self, ask: Ask[device_wire.DeviceTrial]) -> device_wire.DeviceCheck:
        return await ask.command(lambda unit: keep_check(unit, ask.actor, ask.said))

    async def list_colleagues(self, ask: Ask[Empty]) -> guest_wire.ColleagueList:
        async with ask.database.reading() as session:
            return await self.calls.colleagues(
                session, ask.actor, ask.path["call_id"], ask.units.clock()
            )

    async def invite(self, ask: Ask[guest_wire.InvitationOrder]) -> guest_wire.Invitation:
        return await ask.command(
            lambda unit: self.calls.invite(unit, ask.actor, ask.path["call_id"], ask.said.clerk_id)
        )

    async def read_invitation(self, ask: Ask[Empty]) -> guest_wire.Invitation | None:
        authorize(ask.actor, Action.READ_AGENT)
        async with ask.database.reading() as session:
            return await self.calls.read_invitation(session, ask.actor)

    async def accept_invitation(self, ask: Ask[Empty]) -> wire.Call:
        return await ask.command(
            lambda unit: self.calls.accept_invitation(unit, ask.actor, ask.path["invitation_id"])
        )

    async def decline_invitation(
        self, ask: Ask[guest_wire.InvitationRefusal]
    ) -> guest_wire.Invitation:
        return await ask.command(
            lambda unit: self.calls.decline_invitation(
                unit, ask.actor, ask.path["invitation_id"], ask.said.reason
            )
        )

    async def withdraw_invitation(self, ask: Ask[Empty]) -> guest_wire.Invitation:
        return await ask.command(
            lambda unit: self.calls.withdraw_invitation(unit, ask.actor, ask.path["invitation_id"])
        )

    async def observe(self, ask: Ask[Empty]) -> wire.Call:
        return await ask.command(
            lambda unit: self.calls.observe(unit, ask.actor, ask.path["call_id"])
        )

    async def depart(self, ask: Ask[Empty]) -> wire.Call:
        return await ask.command(
            lambda unit: self.calls.depart(unit, ask.actor, ask.path["call_id"])
        )

    async def dismiss(self, ask: Ask[Empty]) -> wire.Call:
        return await ask.command(
            lambda unit: self.calls.dismiss(
                unit, ask.actor, ask.path["call_id"], ask.path["seat_id"]
            )
        )

    async def withdraw_case(self, ask: Ask[wire.Withdrawal]) -> case_wire.Case:
        return await ask.command(
            lambda unit: self.calls.withdraw(unit, ask.actor, ask.path["case_id"], ask.said.reason)
        )

    async def ask_still(self, ask: Ask[wire.StillOrder]) -> wire.Still:
        return await ask.command(
            lambda unit: self.calls.ask_still(unit, ask.actor, ask.path["call_id"], ask.said)
        )

    async def refuse_still(self, ask: Ask[wire.StillRefusal]) -> wire.Still:
        return await ask.command(
            lambda unit: self.calls.refuse_still(
                unit, ask.actor, ask.path["still_id"], ask.said.reason
            )
        )


def routes(calls: Calls) -> list[Route[Any]]:
    """Return this domain's lines of the API."""
    on = _Handlers(calls, Talking(calls))
    return [
        Route("POST", OFFER + "/acceptance", Action.ANSWER_OFFER, Empty, on.accept_offer,
              wire.Call, "Answer an offer: the call begins"),
        Route("GET", "/api/agent", Action.READ_AGENT, Empty, on.read_agent, ticket_wire.Agent,
              "The agent's own standing, the offer that rings and the live call"),
        Route("GET", CASE + "/call", Action.READ_CALL, Empty, on.read_live_call, wire.Call,
              "The case's live call, or null", nullable=True),
        Route("GET", CALL, Action.READ_CALL, Empty, on.read_call, wire.Call, "Read a call"),
        Route("GET", "/api/facing/calls/{call_id:[0-9a-f]{32}}", Action.READ_CALL, Empty,
              on.read_shown_call, wire.Call, "Read the call that a facing screen shows",
              audience=Audience.DEVICE),
        Route("POST", CALL + "/hang-up", Action.HANG_UP, wire.HangUp, on.hang_up, wire.Call,
              "End the call"),
        Route("POST", CALL + "/remarks", Action.SAY, wire.Remark, on.say, wire.Said,
              "Write to the other side; kept in the case", keyed=True),
        Route("POST", CALL + "/person", Action.CONFIRM_PERSON, Empty, on.confirm_person,
              wire.Call, "Attest that the same person sits at the counter after a cut"),
        Route("POST", "/api/device-checks", Action.CHECK_DEVICES, device_wire.DeviceTrial,
              on.check_devices, device_wire.DeviceCheck,
              "Keep what devices and network gave before the first call of the day",
              rate="device_check"),
        Route("GET", CALL + "/colleagues", Action.INVITE_ADVISER, Empty, on.list_colleagues,
              guest_wire.ColleagueList, "Who could be asked into the call now"),
        Route("POST", CALL + "/invitations", Action.INVITE_ADVISER, guest_wire.InvitationOrder,
              on.invite, guest_wire.Invitation, "Ask a colleague into the call", keyed=True),
        Route("GET", "/api/invitation", Action.READ_AGENT, Empty, on.read_invitation,
              guest_wire.Invitation, "What the agent is asked into, or null", nullable=True),
        Route("POST", INVITATION + "/acceptance", Action.ANSWER_INVITATION, Empty,
              on.accept_invitation, wire.Call, "Come into a call as an adviser"),
        Route("POST", INVITATION + "/refusal", Action.ANSWER_INVITATION,
              guest_wire.InvitationRefusal, on.decline_invitation, guest_wire.Invitation,
              "Stay out of a call"),
        Route("POST", INVITATION + "/withdrawal", Action.INVITE_ADVISER, Empty,
              on.withdraw_invitation, guest_wire.Invitation, "Ask a colleague no more"),
        Route("POST", CALL + "/observation", Action.OBSERVE_CALL, Empty, on.observe, wire.Call,
              "Look on at a call, for all in it to see"),
        Route("POST", CALL + "/departure", Action.LEAVE_SEAT, Empty, on.depart, wire.Call,
              "Leave a call that goes on, as an adviser or observer"),
        Route("POST", CALL + "/seats/{seat_id:[0-9a-f]{32}}/dismissal", Action.INVITE_ADVISER,
              Empty, on.dismiss, wire.Call, "Let an adviser go whom one has asked in"),
        Route("POST", CASE + "/withdrawal", Action.WITHDRAW_CASE, wire.Withdrawal,
              on.withdraw_case, case_wire.Case, "Withdraw the case"),
        Route("POST", CALL + "/stills", Action.ASK_STILL, wire.StillOrder, on.ask_still,
              wire.Still, "Ask the counter's camera for a picture", keyed=True),
        Route("POST", STILL + "/refusal", Action.REFUSE_STILL, wire.StillRefusal,
              on.refuse_still, wire.Still, "Take no picture, and say why"),
    ]  # fmt: skip

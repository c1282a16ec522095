"""Revoking: at once, or by two people where regions.toml asks for it.

A request changes nothing outside the two halls: anyone who verifies the certificate finds it
genuine until another clerk has approved. The halls see that it is open, and nothing is settled
on the certificate meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Action, Actor, authorize
from server.calls.queries import live_call
from server.cases.models import Case
from server.cases.record import Entry
from server.cases.rules import CaseState
from server.certificates import messages as wire
from server.certificates import queries
from server.certificates.models import Certificate, RevocationRequest
from server.certificates.recalls import Recalls
from server.certificates.rules import (
    REASON_LENGTH,
    Cause,
    RequestState,
    fall_context,
    require_valid,
)
from server.certificates.service import Certificates, known, request_context
from server.db.base import new_id
from server.db.unit import Unit
from server.errors import ServiceError
from server.items.rules import check_prose
from server.rooms import deciding
from server.tickets.rules import unknown_as


@dataclass(frozen=True, slots=True)
class Revoking:
    """Revokes certificates, and has a second clerk decide on it; each verb is one command."""

    certificates: Certificates
    recalls: Recalls

    async def revoke(
        self, unit: Unit, actor: Actor, certificate_id: str, reason: str
    ) -> wire.Certificate:
        """Revoke a valid certificate with the reason, or ask for it where a second must approve.

        Refuses certificate.unknown, certificate.revoked for one that counts no more, and
        revocation.pending while a request about it is open.
        """
        action = Action.REVOKE_CERTIFICATE
        row = await self.certificates.read(unit.session, actor, certificate_id, action)
        entry = await self.certificates.records.begin(unit, actor, row.case_id, action)
        said = check_prose(reason, "reason", REASON_LENGTH, required=True)
        row = await known(unit.session, certificate_id)
        require_valid(row.state)
        if await queries.open_requests(unit.session, [row.id]):
            raise ServiceError("revocation.pending")
        if self._needs_approval(entry.case, row):
            await self._ask(entry, row, said)
        else:
            await self._carry_out(entry, row, said, {})
        return await self._shown(entry, row)

    async def approve(self, unit: Unit, actor: Actor, request_id: str) -> wire.Certificate:
        """Revoke what another clerk has asked for.

        Refuses revocation.unknown, revocation.own to who asked, and revocation.gone for a request
        that is decided or withdrawn.
        """
        request, row, entry = await self._begin(unit, actor, request_id, Action.DECIDE_REVOCATION)
        await self._decide(entry, request, RequestState.APPROVED)
        reason = entry.key.open(request.sealed_reason, request_context(request.id))
        about = {"request_id": request.id, "asked_by": request.asked_by_name}
        await self._carry_out(entry, row, reason, about)
        self._tell(entry, row)
        return await self._shown(entry, row)

    async def decline(
        self, unit: Unit, actor: Actor, request_id: str, reason: str
    ) -> wire.Certificate:
        """Leave a certificate valid, with the reason; refuses as `approve` does."""
        request, row, entry = await self._begin(unit, actor, request_id, Action.DECIDE_REVOCATION)
        said = check_prose(reason, "reason", REASON_LENGTH, required=True)
        await self._decide(entry, request, RequestState.DECLINED)
        await entry.append("revocation.declined", _public(request, row), private={"reason": said})
        self._tell(entry, row)
        return await self._shown(entry, row)

    async def withdraw(self, unit: Unit, actor: Actor, request_id: str) -> wire.Certificate:
        """Take a request of one's own back; refuses action.forbidden for anybody else's."""
        request, row, entry = await self._begin(unit, actor, request_id, Action.REVOKE_CERTIFICATE)
        if request.asked_by != actor.id:
            raise ServiceError("action.forbidden")
        values = {"state": RequestState.WITHDRAWN, "closed_at": entry.at}
        if not await queries.withdraw_request(unit.session, request.id, actor.id, values):
            raise ServiceError("revocation.gone")
        await entry.append("revocation.withdrawn", _public(request, row))
        self._tell(entry, row)
        return await self._shown(entry, row)

    async def list(self, session: AsyncSession, actor: Actor) -> wire.RevocationList:
        """Return the open requests of the actor's jurisdiction, the oldest first."""
        authorize(actor, Action.LIST_REVOCATIONS)
        found = await queries.requests_for(session, actor)
        return wire.RevocationList(
            requests=[
                wire.RevocationRequest(
                    case_id=case.id,
                    case_number=case.number,
                    certificate_id=row.id,
                    title=row.title,
                    number=row.number,
                    pending=self.certificates.pending(case, request),
                )
                for request, row, case in found
            ]
        )

    async def _ask(self, entry: Entry, row: Certificate, reason: str) -> None:
        request_id = new_id()
        request = RevocationRequest(
            id=request_id,
            certificate_id=row.id,
            case_id=entry.case.id,
            state=RequestState.OPEN,
            asked_by=entry.actor.id,
            asked_by_name=entry.actor.name,
            asked_at=entry.at,
            sealed_reason=entry.key.seal(reason, request_context(request_id)),
        )
        if not await queries.ask_revocation(entry.unit.session, request):
            raise ServiceError("revocation.pending")
        public = _public(request, row)
        await entry.append("revocation.requested", public, private={"reason": reason})
        self._tell(entry, row)

    async def _carry_out(
        self, entry: Entry, row: Certificate, reason: str, about: Mapping[str, object]
    ) -> None:
        values = {
            "revoked_at": entry.at,
            "revoked_by": entry.actor.id,
            "sealed_reason": entry.key.seal(reason, fall_context(row.id)),
        }
        if not await queries.revoke(entry.unit.session, row.id, values):
            raise ServiceError("certificate.revoked", state=row.state.value)
        public = {"certificate_id": row.id, "number": row.number, **about}
        await entry.append("certificate.revoked", public, private={"reason": reason})
        await self.recalls.make(entry, row, Cause.REVOKED, reason)
        await self._reopen(entry, row)

    async def _reopen(self, entry: Entry, row: Certificate) -> None:
        """Open a case again on which nothing is left to settle with.

        Its call goes on as before the certificate; without one the counter may call again, with
        the place of the day, or withdraw.
        """
        session, case = entry.unit.session, entry.case
        if case.state is not CaseState.CERTIFIED or await queries.has_valid(session, case.id):
            return
        call = await live_call(session, case.id)
        entry.move(CaseState.RETURNED if call is None else CaseState.IN_CALL)
        await entry.append("case.reopened", {"certificate_id": row.id, "number": row.number})

    async def _begin(
        self, unit: Unit, actor: Actor, request_id: str, action: Action
    ) -> tuple[RevocationRequest, Certificate, Entry]:
        request = await queries.find_request(unit.session, request_id)
        if request is None:
            raise ServiceError("revocation.unknown")
        with unknown_as("revocation.unknown"):
            entry = await self.certificates.records.begin(unit, actor, request.case_id, action)
        row = await known(unit.session, request.certificate_id)
        return request, row, entry

    async def _decide(self, entry: Entry, request: RevocationRequest, state: RequestState) -> None:
        if request.asked_by == entry.actor.id:
            raise ServiceError("revocation.own")
        values = {"state": state, "closed_at": entry.at}
        session = entry.unit.session
        if not await queries.decide_request(session, request.id, entry.actor.id, values):
            raise ServiceError("revocation.gone")

    async def _shown(self, entry: Entry, row: Certificate) -> wire.Certificate:
        session = entry.unit.session
        return await self.certificates.show_one(session, await known(session, row.id))

    def _needs_approval(self, case: Case, row: Certificate) -> bool:
        """Say whether one clerk alone cannot revoke it; so it is where nobody knows."""
        line = self.certificates.reader.item_of(case).certificate(row.kind)
        return line is None or line.revocation_needs_approval

    def _tell(self, entry: Entry, row: Certificate) -> None:
        news = {"case_id": row.case_id, "certificate_id": row.id}
        for room in deciding(entry.case.jurisdiction):
            entry.unit.notify(room, "revocation.changed", news)


def _public(request: RevocationRequest, row: Certificate) -> dict[str, object]:
    return {"request_id": request.id, "certificate_id": row.id, "number": row.number}

"""Recalls: what a hall is told that settled with a certificate which then fell, and its answer.

A recall is a row and no message: it waits in the hall's list until somebody there says what was
done, whoever was signed in when the certificate fell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Action, Actor, authorize
from server.cases.models import Case
from server.cases.record import Entry, Records
from server.certificates import messages as wire
from server.certificates import queries
from server.certificates.models import Certificate, Recall
from server.certificates.rules import ACKNOWLEDGED_WITHIN, Cause
from server.db.base import new_id
from server.db.unit import Unit
from server.errors import ServiceError
from server.items.rules import check_prose
from server.regions.rules import Catalogue
from server.rooms import boards, queue
from server.rooms import clerk as clerk_room
from server.rooms import hall as hall_room
from server.tickets.rules import unknown_as
from server.vault import VaultError

REMARK_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Recalls:
    """Tells halls, keeps their answers, and shows who has answered; each verb is one command."""

    records: Records
    catalogue: Catalogue

    async def make(self, entry: Entry, row: Certificate, cause: Cause, reason: str) -> None:
        """Tell the hall that settled with a certificate that it counts no more, if one did.

        Who settled with one that this has superseded relies on this one since.
        """
        unit, case = entry.unit, entry.case
        settlement = await queries.find_settlement(unit.session, case.id)
        line = await queries.line_of(unit.session, row)
        if settlement is None or settlement.certificate_id not in line:
            return
        recall_id = new_id()
        recall = Recall(
            id=recall_id,
            certificate_id=row.id,
            case_id=case.id,
            hall=case.counter_hall,
            cause=cause,
            sealed_reason=entry.key.seal(reason, reason_context(recall_id)),
            made_at=entry.at,
        )
        unit.session.add(recall)
        await entry.append("recall.made", _public(recall, row))
        self._tell(entry, recall)
        tell_clerk(entry, settlement.by, "recall.made")
        unit.notify(clerk_room(settlement.by), "recall.changed", _news(recall))

    async def acknowledge(
        self, unit: Unit, actor: Actor, recall_id: str, order: wire.RecallAnswer
    ) -> wire.Recall:
        """Keep what the hall did about what it had settled; the issuer hears of it.

        Refuses recall.unknown, action.forbidden to the clerks of another hall, and recall.gone
        for one that is answered.
        """
        recall, row, *_ = await self._find(unit.session, recall_id)
        with unknown_as("recall.unknown"):
            entry = await self.records.begin(unit, actor, recall.case_id, Action.ACKNOWLEDGE_RECALL)
        if recall.hall != actor.hall:
            raise ServiceError("action.forbidden")
        remark = check_prose(order.remark, "remark", REMARK_LENGTH)
        values = {
            "outcome": order.outcome,
            "sealed_remark": entry.key.seal(remark, remark_context(recall_id)),
            "acknowledged_by": actor.id,
            "acknowledged_by_name": actor.name,
            "acknowledged_at": entry.at,
        }
        if not await queries.acknowledge(unit.session, recall_id, values):
            raise ServiceError("recall.gone")
        public = {**_public(recall, row), "outcome": order.outcome.value}
        await entry.append("recall.acknowledged", public, private={"remark": remark})
        self._tell(entry, recall)
        for clerk_id in sorted({row.issued_by, row.revoked_by or row.issued_by}):
            tell_clerk(entry, clerk_id, "recall.acknowledged")
        unit.session.expire(recall)
        return self._view(await self._find(unit.session, recall_id))

    async def list(self, session: AsyncSession, actor: Actor) -> wire.RecallList:
        """Return what has no answer yet: of the actor's hall, and of what their region issued.

        Supervisors see both sides of their region or province, the oldest first.
        """
        authorize(actor, Action.LIST_RECALLS)
        found = await queries.open_recalls_for(session, actor)
        return wire.RecallList(recalls=[self._view(one) for one in found])

    async def of(
        self, session: AsyncSession, certificate_ids: Sequence[str]
    ) -> Sequence[wire.Recall]:
        """Return whom these certificates were recalled from, and what they said."""
        return [self._view(one) for one in await queries.recalls_of(session, certificate_ids)]

    async def _find(self, session: AsyncSession, recall_id: str) -> queries.Recalled:
        found = await queries.find_recall(session, recall_id)
        if found is None:
            raise ServiceError("recall.unknown")
        return found

    def _view(self, found: queries.Recalled) -> wire.Recall:
        recall, row, case, settlement, successor = found
        hall = self.catalogue.halls.get(recall.hall)
        return wire.Recall(
            id=recall.id,
            certificate_id=row.id,
            case_id=case.id,
            case_number=case.number,
            title=row.title,
            number=row.number,
            cause=recall.cause,
            reason=self._open(case, recall.sealed_reason, reason_context(recall.id)),
            superseded_by=successor,
            made_at=recall.made_at,
            due_at=recall.made_at + ACKNOWLEDGED_WITHIN,
            hall=recall.hall,
            hall_name=hall.name if hall else recall.hall,
            reference=settlement.reference,
            settled_by=settlement.by_name,
            settled_at=settlement.at,
            outcome=recall.outcome,
            remark=self._open(case, recall.sealed_remark, remark_context(recall.id)),
            acknowledged_by=recall.acknowledged_by_name,
            acknowledged_at=recall.acknowledged_at,
        )

    def _open(self, case: Case, sealed: str | None, context: str) -> str:
        """Return what was written; nothing once the case's key is destroyed."""
        try:
            return "" if sealed is None else self.records.key_of(case).open(sealed, context)
        except VaultError:
            return ""

    def _tell(self, entry: Entry, recall: Recall) -> None:
        case = entry.case
        rooms = {hall_room(recall.hall), queue(case.jurisdiction)}
        for room in sorted(rooms | boards(case.jurisdiction, case.counter_region)):
            entry.unit.notify(room, "recall.changed", _news(recall))


def tell_clerk(entry: Entry, clerk_id: str, kind: str) -> None:
    """Tell a clerk of a case's last event who is neither its opener nor its agent."""
    case = entry.case
    if clerk_id not in {case.opened_by, case.agent_id}:
        news = {"case_id": case.id, "seq": case.seq, "kind": kind}
        entry.unit.notify(clerk_room(clerk_id), "case.changed", news)


def reason_context(recall_id: str) -> str:
    """Return what the reason of a recall is bound to."""
    return f"recall:{recall_id}:reason"


def remark_context(recall_id: str) -> str:
    """Return what a hall's answer is bound to."""
    return f"recall:{recall_id}:remark"


def _public(recall: Recall, row: Certificate) -> dict[str, object]:
    return {
        "recall_id": recall.id,
        "certificate_id": row.id,
        "number": row.number,
        "cause": recall.cause.value,
    }


def _news(recall: Recall) -> dict[str, object]:
    return {"case_id": recall.case_id, "certificate_id": recall.certificate_id}

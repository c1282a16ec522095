"""Corrections: a new certificate in the place of one that says something wrong.

The jurisdiction's values are put right in the case first, so that the new certificate's facts
come from a log that has the correction in it; its release is what supersedes the old one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Action
from server.cases import queries as case_queries
from server.cases.models import Case
from server.cases.record import Entry
from server.cases.service import Cases
from server.certificates import messages as wire
from server.certificates import queries
from server.certificates.facts import Draft, open_facts
from server.certificates.models import Certificate
from server.certificates.recalls import Recalls
from server.certificates.rules import Cause, CertificateState, fall_context
from server.errors import ServiceError
from server.items.rules import (
    APPLICANT,
    ENTERPRISE,
    Item,
    Owner,
    check_order,
    check_value,
)


@dataclass(frozen=True, slots=True)
class Correction:
    """Which certificate is wrong, why, and the jurisdiction's values as they should be."""

    certificate_id: str
    reason: str
    values: Mapping[str, str]


def action_of(correction: Correction | None) -> Action:
    """Return what somebody does who issues, or who corrects."""
    return Action.ISSUE_CERTIFICATE if correction is None else Action.SUPERSEDE_CERTIFICATE


def wrong_of(correction: Correction | None) -> str | None:
    """Return the certificate that is to be superseded, if one is."""
    return None if correction is None else correction.certificate_id


@dataclass(frozen=True, slots=True)
class Corrections:
    """What issuing does otherwise when the certificate takes another one's place."""

    cases: Cases
    recalls: Recalls

    async def values(
        self, session: AsyncSession, case: Case, correction: Correction | None, now: datetime
    ) -> dict[str, str]:
        """Return the corrected values in their normal forms; none where nothing is corrected.

        Refuses field.unknown for a value that is not the jurisdiction's, and what a field's check
        refuses.
        """
        if correction is None:
            return {}
        item = self.cases.reader.item_of(case)
        checked = {}
        for name, text in correction.values.items():
            field = item.field(name)
            if field is None or field.owner is not Owner.JURISDICTION:
                raise ServiceError("field.unknown", field=name)
            checked[name] = check_value(field, text, now)
        check_order(item, {**await self.cases.reader.values(session, case), **checked})
        return checked

    async def admit(
        self, session: AsyncSession, case: Case, draft: Draft, correction: Correction | None
    ) -> None:
        """Refuse what cannot stand beside the valid certificate that the case has of that kind.

        That is certificate.exists; for a correction it is certificate.revoked if the wrong
        certificate counts no more, revocation.pending, field.unknown for a value that is not on
        it, and certificate.unchanged.
        """
        valid = await queries.find_valid(session, case.id, draft.kind)
        if correction is None:
            if valid is not None:
                raise ServiceError("certificate.exists")
            return
        if valid is None or valid.id != correction.certificate_id:
            raise ServiceError("certificate.revoked")
        if await queries.open_requests(session, [valid.id]):
            raise ServiceError("revocation.pending")
        refuse_unprinted(correction, draft)
        if self.facts_of(case, valid).values == draft.values:
            raise ServiceError("certificate.unchanged")

    async def write(self, entry: Entry, correction: Correction | None) -> None:
        """Put the corrected values into the case and its log, those that are not there yet."""
        session, case = entry.unit.session, entry.case
        item = self.cases.reader.item_of(case)
        checked = await self.values(session, case, correction, entry.unit.now)
        for name, value in checked.items():
            field, row = item.field(name), await case_queries.find_field(session, case.id, name)
            known = None if row is None else self.cases.reader.open_field(case, entry.key, row)
            if field is None or value == known:
                continue
            version = 0 if row is None else row.version
            if await self.cases.put_field(entry, field, value, version) is None:
                raise ServiceError("server.busy")

    async def supersede(
        self, entry: Entry, correction: Correction | None, certificate_id: str, attempt: int
    ) -> None:
        """Let a certificate that is about to be released take the wrong one's place.

        Who settled with that is told. Refuses certificate.revoked if it counts no more. What is
        released already, or was taken anew, takes nobody's place again.
        """
        if correction is None:
            return
        session = entry.unit.session
        row = await queries.find_any(session, certificate_id)
        old = await queries.find(session, correction.certificate_id)
        if row is None or old is None:
            raise ServiceError("certificate.unknown")
        if row.state is not CertificateState.RESERVED or row.attempt != attempt:
            return
        reason = correction.reason
        values = {
            "superseded_by": row.id,
            "revoked_at": entry.at,
            "revoked_by": entry.actor.id,
            "sealed_reason": entry.key.seal(reason, fall_context(old.id)),
        }
        if not await queries.supersede(session, old.id, values):
            raise ServiceError("certificate.revoked")
        item = self.cases.reader.item_of(entry.case)
        before, after = (self.facts_of(entry.case, one) for one in (old, row))
        differences = [one.model_dump() for one in compare(item, before, after)]
        public = {
            "certificate_id": old.id, "number": old.number,
            "successor_id": row.id, "successor_number": row.number,
        }  # fmt: skip
        private = {"reason": reason, "differences": differences}
        await entry.append("certificate.superseded", public, private=private)
        await self.recalls.make(entry, old, Cause.SUPERSEDED, reason)

    def facts_of(self, case: Case, row: Certificate) -> Draft:
        """Return what a certificate in the register says."""
        return open_facts(self.cases.records.key_of(case), row)


def refuse_unprinted(correction: Correction, draft: Draft) -> None:
    """Refuse field.unknown for a value that the certificate does not show."""
    for name in correction.values:
        if name not in draft.values:
            raise ServiceError("field.unknown", field=name)


def compare(item: Item, old: Draft, new: Draft) -> list[wire.Difference]:
    """Return every value that differs between what two certificates say."""
    return [
        wire.Difference(name=name, label=_label(item, name), old=before, new=after)
        for name in {**old.values, **new.values}
        if (before := old.values.get(name, "")) != (after := new.values.get(name, ""))
    ]


def _label(item: Item, name: str) -> str:
    known = item.field(name) or (APPLICANT | ENTERPRISE).get(name)
    return name if known is None else known.label

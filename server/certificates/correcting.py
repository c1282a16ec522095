"""Correcting: look at what would be otherwise, then issue in the wrong certificate's place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from server.access import Action, Actor
from server.certificates import messages as wire
from server.certificates.corrections import Correction, compare, refuse_unprinted
from server.certificates.issuing import Issuing, Key
from server.certificates.models import Certificate
from server.certificates.review_messages import CorrectionPreview
from server.certificates.review_views import ReviewViews
from server.certificates.rules import REASON_LENGTH, require_valid
from server.certificates.service import known
from server.items.rules import check_prose
from server.tickets.rules import unknown_as


@dataclass(frozen=True, slots=True)
class Correcting:
    """Supersedes certificates: the jurisdiction's values put right, a new number, a new file."""

    issuing: Issuing

    async def preview(
        self, actor: Actor, certificate_id: str, values: Mapping[str, str]
    ) -> CorrectionPreview:
        """Return what would be otherwise with these values; nothing is written.

        Refuses certificate.unknown, certificate.revoked, field.unknown, whatever a field's check
        refuses, and seat.missing to whoever has not spoken with the counter on this case.
        """
        correction = Correction(certificate_id, "", values)
        drafts, corrections = self.issuing.drafts, self.issuing.corrections
        async with self.issuing.units.database.reading() as session:
            row = await known(session, certificate_id)
            with unknown_as("certificate.unknown"):
                action = Action.SUPERSEDE_CERTIFICATE
                case = await self.issuing.records.read(session, actor, row.case_id, action)
            require_valid(row.state)
            now = self.issuing.units.clock()
            corrected = await corrections.values(session, case, correction, now)
            draft = await drafts.outline(session, case, row.kind, corrected=corrected)
            refuse_unprinted(correction, draft)
            item, old = drafts.reader.item_of(case), corrections.facts_of(case, row)
            differences, review = compare(item, old, draft), None
            if differences:
                review = await ReviewViews(self.issuing.reviews, drafts).of_kind(
                    session, case, row.kind, now, corrects=row.id, corrected=corrected
                )
        return CorrectionPreview(fields=list(draft.values), differences=differences, review=review)

    async def correct(
        self, actor: Actor, certificate_id: str, order: wire.CorrectionOrder, key: Key
    ) -> Certificate:
        """Issue a corrected certificate, or give the one that this key has issued.

        It refuses what issuing refuses, certificate.revoked for a certificate that counts no more,
        revocation.pending, field.unknown, and certificate.unchanged. Who settled with the old one
        is told.
        """
        reason = check_prose(order.reason, "reason", REASON_LENGTH, required=True)
        async with self.issuing.units.database.reading() as session:
            row = await known(session, certificate_id)
        correction = Correction(certificate_id, reason, order.values)
        with unknown_as("certificate.unknown"):
            return await self.issuing.issue(
                actor, row.case_id, row.kind, key, correction=correction
            )

"""Reviews as their readers see them: in lists, in the case, and whole for who decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Action, Actor, authorize
from server.calls.queries import live_call
from server.cases import queries as case_queries
from server.cases.models import Case
from server.certificates import queries as certificate_queries
from server.certificates import review_messages as wire
from server.certificates import review_queries as queries
from server.certificates.corrections import compare
from server.certificates.facts import NOTHING, Drafts, open_facts
from server.certificates.messages import Difference
from server.certificates.models import IssueReview
from server.certificates.reviews import Basis, Issuer, Reviews, answer_context, reason_context
from server.certificates.rules import APPROVAL_LASTS, RequestState, ReviewFault, review_rule
from server.errors import ServiceError
from server.items.rules import APPLICANT, ENTERPRISE
from server.vault import CaseKey, VaultError


@dataclass(frozen=True, slots=True)
class ReviewViews:
    """Shows reviews; it changes nothing."""

    reviews: Reviews
    drafts: Drafts

    async def list(self, session: AsyncSession, actor: Actor) -> wire.ReviewList:
        """Return what waits for a second clerk in the actor's jurisdiction.

        Before all that on which a citizen waits, and each oldest first.
        """
        authorize(actor, Action.LIST_REVIEWS)
        found = await queries.open_for(session, actor)
        return wire.ReviewList(requests=[self._request(actor, one) for one in found])

    async def of_case(
        self, session: AsyncSession, actor: Actor, case_id: str, now: datetime
    ) -> wire.CaseReviews:
        """Return how reviews stand of what the case issues, to whoever may read the case."""
        records = self.reviews.reader.records
        case = await records.read(session, actor, case_id, Action.READ_CASE)
        item = self.reviews.reader.item_of(case)
        return wire.CaseReviews(
            kinds=[
                await self.of_kind(session, case, line.kind, now)
                for line in item.certificates
                if line.review is not None
            ]
        )

    async def of_kind(
        self, session: AsyncSession, case: Case, kind: str, now: datetime, *,
        corrects: str | None = None, corrected: Mapping[str, str] = NOTHING,
    ) -> wire.ReviewStanding:  # fmt: skip
        """Return how a review stands to what would be issued now, complete or not."""
        try:
            draft = await self.drafts.outline(session, case, kind, corrected=corrected)
        except ServiceError:
            return await self._incomplete(session, case, kind)
        basis = await self.reviews.basis(
            session, case, draft, corrects=corrects, corrected=corrected
        )
        return await self.standing(session, case, basis, now)

    async def standing(
        self, session: AsyncSession, case: Case, basis: Basis, now: datetime
    ) -> wire.ReviewStanding:
        """Return how a review stands to this, if the agent of the case issues it."""
        kind, issuer = basis.draft.kind, Issuer(case.agent_id or "", now)
        found = await self.reviews.standing(session, case, basis, issuer)
        asked = self.reviews.asks(case, kind, basis.values)
        return wire.ReviewStanding(
            kind=kind,
            asked=asked,
            cause=wire.ReviewCause.of(self.reviews.reader.item_of(case), kind),
            fault=found.fault if asked else None,
            review=None if found.row is None else self.review(case, found.row),
        )

    async def whole(
        self, session: AsyncSession, actor: Actor, row: IssueReview, case: Case, now: datetime
    ) -> wire.ReviewedCase:
        """Return all that a second clerk judges by; the caller has authorized and logged it."""
        reader, key = self.reviews.reader, self.reviews.reader.records.key_of(case)
        basis = self.reviews.open_basis(case, row)
        earlier = await queries.of_kind(session, case.id, row.kind)
        checks = await case_queries.list_checks(session, case.id)
        materials = await reader.materials(session, case)
        standing = await self.of_kind(
            session, case, row.kind, now, corrects=basis.corrects, corrected=basis.corrected
        )
        number, differences = await self._corrected(session, case, key, basis)
        still_so = standing.review is not None and standing.review.id == row.id
        return wire.ReviewedCase(
            request=await self.request(session, actor, row, case, number),
            values=list(self._values(case, basis)),
            differences=list(differences),
            materials=[one for one in materials if one.sha256 in basis.materials],
            checks=[reader.check(key, one) for one in checks],
            declined=[
                self.review(case, one) for one in earlier if one.state is RequestState.DECLINED
            ],
            stale=not still_so or standing.fault is ReviewFault.CHANGED,
        )

    async def known(self, session: AsyncSession, review_id: str) -> IssueReview:
        """Return a review as it is now; review.unknown where there is none."""
        row = await queries.find(session, review_id)
        if row is None:
            raise ServiceError("review.unknown")
        return row

    async def request(
        self, session: AsyncSession, actor: Actor, row: IssueReview, case: Case,
        number: str | None = None,
    ) -> wire.ReviewRequest:  # fmt: skip
        """Return a review with what it is about."""
        call = await live_call(session, case.id)
        return self._request(actor, queries.Waiting(row, case, number, call is not None))

    def _request(self, actor: Actor, found: queries.Waiting) -> wire.ReviewRequest:
        row, case, reader = found.row, found.case, self.reviews.reader
        item = reader.item_of(case)
        try:
            applicant = reader.open_applicant(case, reader.records.key_of(case))
        except VaultError:
            applicant = {"enterprise_name": "", "name": ""}
        return wire.ReviewRequest(
            case_number=case.number,
            item_name=item.name,
            applicant_name=applicant["enterprise_name"] or applicant["name"],
            counter_hall_name=reader.catalogue.halls[case.counter_hall].name,
            number=found.number,
            in_call=found.in_call,
            cause=wire.ReviewCause.of(item, row.kind),
            mine=row.asked_by == actor.id,
            review=self.review(case, row),
        )

    def review(self, case: Case, row: IssueReview) -> wire.Review:
        """Return a review with both clerks' words."""
        approved_at = row.closed_at if row.state is RequestState.APPROVED else None
        return wire.Review.of(
            row,
            self._open(case, row.sealed_reason, reason_context(row.id)),
            self._open(case, row.sealed_answer, answer_context(row.id)),
            None if approved_at is None else approved_at + APPROVAL_LASTS,
        )

    async def _incomplete(
        self, session: AsyncSession, case: Case, kind: str
    ) -> wire.ReviewStanding:
        """Return how it stands to what cannot be drawn up yet, or not any more."""
        rows = await queries.of_kind(session, case.id, kind)
        values = await self.reviews.reader.values(session, case)
        item = self.reviews.reader.item_of(case)
        rule = review_rule(item, kind)
        known = rule is not None and (not rule.field or rule.field in values)
        asked = known and self.reviews.asks(case, kind, values)
        fault = ReviewFault.CHANGED if rows else ReviewFault.MISSING
        return wire.ReviewStanding(
            kind=kind,
            asked=asked,
            cause=wire.ReviewCause.of(item, kind),
            fault=fault if asked else None,
            review=self.review(case, rows[0]) if rows else None,
        )

    async def _corrected(
        self, session: AsyncSession, case: Case, key: CaseKey, basis: Basis
    ) -> tuple[str | None, Sequence[Difference]]:
        """Return the number of the certificate to be corrected, and what would be otherwise."""
        old = await certificate_queries.find(session, basis.corrects or "none")
        if old is None:
            return None, []
        differences = compare(self.reviews.reader.item_of(case), open_facts(key, old), basis.draft)
        return old.number, differences

    def _values(self, case: Case, basis: Basis) -> Sequence[wire.ReviewedValue]:
        """Return the whole form with the applicant: who approves a value must have seen it."""
        own = {one.name: one for one in self.reviews.reader.item_of(case).fields}
        known = {**APPLICANT, **ENTERPRISE, **own}
        return [
            wire.ReviewedValue(
                name=name,
                label=field.label,
                value=basis.values[name],
                printed=name in basis.draft.values,
            )
            for name, field in known.items()
            if name in basis.values
        ]

    def _open(self, case: Case, sealed: str | None, context: str) -> str:
        """Return what was written; nothing once the case's key is destroyed."""
        try:
            key = self.reviews.reader.records.key_of(case)
            return "" if sealed is None else key.open(sealed, context)
        except VaultError:
            return ""

"""Whether a second clerk has approved exactly what is about to be issued.

The service asks it before it reserves a place in the register, and the signer asks it again of the
record by itself.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from server.cases import queries as case_queries
from server.cases.models import Case
from server.cases.reading import Reader
from server.certificates import review_queries as queries
from server.certificates.facts import NOTHING, Draft
from server.certificates.models import IssueReview
from server.certificates.rules import RequestState, ReviewFault, approval_lasts, review_rule
from server.errors import ServiceError
from server.vault import CaseKey

# Whether a clerk, by their account as it is now, may review what a case issues.
MayReview = Callable[[AsyncSession, Case, str], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Basis:
    """What a second clerk looks at: what is to be issued, and all that stands behind it.

    `values` is the whole form, `materials` the files by their hashes, `corrects` the certificate
    that is to be superseded. `corrected` says which of the values are not in the case yet; the
    same facts are the same before and after they are.
    """

    draft: Draft
    values: Mapping[str, str]
    materials: tuple[str, ...]
    corrects: str | None
    corrected: Mapping[str, str] = field(default_factory=dict, compare=False)

    def to_json(self) -> str:
        """Return it as text that `from_json` reads."""
        said = {**asdict(self), "draft": self.draft.to_json()}
        return json.dumps(said, ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Basis:
        """Return what `to_json` wrote."""
        said = json.loads(text)
        draft, materials = Draft.from_json(said.pop("draft")), tuple(said.pop("materials"))
        return cls(draft=draft, materials=materials, **said)


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who would issue, and when."""

    clerk_id: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How a review stands to what would be issued now; without a fault it lets that pass."""

    row: IssueReview | None
    fault: ReviewFault | None


@dataclass(frozen=True, slots=True)
class Reviews:
    """Finds the approval that something may be issued on; it only reads."""

    reader: Reader
    may_review: MayReview

    async def basis(
        self, session: AsyncSession, case: Case, draft: Draft, *,
        corrects: str | None, corrected: Mapping[str, str],
    ) -> Basis:  # fmt: skip
        """Return what a second clerk would look at now."""
        materials = await case_queries.list_materials(session, case.id)
        return Basis(
            draft=draft.unsealed,
            values={**await self.reader.values(session, case), **corrected},
            materials=tuple(sorted(one.sha256 for one in materials if not one.removed)),
            corrects=corrects,
            corrected=dict(corrected),
        )

    def asks(self, case: Case, kind: str, values: Mapping[str, str]) -> bool:
        """Say whether regions.toml asks for a review of a certificate on these values."""
        rule = review_rule(self.reader.item_of(case), kind)
        return rule is not None and rule.asks(values)

    async def require(
        self, session: AsyncSession, case: Case, draft: Draft, issuer: Issuer, *,
        corrects: str | None = None, corrected: Mapping[str, str] = NOTHING,
    ) -> str | None:  # fmt: skip
        """Return the approval that this may be issued on; None where nobody asks for any.

        Refuses review.pending, and review.needed with the reason.
        """
        if review_rule(self.reader.item_of(case), draft.kind) is None:
            return None
        basis = await self.basis(session, case, draft, corrects=corrects, corrected=corrected)
        if not self.asks(case, draft.kind, basis.values):
            return None
        found = await self.standing(session, case, basis, issuer)
        if found.fault is ReviewFault.PENDING:
            raise ServiceError("review.pending")
        if found.fault is not None or found.row is None:
            raise ServiceError("review.needed", why=(found.fault or ReviewFault.MISSING).value)
        return found.row.id

    async def standing(
        self, session: AsyncSession, case: Case, basis: Basis, issuer: Issuer
    ) -> Standing:
        """Return the approval that counts; where none does the newest review, and why not.

        What was declined since on these very facts no earlier approval lets pass.
        """
        rows = await queries.of_kind(session, case.id, basis.draft.kind)
        newest = Standing(None, ReviewFault.MISSING)
        for row in rows:
            fault = await self._fault(session, case, row, basis, issuer)
            if fault is None:
                return Standing(row, None)
            if newest.row is None:
                newest = Standing(row, fault)
            if fault is ReviewFault.DECLINED:
                break
        return newest

    async def _fault(
        self, session: AsyncSession, case: Case, row: IssueReview, basis: Basis, issuer: Issuer,
    ) -> ReviewFault | None:  # fmt: skip
        match row.state:
            case RequestState.WITHDRAWN:
                return ReviewFault.MISSING
            case RequestState.DECLINED:
                same = self.open_basis(case, row) == basis
                return ReviewFault.DECLINED if same else ReviewFault.CHANGED
            case RequestState.OPEN:
                same = self.open_basis(case, row) == basis
                return ReviewFault.PENDING if same else ReviewFault.CHANGED
            case RequestState.APPROVED:
                return await self._fault_of_approval(session, case, row, basis, issuer)

    async def _fault_of_approval(
        self, session: AsyncSession, case: Case, row: IssueReview, basis: Basis, issuer: Issuer,
    ) -> ReviewFault | None:  # fmt: skip
        if await queries.is_used(session, row.id):
            return ReviewFault.USED
        if self.open_basis(case, row) != basis:
            return ReviewFault.CHANGED
        if not approval_lasts(row.closed_at, issuer.now):
            return ReviewFault.EXPIRED
        if row.closed_by is None or row.closed_by in {issuer.clerk_id, row.asked_by}:
            return ReviewFault.OWN
        if not await self.may_review(session, case, row.closed_by):
            return ReviewFault.REVIEWER_GONE
        return None

    def open_basis(self, case: Case, row: IssueReview) -> Basis:
        """Return what was put before the second clerk."""
        return open_basis(self.reader.records.key_of(case), row)


def open_basis(key: CaseKey, row: IssueReview) -> Basis:
    """Return what was put before the second clerk; VaultError once the case's key is destroyed."""
    return Basis.from_json(key.open(row.sealed_basis, basis_context(row.id)))


def basis_context(review_id: str) -> str:
    """Return what is bound to it what a second clerk looks at."""
    return f"review:{review_id}"


def reason_context(review_id: str) -> str:
    """Return what is bound to it why a review was asked for."""
    return f"review:{review_id}:reason"


def answer_context(review_id: str) -> str:
    """Return what is bound to it what the second clerk said."""
    return f"review:{review_id}:answer"

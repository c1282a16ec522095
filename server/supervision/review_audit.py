"""Whether what a second clerk had to approve was approved; a part of `kuayu verify-store`."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from server.certificates.facts import open_facts
from server.certificates.models import Certificate, IssueReview
from server.certificates.reviewing import basis_hash
from server.certificates.reviews import open_basis
from server.certificates.rules import RequestState
from server.supervision import audit_queries as queries
from server.vault import CaseKey, VaultError


async def fault_of_review(
    session: AsyncSession, row: Certificate, review_id: str, key: CaseKey | None
) -> str | None:
    """Say what is wrong with the approval that a released certificate was issued on, if any is.

    A certificate names the approval that was asked for at its time, whatever regions.toml says now.
    """
    review = await session.get(IssueReview, review_id)
    if review is None or review.state is not RequestState.APPROVED:
        return "there is no approval"
    approvals = await queries.approvals_of(session, row.case_id, review.id)
    logged = [(one.actor["id"], one.data["basis_sha256"]) for one in approvals]
    about = review.case_id, review.kind, review.template_version, review.corrects
    found = {
        "the approval is of something else": about
        != (row.case_id, row.kind, row.template_version, row.supersedes),
        "nobody else approved it": review.closed_by in {None, review.asked_by, row.issued_by},
        "the case's log has not this approval": logged != [(review.closed_by, basis_hash(review))],
        "it was approved after it was issued": row.issued_at is None
        or any(one.at > row.issued_at for one in approvals),
    }
    says = next((says for says, wrong in found.items() if wrong), None)
    return says if says or _same(row, review, key) else "other facts were approved"


def _same(row: Certificate, review: IssueReview, key: CaseKey | None) -> bool:
    """Say whether the certificate has the facts that were approved; so does what does not open."""
    try:
        return key is None or open_basis(key, review).draft == open_facts(key, row).unsealed
    except VaultError:
        return True

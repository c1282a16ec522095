"""Reviews before issuing, on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import StringConstraints

from server.cases.messages import Check, Material
from server.certificates import models
from server.certificates.messages import CorrectionDraft, Difference, Kind
from server.certificates.rules import RequestState, ReviewFault, review_rule
from server.items.rules import Item
from server.web.http import Message

Words = Annotated[str, StringConstraints(max_length=500)]


class ReviewOrder(Message):
    """Which kind of certificate is to be issued, and what the second clerk should know."""

    kind: Kind
    remark: Words = ""


class CorrectionReviewOrder(CorrectionDraft):
    """The values as they should be, and what was wrong."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=500)]


class ReviewApproval(Message):
    """What the second clerk says to it, if anything."""

    remark: Words = ""


class ReviewRefusal(Message):
    """Why the second clerk does not approve."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=500)]


class ReviewCause(Message):
    """Why a review is asked for: a number of the form above a limit; without one it always is."""

    label: str | None = None
    above: str | None = None

    @classmethod
    def of(cls, item: Item, kind: str) -> ReviewCause:
        """Build from what regions.toml says of a certificate of the item."""
        rule = review_rule(item, kind)
        field = None if rule is None else item.field(rule.field)
        if rule is None or field is None:
            return cls()
        return cls(label=field.label, above=str(rule.above))


class Review(Message):
    """What one clerk wants to issue, and what another one has said to it.

    `reason` is what the first wrote, `answer` what the second did; both are empty once erased.
    """

    id: str
    case_id: str
    kind: str
    title: str
    corrects: str | None
    state: RequestState
    asked_by: str
    asked_by_name: str
    asked_at: datetime
    reason: str
    closed_by_name: str | None
    closed_at: datetime | None
    counts_until: datetime | None
    answer: str

    @classmethod
    def of(
        cls, row: models.IssueReview, reason: str, answer: str, counts_until: datetime | None
    ) -> Review:
        """Build from its row and the opened words."""
        return cls(
            id=row.id,
            case_id=row.case_id,
            kind=row.kind,
            title=row.title,
            corrects=row.corrects,
            state=row.state,
            asked_by=row.asked_by,
            asked_by_name=row.asked_by_name,
            asked_at=row.asked_at,
            reason=reason,
            closed_by_name=row.closed_by_name,
            closed_at=row.closed_at,
            counts_until=counts_until,
            answer=answer,
        )


class ReviewStanding(Message):
    """Whether a kind of certificate may be issued on the case as it is now, as to its review.

    `asked` says whether regions.toml asks for one; then `fault` says why it does not let the
    certificate pass yet, and is null once a second clerk has approved these very facts.
    """

    kind: str
    asked: bool
    cause: ReviewCause
    fault: ReviewFault | None
    review: Review | None


class CaseReviews(Message):
    """How reviews stand of whatever a case issues that may need one."""

    kinds: list[ReviewStanding]


class CorrectionPreview(Message):
    """Which fields the certificate shows, what would be otherwise on the new one, and its review.

    `review` is null while nothing is otherwise.
    """

    fields: list[str]
    differences: list[Difference]
    review: ReviewStanding | None


class ReviewRequest(Message):
    """An open review, with what it is about; `number` is that of the certificate to be corrected.

    `in_call` says that the case's call goes on, so that the citizen waits; `mine` was asked for by
    the reader, who cannot decide on it.
    """

    case_number: str
    item_name: str
    applicant_name: str
    counter_hall_name: str
    number: str | None
    in_call: bool
    cause: ReviewCause
    mine: bool
    review: Review


class ReviewList(Message):
    """What waits for a second clerk: in a call before all, and each oldest first."""

    requests: list[ReviewRequest]


class ReviewedValue(Message):
    """One value of the form, as it was put before the second clerk, whole as the page has it.

    `printed` is one that the certificate shows.
    """

    name: str
    label: str
    value: str
    printed: bool


class ReviewedCase(Message):
    """Everything that a second clerk judges by; `stale` when the case has changed since.

    `differences` is what a correction changes; `declined` are earlier answers on the same kind.
    """

    request: ReviewRequest
    values: list[ReviewedValue]
    differences: list[Difference]
    materials: list[Material]
    checks: list[Check]
    declined: list[Review]
    stale: bool


class ReviewChanged(Message):
    """A review was asked for, decided or withdrawn: ask again."""

    case_id: str
    review_id: str


NOTICES: dict[str, type[Message]] = {"review.changed": ReviewChanged}

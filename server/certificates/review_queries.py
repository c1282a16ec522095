"""Every SQL statement on what is reviewed before it is issued."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, false, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.access import TABLE, Action, Actor, Role
from server.calls.models import Call
from server.calls.rules import CallState
from server.cases.models import Case, CaseEvent
from server.certificates.models import Certificate, IssueReview
from server.certificates.queries import MOST, of_jurisdiction
from server.certificates.rules import CertificateState, RequestState
from server.db.insert import insert_unless_kept

# A case that has gone on, or back, has nothing to be decided on.
DECIDED_IN = sorted({one for grant in TABLE[Action.DECIDE_REVIEW] for one in grant.states or ()})


@dataclass(frozen=True, slots=True)
class Waiting:
    """A review with what it is about.

    `number` is that of the certificate to be corrected; `in_call` says that the case's call goes
    on, so that the citizen waits.
    """

    row: IssueReview
    case: Case
    number: str | None
    in_call: bool


async def ask(session: AsyncSession, review: IssueReview) -> bool:
    """Keep a review, unless one of that case and kind is open; say whether we did."""
    return await insert_unless_kept(session, review)


async def find(session: AsyncSession, review_id: str) -> IssueReview | None:
    """Return a review as it is now."""
    return await session.get(IssueReview, review_id, populate_existing=True)


async def of_kind(session: AsyncSession, case_id: str, kind: str) -> Sequence[IssueReview]:
    """Return the reviews of what a case issues of a kind, the newest first."""
    statement = (
        select(IssueReview)
        .where(IssueReview.case_id == case_id, IssueReview.kind == kind)
        .order_by(IssueReview.case_seq.desc())
        .limit(MOST)
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).all()


async def has_read(session: AsyncSession, review: IssueReview, clerk_id: str) -> bool:
    """Say whether a case's log has that a clerk read what is put before the second clerk."""
    statement = select(CaseEvent.data, CaseEvent.actor).where(
        CaseEvent.case_id == review.case_id, CaseEvent.kind == "review.read"
    )
    found = (await session.execute(statement)).all()
    return any(data["review_id"] == review.id and actor["id"] == clerk_id for data, actor in found)


async def is_used(session: AsyncSession, review_id: str) -> bool:
    """Say whether a certificate was issued on this approval; one that is on its way may still be.

    A case has one of a kind on its way, which whoever issues next takes up.
    """
    statement = select(Certificate.id).where(
        Certificate.review_id == review_id, Certificate.state != CertificateState.RESERVED
    )
    return (await session.scalars(statement)).one_or_none() is not None


async def open_for(session: AsyncSession, actor: Actor) -> Sequence[Waiting]:
    """Return what is open in the actor's jurisdiction, and first that on which a citizen waits.

    Each is in the order of asking. Agents get what is on their items, and what they asked for.
    """
    in_call = exists().where(Call.case_id == Case.id, Call.state != CallState.ENDED)
    statement = (
        select(IssueReview, Case, Certificate.number, in_call)
        .join(Case, Case.id == IssueReview.case_id)
        .outerjoin(Certificate, Certificate.id == IssueReview.corrects)
        .where(
            IssueReview.state == RequestState.OPEN,
            Case.state.in_(DECIDED_IN),
            of_jurisdiction(actor),
            or_(IssueReview.asked_by == actor.id, _on_items_of(actor)),
        )
        .order_by(in_call.desc(), IssueReview.asked_at, IssueReview.id)
        .limit(MOST)
    )
    return [
        Waiting(row, case, number, bool(live))
        for row, case, number, live in await session.execute(statement)
    ]


async def decide(
    session: AsyncSession, review_id: str, by: str, values: Mapping[str, object]
) -> bool:
    """Close an open review that somebody else asked for; say whether it was one.

    State and author are part of the WHERE clause: of two decisions at once, or a decision and a
    withdrawal, the database lets one through, and nobody decides on their own.
    """
    return await _close(session, review_id, by, values, IssueReview.asked_by != by)


async def withdraw(
    session: AsyncSession, review_id: str, by: str, values: Mapping[str, object]
) -> bool:
    """Close an open review of the actor's own; say whether it was one."""
    return await _close(session, review_id, by, values, IssueReview.asked_by == by)


async def replace(
    session: AsyncSession, review_id: str, by: str, values: Mapping[str, object]
) -> bool:
    """Close an open review whose facts are no longer those; say whether it was one."""
    return await _close(session, review_id, by, values)


async def _close(
    session: AsyncSession, review_id: str, by: str, values: Mapping[str, object],
    *whose: ColumnElement[bool],
) -> bool:  # fmt: skip
    statement = (
        update(IssueReview)
        .where(IssueReview.id == review_id, IssueReview.state == RequestState.OPEN, *whose)
        .values(**values, closed_by=by)
        .returning(IssueReview.id)
    )
    return (await session.execute(statement)).one_or_none() is not None


def _on_items_of(actor: Actor) -> ColumnElement[bool]:
    """Say that a case is on an item that the actor is there for, as `handles` has it."""
    if Role.SUPERVISOR in actor.roles or not actor.items:
        return ~false()
    return Case.item_code.in_(actor.items)

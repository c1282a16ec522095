"""Reviewing: who wants to issue asks, another clerk of the jurisdiction approves or declines.

A citizen waits in the call meanwhile, so both hear of every step at once. What is put before the
second clerk is sealed as it was asked: who approves, approves that and nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Action, Actor, handles
from server.calls.talking import require_same_person
from server.cases.models import Case
from server.cases.record import Entry
from server.certificates import review_messages as wire
from server.certificates import review_queries as queries
from server.certificates.corrections import Correction, action_of, wrong_of
from server.certificates.issuing import Issuing
from server.certificates.models import IssueReview
from server.certificates.review_views import ReviewViews
from server.certificates.reviews import (
    Basis,
    Issuer,
    Reviews,
    answer_context,
    basis_context,
    reason_context,
)
from server.certificates.rules import REASON_LENGTH, RequestState, ReviewFault
from server.db.base import new_id
from server.db.unit import Unit
from server.errors import ServiceError
from server.items.rules import check_prose
from server.rooms import deciding
from server.tickets.rules import unknown_as


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to issue: a kind on a case, in a wrong certificate's place or not."""

    case_id: str
    kind: str
    reason: str
    correction: Correction | None = None


@dataclass(frozen=True, slots=True)
class Reviewing:
    """Has a second clerk look before something is issued; each verb is one command."""

    issuing: Issuing

    @property
    def reviews(self) -> Reviews:
        """How reviews stand to what would be issued."""
        return self.issuing.reviews

    @property
    def views(self) -> ReviewViews:
        """How they are shown."""
        return ReviewViews(self.reviews, self.issuing.drafts)

    async def check(self, actor: Actor, wanted: Wanted) -> None:
        """Refuse what could not be issued, before anybody is asked to look at it.

        That is whatever issuing refuses but for the review and the signer.
        """
        issuing, correction = self.issuing, wanted.correction
        async with issuing.units.database.reading() as session:
            case = await issuing.records.read(session, actor, wanted.case_id, action_of(correction))
            now = issuing.units.clock()
            draft, _ = await issuing.outlook(
                session, actor, case, wanted.kind, correction=correction, now=now
            )
        await issuing.drawing.check(draft.printed, draft.words)

    async def ask(self, unit: Unit, actor: Actor, wanted: Wanted) -> wire.ReviewStanding:
        """Put what is to be issued before the jurisdiction's other clerks.

        Refuses what `check` does, review.unneeded where nobody asks for a review or one lets it
        pass, and review.pending while these very facts are before them. Other facts take the place
        of those that are.
        """
        issuing, correction, session = self.issuing, wanted.correction, unit.session
        entry = await issuing.records.begin(unit, actor, wanted.case_id, action_of(correction))
        case = entry.case
        await require_same_person(session, case, unit.now)
        said = check_prose(wanted.reason, "reason", REASON_LENGTH, required=correction is not None)
        draft, corrected = await issuing.outlook(
            session, actor, case, wanted.kind, correction=correction, now=unit.now
        )
        basis = await self.reviews.basis(
            session, case, draft, corrects=wrong_of(correction), corrected=corrected
        )
        await self._require_unasked(entry, basis)
        await self._keep(entry, basis, said)
        return await self.views.standing(session, case, basis, unit.now)

    async def read(self, unit: Unit, actor: Actor, review_id: str) -> wire.ReviewedCase:
        """Show a second clerk all that they judge by, every value whole; the log says who read it.

        Refuses as `decline` does: who asked knows it, and once it is decided nobody has to.
        """
        row, entry = await self._begin(unit, actor, review_id, Action.READ_REVIEW)
        about = {"review_id": row.id, "kind": row.kind, "title": row.title}
        await entry.append("review.read", about)
        return await self.views.whole(unit.session, actor, row, entry.case, unit.now)

    async def approve(
        self, unit: Unit, actor: Actor, review_id: str, remark: str
    ) -> wire.ReviewRequest:
        """Let these very facts be issued, for a while.

        Refuses review.unknown, review.own to who asked, agent.without_authority to agents who do
        not handle the item, review.gone for one that is decided or withdrawn, review.unread to
        who has not read it, and review.stale once the case says otherwise.
        """
        row, entry = await self._begin(unit, actor, review_id)
        said = check_prose(remark, "remark", REASON_LENGTH)
        await _require_read(unit.session, row, actor)
        await self._require_unchanged(entry, row)
        return await self._decide(entry, row, RequestState.APPROVED, {"remark": said})

    async def decline(
        self, unit: Unit, actor: Actor, review_id: str, reason: str
    ) -> wire.ReviewRequest:
        """Do not let it be issued, with the reason; nobody need have read all of it for that.

        Refuses as `approve` does but for review.unread and review.stale.
        """
        row, entry = await self._begin(unit, actor, review_id)
        said = check_prose(reason, "reason", REASON_LENGTH, required=True)
        return await self._decide(entry, row, RequestState.DECLINED, {"reason": said})

    async def withdraw(self, unit: Unit, actor: Actor, review_id: str) -> wire.ReviewRequest:
        """Take a review of one's own back; refuses action.forbidden for anybody else's."""
        row = await self.views.known(unit.session, review_id)
        with unknown_as("review.unknown"):
            entry = await self.issuing.records.begin(
                unit, actor, row.case_id, Action.WITHDRAW_REVIEW
            )
        if row.asked_by != actor.id:
            raise ServiceError("action.forbidden")
        values = _closed(entry, RequestState.WITHDRAWN)
        if not await queries.withdraw(unit.session, row.id, actor.id, values):
            raise ServiceError("review.gone")
        await entry.append("review.withdrawn", _public(row))
        return await self._shown(entry, row)

    async def preview(self, actor: Actor, review_id: str) -> bytes:
        """Draw what would be issued, as it was put before the second clerk; never signed.

        Refuses as `read` does, and review.unread to who has not: the page has whole values too.
        """
        issuing = self.issuing
        async with issuing.units.database.reading() as session:
            row = await self.views.known(session, review_id)
            with unknown_as("review.unknown"):
                case = await issuing.records.read(session, actor, row.case_id, Action.READ_REVIEW)
            _require_before(actor, case, row)
            await _require_read(session, row, actor)
            draft = self.reviews.open_basis(case, row).draft
        template = issuing.drafts.forms.template(draft.kind, draft.template_version)
        demo = issuing.signer.looks_demo(draft.authority.id)
        now = issuing.units.clock()
        return await issuing.drawing.preview(draft.preview_order(template, now, demo=demo))

    async def _require_unasked(self, entry: Entry, basis: Basis) -> None:
        session, case, now = entry.unit.session, entry.case, entry.unit.now
        if not self.reviews.asks(case, basis.draft.kind, basis.values):
            raise ServiceError("review.unneeded")
        found = await self.reviews.standing(session, case, basis, Issuer(entry.actor.id, now))
        if found.fault is None:
            raise ServiceError("review.unneeded")
        if found.fault is ReviewFault.PENDING:
            raise ServiceError("review.pending")
        if found.row is not None and found.row.state is RequestState.OPEN:
            values = _closed(entry, RequestState.WITHDRAWN)
            if not await queries.replace(session, found.row.id, entry.actor.id, values):
                raise ServiceError("review.gone")
            await entry.append("review.withdrawn", {**_public(found.row), "replaced": True})

    async def _keep(self, entry: Entry, basis: Basis, reason: str) -> None:
        review_id, draft = new_id(), basis.draft
        row = IssueReview(
            id=review_id,
            case_id=entry.case.id,
            kind=draft.kind,
            title=draft.title,
            template_version=draft.template_version,
            corrects=basis.corrects,
            state=RequestState.OPEN,
            sealed_basis=entry.key.seal(basis.to_json(), basis_context(review_id)),
            case_seq=entry.case.seq,
            asked_by=entry.actor.id,
            asked_by_name=entry.actor.name,
            asked_at=entry.at,
            sealed_reason=entry.key.seal(reason, reason_context(review_id)),
        )
        if not await queries.ask(entry.unit.session, row):
            raise ServiceError("review.pending")
        cause = wire.ReviewCause.of(self.reviews.reader.item_of(entry.case), draft.kind)
        public = {**_public(row), **cause.model_dump()}
        await entry.append("review.requested", public, private={"reason": reason})
        self._tell(entry, row)

    async def _begin(
        self, unit: Unit, actor: Actor, review_id: str, action: Action = Action.DECIDE_REVIEW
    ) -> tuple[IssueReview, Entry]:
        """Lock the case of a review that is put before the actor."""
        row = await self.views.known(unit.session, review_id)
        with unknown_as("review.unknown"):
            entry = await self.issuing.records.begin(unit, actor, row.case_id, action)
        row = await self.views.known(unit.session, review_id)
        _require_before(actor, entry.case, row)
        return row, entry

    async def _require_unchanged(self, entry: Entry, row: IssueReview) -> None:
        """Refuse review.stale if the case is not any more what was put before the second clerk."""
        basis = self.reviews.open_basis(entry.case, row)
        now_says = await self.issuing.drafts.complete(
            entry.unit.session, entry.case, basis.draft.kind, corrected=basis.corrected
        )
        found = await self.reviews.basis(
            entry.unit.session, entry.case, now_says,
            corrects=basis.corrects, corrected=basis.corrected,
        )  # fmt: skip
        if found != basis:
            raise ServiceError("review.stale")

    async def _decide(
        self, entry: Entry, row: IssueReview, state: RequestState, said: Mapping[str, str]
    ) -> wire.ReviewRequest:
        answer = next(iter(said.values()))
        values = {
            **_closed(entry, state),
            "sealed_answer": entry.key.seal(answer, answer_context(row.id)),
        }
        if not await queries.decide(entry.unit.session, row.id, entry.actor.id, values):
            raise ServiceError("review.gone")
        public = {**_public(row), "asked_by": row.asked_by_name}
        await entry.append(f"review.{state.value}", public, private=dict(said))
        return await self._shown(entry, row)

    async def _shown(self, entry: Entry, row: IssueReview) -> wire.ReviewRequest:
        self._tell(entry, row)
        session = entry.unit.session
        now = await self.views.known(session, row.id)
        return await self.views.request(session, entry.actor, now, entry.case)

    def _tell(self, entry: Entry, row: IssueReview) -> None:
        news = {"case_id": row.case_id, "review_id": row.id}
        for room in deciding(entry.case.jurisdiction):
            entry.unit.notify(room, "review.changed", news)


async def _require_read(session: AsyncSession, row: IssueReview, actor: Actor) -> None:
    """Refuse whoever has not had everything before their eyes: nobody vouches for the unseen."""
    if not await queries.has_read(session, row, actor.id):
        raise ServiceError("review.unread")


def _require_before(actor: Actor, case: Case, row: IssueReview) -> None:
    """Refuse whoever has nothing to decide on: not on the item, who asked, or too late."""
    if not handles(actor, case.item_code):
        raise ServiceError("agent.without_authority", why="item_foreign")
    if row.asked_by == actor.id:
        raise ServiceError("review.own")
    if row.state is not RequestState.OPEN:
        raise ServiceError("review.gone")


def _closed(entry: Entry, state: RequestState) -> dict[str, object]:
    return {"state": state, "closed_at": entry.at, "closed_by_name": entry.actor.name}


def basis_hash(row: IssueReview) -> str:
    """Return by what the log knows what was put before the second clerk: its ciphertext."""
    return hashlib.sha256(row.sealed_basis.encode()).hexdigest()


def _public(row: IssueReview) -> dict[str, object]:
    return {
        "review_id": row.id,
        "kind": row.kind,
        "title": row.title,
        "template_version": row.template_version,
        "corrects": row.corrects,
        "basis_sha256": basis_hash(row),
    }

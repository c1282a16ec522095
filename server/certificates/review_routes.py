"""Over HTTP: having a second clerk look at what is to be issued, and looking at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from server.access import Action
from server.cases.pictures import PDF
from server.cases.routes import CASE
from server.certificates import review_messages as wire
from server.certificates.corrections import Correction
from server.certificates.reviewing import Reviewing, Wanted
from server.certificates.routes import CERTIFICATE
from server.certificates.service import known
from server.tickets.rules import unknown_as
from server.web.http import Ask, Empty, FileAnswer, Route

REVIEW = "/api/reviews/{review_id:[0-9a-f]{32}}"


@dataclass(frozen=True, slots=True)
class _Desk:
    """What clerks of a jurisdiction do for each other before something is issued."""

    reviewing: Reviewing

    async def ask_review(self, ask: Ask[wire.ReviewOrder]) -> wire.ReviewStanding:
        return await self._ask(ask, Wanted(ask.path["case_id"], ask.said.kind, ask.said.remark))

    async def ask_correction_review(
        self, ask: Ask[wire.CorrectionReviewOrder]
    ) -> wire.ReviewStanding:
        certificate_id, said = ask.path["certificate_id"], ask.said
        async with ask.database.reading() as session:
            row = await known(session, certificate_id)
        correction = Correction(certificate_id, said.reason, said.values)
        with unknown_as("certificate.unknown"):
            return await self._ask(ask, Wanted(row.case_id, row.kind, said.reason, correction))

    async def list_case_reviews(self, ask: Ask[Empty]) -> wire.CaseReviews:
        async with ask.database.reading() as session:
            return await self.reviewing.views.of_case(
                session, ask.actor, ask.path["case_id"], ask.units.clock()
            )

    async def list_reviews(self, ask: Ask[Empty]) -> wire.ReviewList:
        async with ask.database.reading() as session:
            return await self.reviewing.views.list(session, ask.actor)

    async def read_review(self, ask: Ask[Empty]) -> wire.ReviewedCase:
        return await ask.command(
            lambda unit: self.reviewing.read(unit, ask.actor, ask.path["review_id"])
        )

    async def preview_review(self, ask: Ask[Empty]) -> FileAnswer:
        pdf = await self.reviewing.preview(ask.actor, ask.path["review_id"])
        return FileAnswer(pdf, PDF, "preview.pdf")

    async def approve_review(self, ask: Ask[wire.ReviewApproval]) -> wire.ReviewRequest:
        return await ask.command(
            lambda unit: self.reviewing.approve(
                unit, ask.actor, ask.path["review_id"], ask.said.remark
            )
        )

    async def decline_review(self, ask: Ask[wire.ReviewRefusal]) -> wire.ReviewRequest:
        return await ask.command(
            lambda unit: self.reviewing.decline(
                unit, ask.actor, ask.path["review_id"], ask.said.reason
            )
        )

    async def withdraw_review(self, ask: Ask[Empty]) -> wire.ReviewRequest:
        return await ask.command(
            lambda unit: self.reviewing.withdraw(unit, ask.actor, ask.path["review_id"])
        )

    async def _ask(self, ask: Ask[Any], wanted: Wanted) -> wire.ReviewStanding:
        await self.reviewing.check(ask.actor, wanted)
        return await ask.command(lambda unit: self.reviewing.ask(unit, ask.actor, wanted))


def routes(reviewing: Reviewing) -> list[Route[Any]]:
    """Return these lines of the API."""
    on = _Desk(reviewing)
    return [
        Route("POST", CASE + "/reviews", Action.ISSUE_CERTIFICATE, wire.ReviewOrder, on.ask_review,
              wire.ReviewStanding, "Have a second clerk look at what is to be issued"),
        Route("GET", CASE + "/reviews", Action.READ_CASE, Empty, on.list_case_reviews,
              wire.CaseReviews, "How reviews stand of what the case issues"),
        Route("POST", CERTIFICATE + "/correction-reviews", Action.SUPERSEDE_CERTIFICATE,
              wire.CorrectionReviewOrder, on.ask_correction_review, wire.ReviewStanding,
              "Have a second clerk look at a correction"),
        Route("GET", "/api/reviews", Action.LIST_REVIEWS, Empty, on.list_reviews, wire.ReviewList,
              "What waits for a second clerk before it is issued"),
        Route("POST", REVIEW + "/readings", Action.READ_REVIEW, Empty, on.read_review,
              wire.ReviewedCase, "See all that a second clerk judges by, values whole; logged"),
        Route("GET", REVIEW + "/preview", Action.READ_REVIEW, Empty, on.preview_review, None,
              "Draw what would be issued, as it was put before the second clerk"),
        Route("POST", REVIEW + "/approval", Action.DECIDE_REVIEW, wire.ReviewApproval,
              on.approve_review, wire.ReviewRequest, "Let it be issued"),
        Route("POST", REVIEW + "/refusal", Action.DECIDE_REVIEW, wire.ReviewRefusal,
              on.decline_review, wire.ReviewRequest, "Do not let it be issued"),
        Route("POST", REVIEW + "/withdrawal", Action.WITHDRAW_REVIEW, Empty, on.withdraw_review,
              wire.ReviewRequest, "Take one's own back"),
    ]  # fmt: skip

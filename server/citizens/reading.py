"""What citizens see: the facing screen of a counter, and their own case on a phone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Action, Actor, authorize
from server.cases import queries as case_queries
from server.cases.messages import Consent
from server.cases.models import Case
from server.cases.reading import Reader
from server.cases.rules import CaseState
from server.certificates import proof_queries
from server.certificates import queries as certificate_queries
from server.certificates.models import Certificate
from server.certificates.refusals import Refusals
from server.certificates.rules import CertificateState
from server.citizens import messages as wire
from server.citizens import queries
from server.citizens.rules import Step, choose_case, step_of
from server.errors import ServiceError
from server.items.masks import mask_name
from server.regions.rules import Catalogue
from server.texts import NOTICE_PARAGRAPHS, NOTICE_TITLE, NOTICE_VERSION

# The id of a case's live call, if it has one.
FindCall = Callable[[AsyncSession, str], Awaitable[str | None]]

# What a citizen is told of: where the case stands, and not who looked at what.
STEPS: Final = (
    "case.opened", "ticket.taken", "ticket.abandoned", "call.connected", "consent.given",
    "consent.refused", "case.returned", "case.refused", "case.deferred", "case.promised",
    "case.withdrawn", "certificate.issued", "certificate.revoked",
    "certificate.superseded", "case.reopened", "case.requeued", "case.settled", "rating.given",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Views:
    """Builds what citizens see."""

    reader: Reader
    catalogue: Catalogue
    find_call: FindCall
    refusals: Refusals

    async def facing(self, session: AsyncSession, actor: Actor, now: datetime) -> wire.Facing:
        """Return all that a counter's screen shows now."""
        authorize(actor, Action.READ_FACING)
        shown = await self.shown(session, actor, now)
        idle = wire.Facing(
            counter=actor.counter,
            counter_name=self._counter_name(actor),
            hall_name=self._hall_name(actor.hall),
            region_name=self._region_name(actor.region),
            step=Step.IDLE,
        )
        if shown is None:
            return idle
        case, step = shown
        consent = Consent.of(await case_queries.find_consent(session, case.id))
        certificate = await self.shown_certificate(session, case)
        rating = await queries.find_rating(session, case.id)
        shown_now = {
            "step": step,
            "case": self._case(case),
            "agent": await self._agent(session, case),
            "call_id": await self.find_call(session, case.id),
            "notice": notice() if step is Step.CONSENT else None,
            "consent": consent,
            "certificate": None if certificate is None else _on_screen(certificate),
            "rating": None if rating is None else rating.level,
        }
        return idle.model_copy(update=shown_now)

    async def shown(
        self, session: AsyncSession, actor: Actor, now: datetime
    ) -> tuple[Case, Step] | None:
        """Return the case that the citizen at the screen's counter is there for, and its step."""
        chosen = choose_case(await queries.cases_at(session, actor.counter, now), now)
        if chosen is None:
            return None
        case = await case_queries.find_case(session, chosen.case_id)
        return None if case is None else (case, step_of(chosen))

    async def require_shown(
        self, session: AsyncSession, actor: Actor, now: datetime, case_id: str | None = None
    ) -> Case:
        """Return the case on the screen; case.unknown if there is none, or another one."""
        shown = await self.shown(session, actor, now)
        if shown is None or (case_id is not None and shown[0].id != case_id):
            raise ServiceError("case.unknown")
        return shown[0]

    async def shown_certificate(self, session: AsyncSession, case: Case) -> Certificate | None:
        """Return the newest valid certificate of a case."""
        rows = await certificate_queries.list_released(session, case.id)
        valid = [row for row in rows if row.state is CertificateState.VALID]
        return valid[-1] if valid else None

    async def own_case(self, session: AsyncSession, actor: Actor) -> wire.CitizenCase:
        """Return the one case that a citizen's login is for."""
        case = await self.require_own(session, actor)
        rating = await queries.find_rating(session, case.id)
        steps = await queries.list_steps(session, case.id, STEPS)
        rows = await certificate_queries.list_released(session, case.id)
        signed = await proof_queries.sm2_times(session, [row.id for row in rows])
        return wire.CitizenCase(
            number=case.number,
            item_name=self.reader.item_of(case).name,
            state=case.state,
            counter_hall_name=self._hall_name(case.counter_hall),
            jurisdiction_name=self._region_name(case.jurisdiction),
            steps=[wire.CitizenStep(kind=event.kind, at=event.at) for event in steps],
            certificates=[_for_citizen(row, signed.get(row.id)) for row in rows],
            refusal=await self._refusal(session, case),
            rating=None if rating is None else rating.level,
        )

    async def _refusal(self, session: AsyncSession, case: Case) -> wire.CitizenRefusal | None:
        if case.state is not CaseState.REFUSED:
            return None
        found = await self.refusals.of_case(session, case)
        return wire.CitizenRefusal(
            title=found.template.title,
            paragraphs=found.paragraphs,
            issuer=found.letter.issuer,
            issued_on=found.letter.day,
        )

    async def own_certificate(
        self, session: AsyncSession, actor: Actor, certificate_id: str
    ) -> Certificate:
        """Return a certificate of the citizen's own case; certificate.unknown for any other."""
        case = await self.require_own(session, actor)
        row = await certificate_queries.find(session, certificate_id)
        if row is None or row.case_id != case.id:
            raise ServiceError("certificate.unknown")
        return row

    async def require_own(self, session: AsyncSession, actor: Actor) -> Case:
        """Return the citizen's own case; case.unknown if it is gone."""
        return await self.reader.records.read(session, actor, actor.case_id, Action.READ_OWN_CASE)

    def _case(self, case: Case) -> wire.FacingCase:
        opened = self.reader.open_applicant(case, self.reader.records.key_of(case))
        return wire.FacingCase(
            id=case.id,
            number=case.number,
            item_name=self.reader.item_of(case).name,
            state=case.state,
            applicant=mask_name(opened["name"]),
        )

    async def _agent(self, session: AsyncSession, case: Case) -> wire.FacingAgent | None:
        if case.agent_id is None:
            return None
        return wire.FacingAgent(
            name=case.agent_name or "",
            office=self._hall_name(await queries.hall_of(session, case.agent_id)),
            jurisdiction_name=self._region_name(case.jurisdiction),
        )

    def _region_name(self, code: str) -> str:
        region = self.catalogue.regions.get(code)
        return region.name if region else code

    def _hall_name(self, hall_id: str) -> str:
        hall = self.catalogue.halls.get(hall_id)
        return hall.name if hall else ""

    def _counter_name(self, actor: Actor) -> str:
        counter = self.catalogue.counters.get(actor.counter)
        return counter.name if counter else actor.counter


def notice() -> wire.NoticeText:
    """Return the notice in its present wording."""
    return wire.NoticeText(
        version=NOTICE_VERSION, title=NOTICE_TITLE, paragraphs=list(NOTICE_PARAGRAPHS)
    )


def _on_screen(row: Certificate) -> wire.FacingCertificate:
    return wire.FacingCertificate(id=row.id, title=row.title, number=row.number)


def _for_citizen(
    row: Certificate, sm2_signed_at: datetime | None
) -> wire.CitizenCertificate:  # fmt: skip
    if row.issued_at is None:
        raise ServiceError("certificate.unknown")
    return wire.CitizenCertificate(
        id=row.id,
        title=row.title,
        number=row.number,
        check_code=row.check_code,
        issued_at=row.issued_at,
        state=row.state,
        pages=row.pages or 1,
        sm2_signed_at=sm2_signed_at,
    )

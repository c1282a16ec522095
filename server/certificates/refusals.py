"""不予办理告知书: what the citizen gets on paper when the jurisdiction refuses."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Action, Actor
from server.cases import queries as case_queries
from server.cases.models import Case
from server.cases.reading import Reader
from server.cases.rules import CaseState, china_day
from server.certificates.drawing import Drawing
from server.certificates.forms import Letter, NoticeTemplate, long_date
from server.certificates.signer import Signer
from server.errors import ServiceError
from server.items.service import deciding_authority
from server.regions.rules import Catalogue
from server.texts import REFUSAL_NOTICE, REFUSAL_NOTICE_VERSION
from server.vault import VaultError


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused case's notice: what it says, in which words."""

    letter: Letter
    template: NoticeTemplate

    @property
    def paragraphs(self) -> list[str]:
        """The notice's text, salutation first; certificate.unprintable for what no page shows."""
        try:
            return self.template.written(self.letter)
        except ValueError:
            raise ServiceError("certificate.unprintable") from None


@dataclass(frozen=True, slots=True)
class Refusals:
    """Reads and draws notices of refusal; they say what the case's log holds, and never change."""

    reader: Reader
    catalogue: Catalogue
    drawing: Drawing
    signer: Signer

    async def read(self, session: AsyncSession, actor: Actor, case_id: str) -> Refusal:
        """Return the notice of a case to whoever may read the case."""
        case = await self.reader.records.read(session, actor, case_id, Action.READ_CASE)
        return await self.of_case(session, case)

    async def of_case(self, session: AsyncSession, case: Case) -> Refusal:
        """Return a refused case's notice.

        Refuses refusal.unknown for a case that is not refused or whose values are erased, and
        signer.unavailable where the wording that it was given in is not known.
        """
        event = await case_queries.last_event(session, case.id, "case.refused")
        if case.state is not CaseState.REFUSED or event is None:
            raise ServiceError("refusal.unknown")
        try:
            said = self.reader.records.open_event(case, event)
            applicant = self.reader.open_applicant(case, self.reader.records.key_of(case))
        except VaultError:
            raise ServiceError("refusal.unknown") from None
        version = str(said.get("notice_version", REFUSAL_NOTICE_VERSION))
        template = self.drawing.forms.notices.get((REFUSAL_NOTICE, version))
        if template is None:
            raise ServiceError("signer.unavailable")
        item = self.reader.item_of(case)
        authority = deciding_authority(self.catalogue, item, case.jurisdiction)
        letter = Letter(
            number=case.number,
            issuer=str(said.get("issuer", authority.name)),
            day=china_day(event.at),
            values={
                "addressee": applicant["enterprise_name"] or applicant["name"],
                "applied_on": long_date(china_day(case.opened_at)),
                "counter_hall": self.catalogue.halls[case.counter_hall].name,
                "item": item.name,
                "number": case.number,
                "reason": str(said["reason"]),
                "basis": str(said["basis"]),
            },
            demo=self.signer.looks_demo(authority.id),
        )
        return Refusal(letter, template)

    async def draw(self, refusal: Refusal) -> bytes:
        """Draw the notice, to be printed and sealed by hand; the same every time."""
        return await self.drawing.notice(refusal.letter, refusal.template)

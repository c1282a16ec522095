"""With what authority the agent of a call acts: found anew each time that anybody asks."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Actor, Relation, Role, covers, handles
from server.calls import queries
from server.calls.guest_messages import Authority
from server.calls.rules import AuthorityVerdict, Credentials, judge_authority
from server.cases.models import Case
from server.cases.reading import Reader
from server.cases.record import subject_relations
from server.errors import ServiceError
from server.staff.models import Clerk
from server.staff.service import actor_of


@dataclass(frozen=True, slots=True)
class Authorities:
    """Compares an agent's account and the catalogue with what a case asks for."""

    reader: Reader

    async def of(self, session: AsyncSession, case: Case, clerk_id: str) -> Authority:
        """Return who acts for a case's jurisdiction, for which office, and whether they may."""
        clerk = await queries.find_clerk(session, clerk_id)
        item, catalogue = self.reader.item_of(case), self.reader.catalogue
        hall = None if clerk is None else catalogue.halls.get(clerk.hall)
        office = self._office(case)
        found = None if clerk is None else self._credentials(clerk, case)
        return Authority(
            clerk_id=clerk_id,
            name="" if clerk is None else clerk.display_name,
            office=office or "",
            hall="" if hall is None else hall.name,
            item_name=item.name,
            jurisdiction_name=catalogue.regions[case.jurisdiction].name,
            verdict=judge_authority(found, item.code, has_office=office is not None),
        )

    async def require(self, session: AsyncSession, actor: Actor, case: Case) -> None:
        """Refuse agent.without_authority to whoever may not act for the case's jurisdiction now."""
        found = await self.of(session, case, actor.id)
        if found.verdict is not AuthorityVerdict.VALID:
            raise ServiceError("agent.without_authority", why=found.verdict.value)

    async def may_review(self, session: AsyncSession, case: Case, clerk_id: str) -> bool:
        """Say whether an account lets its clerk review what a case issues, as it is now."""
        clerk = await queries.find_clerk(session, clerk_id)
        if clerk is None or not clerk.active:
            return False
        actor = actor_of(clerk)
        there = Relation.JURISDICTION in subject_relations(actor, case)
        return there and handles(actor, case.item_code)

    def _credentials(self, clerk: Clerk, case: Case) -> Credentials:
        hall = self.reader.catalogue.halls.get(clerk.hall)
        sits_there = not clerk.hall or (hall is not None and covers(hall.region, case.jurisdiction))
        return Credentials(
            active=clerk.active,
            is_agent=Role.AGENT in clerk.roles,
            in_jurisdiction=sits_there and covers(clerk.region, case.jurisdiction),
            items=clerk.items,
        )

    def _office(self, case: Case) -> str | None:
        """Return the authority that issues on the case's item in its jurisdiction, if any does."""
        region = self.reader.catalogue.regions[case.jurisdiction]
        names = {one.id: one.name for one in region.authorities}
        lines = self.reader.item_of(case).certificates
        issuers = (names.get(line.authorities.get(case.jurisdiction, "")) for line in lines)
        return next((name for name in issuers if name is not None), None)

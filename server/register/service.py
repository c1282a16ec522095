"""The verbs of the register: look, show one certificate's story, and take a numbered copy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Action, Actor, authorize
from server.cases.models import Case
from server.cases.reading import Reader
from server.cases.rules import china_day
from server.certificates.facts import holder_of
from server.certificates.forms import Forms
from server.certificates.models import Certificate
from server.certificates.rules import clean_number
from server.certificates.service import Certificates
from server.db.base import new_id
from server.db.unit import Unit
from server.errors import ServiceError
from server.items.rules import check_id_number, check_prose
from server.regions.service import name_region
from server.register import messages as wire
from server.register import models, queries
from server.register.rules import begin_of, end_of, standing_of
from server.tickets.rules import unknown_as
from server.vault import VaultError

log = structlog.get_logger("kuayu.register")

REASON_LENGTH = 200
# What a case's log says of one of its certificates; each names it as `certificate_id`.
NOTED: Final = (
    "certificate.issued", "certificate.verified", "certificate.copied", "certificate.revoked",
    "certificate.superseded", "revocation.requested", "revocation.declined",
    "revocation.withdrawn", "receipt.sent", "recall.made", "recall.acknowledged",
    "evidence.exported",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Register:
    """Every certificate that was released, for those who answer for it."""

    reader: Reader
    certificates: Certificates
    forms: Forms

    async def search(
        self, session: AsyncSession, actor: Actor, query: wire.RegisterQuery, now: datetime
    ) -> wire.RegisterPage:
        """Return the newest certificates that the actor may see and that fit the query.

        A person is found by the whole ID number only, through the case's blind index; an ID number
        that is none is refused as `check_id_number` does. Nothing is decrypted to be compared.
        """
        authorize(actor, Action.SEARCH_REGISTER)
        wanted = self._wanted(query, now)
        if wanted.person:
            log.info("register searched for a person", clerk=actor.id)
        after = None if query.after is None else (query.after.issued_at, query.after.id)
        found = await queries.find(session, actor, wanted, after=after)
        shown = found[: queries.PAGE]
        tallies = await queries.tallies(session, [row.id for row, _ in shown])
        lines = [self._line(row, case, tallies[row.id], now) for row, case in shown]
        more = len(found) > queries.PAGE
        return wire.RegisterPage(
            lines=lines,
            total=await queries.count(session, actor, wanted),
            more=wire.Place(issued_at=lines[-1].issued_at, id=lines[-1].id) if more else None,
        )

    async def read(
        self, session: AsyncSession, actor: Actor, certificate_id: str, now: datetime
    ) -> wire.RegisterEntry:
        """Return one certificate with its use, its copies and what its case's log says of it."""
        row, case = await self.find(session, actor, certificate_id, Action.READ_REGISTER)
        tallies = await queries.tallies(session, [row.id])
        copies = await queries.copies_of(session, row.id)
        events = await queries.events_of(session, case.id, NOTED)
        return wire.RegisterEntry(
            line=self._line(row, case, tallies[row.id], now),
            certificate=await self.certificates.show_one(session, row),
            item_code=case.item_code,
            item_version=case.item_version,
            pages=row.pages or 0,
            size=row.size or 0,
            copies=[self.copy(case, one) for one in copies],
            history=[
                self.reader.event(case, event)
                for event in events
                if row.id in (event.data.get("certificate_id"), event.data.get("successor_id"))
            ],
            evidence=await self._may_export(session, actor, case),
        )

    async def find(
        self, session: AsyncSession, actor: Actor, certificate_id: str, action: Action
    ) -> tuple[Certificate, Case]:
        """Return a certificate to whom its line is shown and who may do `action`, with its case.

        Refuses certificate.unknown for one that there is not or that the actor may not know of.
        """
        found = await queries.find_one(session, actor, certificate_id)
        if found is None:
            raise ServiceError("certificate.unknown")
        row, case = found
        with unknown_as("certificate.unknown"):
            await self.reader.records.read(session, actor, case.id, action)
        return row, case

    async def take_copy(
        self, unit: Unit, actor: Actor, certificate_id: str, reason: str
    ) -> models.Copy:
        """Note in register and log that the actor takes the file, under the next number."""
        row, case = await self.find(unit.session, actor, certificate_id, Action.TAKE_COPY)
        entry = await self.reader.records.begin(unit, actor, case.id, Action.TAKE_COPY)
        said = check_prose(reason, "reason", REASON_LENGTH, required=True)
        copy_id = new_id()
        copy = models.Copy(
            id=copy_id,
            certificate_id=row.id,
            number=await queries.next_copy(unit.session, row.id),
            taken_by=actor.id,
            taken_by_name=actor.name,
            region=actor.region,
            sealed_reason=entry.key.seal(said, copy_context(copy_id)),
            taken_at=entry.at,
        )
        unit.session.add(copy)
        public = {"certificate_id": row.id, "number": row.number, "copy": copy.number}
        await entry.append("certificate.copied", public, private={"reason": said})
        return copy

    def copy(self, case: Case, row: models.Copy) -> wire.Copy:
        """Return a copy as it is shown; without its reason once the case's key is destroyed."""
        try:
            key = self.reader.records.key_of(case)
            reason = key.open(row.sealed_reason, copy_context(row.id))
        except VaultError:
            reason = ""
        try:
            region = name_region(self.reader.catalogue, row.region)
        except ServiceError:
            region = row.region
        return wire.Copy(
            number=row.number,
            by=row.taken_by_name,
            region_name=region,
            at=row.taken_at,
            reason=reason,
        )

    def _wanted(self, query: wire.RegisterQuery, now: datetime) -> queries.Wanted:
        vault, person = self.reader.records.vault, query.id_number.strip()
        return queries.Wanted(
            today=china_day(now),
            number=clean_number(query.number),
            issuer=query.issuer.strip(),
            kind=query.kind,
            standing=query.standing,
            since=None if query.issued_from is None else begin_of(query.issued_from),
            until=None if query.issued_to is None else end_of(query.issued_to),
            issued_by=query.issued_by.strip(),
            person=vault.blind_index("id_number", check_id_number(person, now)) if person else "",
        )

    def _line(
        self, row: Certificate, case: Case, tally: queries.Tally, now: datetime
    ) -> wire.RegisterLine:
        return wire.RegisterLine(
            id=row.id,
            case_number=case.number,
            kind=row.kind,
            title=row.title,
            number=row.number,
            issuer=row.issuer,
            holder=holder_of(self.reader.records, self.forms, case, row),
            standing=standing_of(row.state, row.valid_until, china_day(now)),
            issued_at=row.issued_at or row.signing_at,
            issued_by=row.issued_by_name,
            valid_until=row.valid_until,
            demo=row.demo,
            copies=tally.copies,
            receipts=tally.receipts,
            open_recalls=tally.open_recalls,
        )

    async def _may_export(self, session: AsyncSession, actor: Actor, case: Case) -> bool:
        try:
            await self.reader.records.read(session, actor, case.id, Action.EXPORT_EVIDENCE)
        except ServiceError:
            return False
        return True


def copy_context(copy_id: str) -> str:
    """Return what a copy's reason is bound to."""
    return f"certificate_copy:{copy_id}"

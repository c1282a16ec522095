"""Signing: what a certificate's place in the register is worth, found out by the signer itself."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Action, Actor
from server.calls.talking import require_same_person
from server.cases.record import Records
from server.cases.rules import china_day
from server.certificates import proof_queries, queries, status_queries
from server.certificates.drawing import Drawing, Verdict
from server.certificates.facts import Draft, Drafts, open_facts
from server.certificates.forms import Order, Signed, SignedList, Sm2Signed, is_number_of
from server.certificates.issuing import RequireAuthority
from server.certificates.models import Certificate
from server.certificates.reviews import Issuer, Reviews
from server.certificates.rules import (
    CertificateState,
    may_resume,
    next_version,
    serial_text,
)
from server.certificates.seals import Seals
from server.db.engine import Database
from server.db.unit import Clock
from server.errors import ServiceError

log = structlog.get_logger("kuayu.signing")

FindActor = Callable[[AsyncSession, str, datetime], Awaitable[Actor | None]]
Admit = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Signing:
    """Signs what is reserved and borne out by the record; it only reads, and believes no caller.

    Who issues is whom the register names: their account, their login and their seat are looked up
    here. What the page says is what the case says now, by this process's own regions.toml.
    """

    database: Database
    records: Records
    drafts: Drafts
    seals: Seals
    drawing: Drawing
    find_actor: FindActor
    require_authority: RequireAuthority
    reviews: Reviews
    admit: Admit
    public_url: str
    clock: Clock

    async def sign(self, certificate_id: str, attempt: int) -> Signed:
        """Draw and sign a reserved certificate; the same place gives the same bytes.

        Refuses certificate.unknown, certificate.exists for one that is released, rate.exceeded per
        clerk and authority, login.missing for a clerk who is not signed in, whatever issuing
        refuses (the seat, the state, the authority, what the case lacks, a second clerk's
        approval of these very facts where regions.toml asks for one),
        certificate.not_released for a place that was taken anew, is too old, stands beside a
        certificate that counts and that it does not correct, or does not say what the record says,
        and seal.changed for one that was reserved with another picture of the seal, or with none.
        """
        now = self.clock()
        async with self.database.reading() as session:
            order = await self._order(session, certificate_id, attempt, now)
        return await self.seals.issue(order, now)

    async def list_statuses(self, issuer_code: str, year: int) -> SignedList:
        """Sign what the register says of an issuer's certificates of a year, in a higher version.

        Refuses status_list.unknown for an issuer of which there is no seal here, and
        rate.exceeded.
        """
        offices = self.drafts.catalogue.authorities
        known = {one.code for _, one in offices if one.id in self.seals.known}
        if issuer_code not in known:
            raise ServiceError("status_list.unknown")
        self.admit("sign_list", issuer_code)
        async with self.database.reading() as session:
            before = await status_queries.version_of(session, issuer_code, year)
            statuses = {
                serial: state
                async for serial, state in status_queries.standings(session, issuer_code, year)
            }
        now = self.clock()
        version = next_version(before, now)
        return await self.seals.list_statuses((issuer_code, year), version, now, statuses)

    async def sign_sm2(self, certificate_id: str, pdf: bytes) -> Sm2Signed:
        """Sign a released certificate's own bytes with its authority's SM2 key, apart from them.

        Nothing goes further than the seal does: the bytes are those that the register released
        under this id, and by the signer's own trust list a certificate of this very number, which
        is one of that authority. Refuses certificate.unknown, certificate.not_released,
        certificate.revoked for what counts no more, certificate.altered for other bytes,
        rate.exceeded, and signer.unavailable without such a key or where it cannot be judged.
        """
        now = self.clock()
        async with self.database.reading() as session:
            row = await self._released(session, certificate_id)
            token = await proof_queries.token_for(session, row.sha256 or "")
        if hashlib.sha256(pdf).hexdigest() != row.sha256:
            raise ServiceError("certificate.altered")
        finding = await self.drawing.examine_strange(pdf, now, token)
        if finding.verdict is Verdict.CANNOT_TELL:
            raise ServiceError("signer.unavailable")
        if (finding.verdict, finding.number) != (Verdict.GENUINE, row.number):
            log.warning("the file is none of ours", certificate=row.id, number=finding.number)
            raise ServiceError("certificate.altered")
        made = await self.seals.sign_sm2(row.authority_id, pdf, now)
        own = await self.drawing.examine_sm2(pdf, made.content, now, row.number)
        if own is None or own.verdict is not Verdict.GENUINE:
            log.warning("the SM2 key does not count", authority=row.authority_id, says=own)
            raise ServiceError("signer.unavailable")
        return made

    async def _released(self, session: AsyncSession, certificate_id: str) -> Certificate:
        """Return a certificate that counts, if its number is one of the authority that it names."""
        row = await queries.find_any(session, certificate_id)
        if row is None:
            raise ServiceError("certificate.unknown")
        if row.state is CertificateState.RESERVED:
            raise ServiceError("certificate.not_released")
        if row.state is not CertificateState.VALID:
            raise ServiceError("certificate.revoked")
        self.admit("sign_sm2", row.authority_id)
        offices = {one.id: one.code for _, one in self.drafts.catalogue.authorities}
        if not is_number_of(row.number, offices.get(row.authority_id)):
            log.warning("the number is not of the authority", certificate=row.id)
            raise ServiceError("certificate.not_released")
        return row

    async def _order(
        self, session: AsyncSession, certificate_id: str, attempt: int, now: datetime
    ) -> Order:
        row = await queries.find_any(session, certificate_id)
        if row is None:
            raise ServiceError("certificate.unknown")
        self.admit("sign_as", row.issued_by)
        self.admit("sign_for", row.authority_id)
        if row.state is not CertificateState.RESERVED:
            raise ServiceError("certificate.exists")
        if row.attempt != attempt or not may_resume(row.signing_at, now):
            raise ServiceError("certificate.not_released")
        actor = await self.find_actor(session, row.issued_by, now)
        if actor is None:
            raise ServiceError("login.missing")
        await self._require_free(session, row)
        draft = await self._draft(session, row, actor, now)
        template = self.drafts.forms.template(row.kind, row.template_version)
        return draft.order(row, template, self.public_url)

    async def _require_free(self, session: AsyncSession, row: Certificate) -> None:
        """Refuse a place beside a certificate that counts, and a correction of any but that one.

        No second one could be released; but its file would be found genuine without the register.
        """
        valid = await queries.find_valid(session, row.case_id, row.kind)
        if row.supersedes != (None if valid is None else valid.id):
            log.warning("the place is not free", certificate=row.id, corrects=row.supersedes)
            raise ServiceError("certificate.not_released")

    async def _draft(
        self, session: AsyncSession, row: Certificate, actor: Actor, now: datetime
    ) -> Draft:
        """Return what the case says, if its clerk may issue it and the register says the same."""
        corrects = row.supersedes is not None
        action = Action.SUPERSEDE_CERTIFICATE if corrects else Action.ISSUE_CERTIFICATE
        case = await self.records.read(session, actor, row.case_id, action)
        await self.require_authority(session, actor, case)
        await require_same_person(session, case, now)
        said = await self.drafts.complete(session, case, row.kind, version=row.template_version)
        kept = open_facts(self.records.key_of(case), row)
        wrong = [] if kept.unsealed == said.unsealed else ["sealed_facts"]
        wrong += self._differences(row, said)
        approval = await self.reviews.require(
            session, case, said, Issuer(row.issued_by, now), corrects=row.supersedes
        )
        wrong += [] if row.review_id == approval else ["review_id"]
        if wrong:
            log.warning("the register differs from the record", certificate=row.id, differs=wrong)
            raise ServiceError("certificate.not_released")
        if kept.picture != said.picture:
            raise ServiceError("seal.changed")
        return said

    def _differences(self, row: Certificate, draft: Draft) -> list[str]:
        """Name what a line of the register has otherwise than it follows from the record."""
        template = self.drafts.forms.template(row.kind, row.template_version)
        serial = serial_text(row.year, row.serial)
        one = draft.authority
        follows = {
            "title": draft.title,
            "jurisdiction": draft.jurisdiction,
            "authority_id": one.id,
            "issuer": one.name,
            "issuer_code": one.code,
            "number": self.drafts.forms.number(row.kind, one.code, serial),
            "valid_until": template.valid_until(china_day(row.signing_at)),
            "demo": self.seals.is_demo(one.id),
        }
        return [name for name, value in follows.items() if getattr(row, name) != value]

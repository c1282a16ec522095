"""Issuing: reserve in one unit, have it signed and keep the file, release in a second unit.

Killed anywhere between, the next try takes up where this one stopped: the same number and, within
the hour, the same bytes; but for a time-stamp, which is another each time: the first counts.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Action, Actor
from server.calls.talking import require_same_person
from server.cases.models import Case
from server.cases.record import Entry, Records
from server.cases.rules import CaseState, china_day
from server.certificates import proof_queries, queries
from server.certificates.corrections import Correction, Corrections, action_of, wrong_of
from server.certificates.drawing import Drawing
from server.certificates.facts import Draft, Drafts, facts_context, open_facts
from server.certificates.forms import Signed
from server.certificates.models import Certificate
from server.certificates.papers import Papers
from server.certificates.reviews import Issuer, Reviews
from server.certificates.rules import (
    CODE_ALPHABET,
    CODE_LENGTH,
    CertificateState,
    may_resume,
    serial_text,
)
from server.certificates.signer import Signer
from server.db.base import new_id
from server.db.replies import claim, remember
from server.db.unit import Unit, Units
from server.errors import ServiceError

log = structlog.get_logger("kuayu.certificates")

TRIES = 3


@dataclass(frozen=True, slots=True)
class Key:
    """An Idempotency-Key: whose it is, and what was asked under it."""

    owner: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Reservation:
    """A certificate's place in the register, and whether it is there already."""

    certificate_id: str
    attempt: int
    released: bool = False


class _FactsMovedError(Exception):
    """The case changed between the look at its facts and the reservation."""


RequireAuthority = Callable[[AsyncSession, Actor, Case], Awaitable[None]]
TellReleased = Callable[[str], None]
# What a certificate supersedes, and the second clerk's approval that it is issued on.
Grounds = tuple[str | None, str | None]


def _tell_nobody(_certificate_id: str) -> None:
    """Nobody waits for what is released."""


@dataclass(frozen=True, slots=True)
class Issuing:
    """Issues certificates; the only verb of the service that has more than one unit."""

    units: Units
    records: Records
    drafts: Drafts
    drawing: Drawing
    signer: Signer
    papers: Papers
    require_authority: RequireAuthority
    corrections: Corrections
    reviews: Reviews
    tell_released: TellReleased = _tell_nobody

    async def issue(
        self, actor: Actor, case_id: str, kind: str, key: Key, correction: Correction | None = None
    ) -> Certificate:
        """Issue one kind of certificate on a case, or give the one that this key has issued.

        Before anything is reserved it refuses what `Drafts.complete` refuses,
        certificate.unprintable, certificate.exists, clock.behind, signer.unavailable,
        agent.without_authority, person.unconfirmed after a cut, and review.needed or
        review.pending where a second clerk must have approved these very facts; afterwards
        seal.changed where the seal became another one meanwhile: the next try takes that. The
        seat, the authority and the person are checked when reserving and again when releasing. With
        a correction it refuses what `Corrections` does instead of certificate.exists, and
        supersedes the wrong certificate in the transaction that releases the new one.
        """
        for _ in range(TRIES):
            draft = await self._draft(actor, case_id, kind, key, correction)
            try:
                async with self.units.open() as unit:
                    reservation = await self.reserve(
                        unit, actor, case_id, kind, key, draft=draft, correction=correction
                    )
                break
            except _FactsMovedError:
                continue
        else:
            raise ServiceError("server.busy")
        signed = None if reservation.released else await self._sign(reservation)
        if signed is not None:
            await self.papers.keep(reservation.certificate_id, signed)
            try:
                async with self.units.open() as unit:
                    await self.release(
                        unit, actor, case_id, reservation, signed, correction=correction
                    )
            except ServiceError:
                await self.papers.sweep(await self._row(reservation.certificate_id))
                raise
            await self.papers.sweep(await self._row(reservation.certificate_id))
            self.tell_released(reservation.certificate_id)
        return await self._row(reservation.certificate_id)

    async def _sign(self, reservation: Reservation) -> Signed | None:
        """Have a reserved certificate signed; None if these very facts are released meanwhile."""
        try:
            return await self.signer.sign(reservation.certificate_id, reservation.attempt)
        except ServiceError as error:
            if error.code != "certificate.exists":
                raise
        if (await self._row(reservation.certificate_id)).attempt != reservation.attempt:
            raise ServiceError("certificate.not_released")
        return None

    async def preview(self, actor: Actor, case_id: str, kind: str) -> bytes:
        """Draw what the certificate would say now: never signed, no number, no live QR code."""
        now = self.units.clock()
        async with self.units.database.reading() as session:
            case = await self.records.read(session, actor, case_id, Action.PREVIEW_CERTIFICATE)
            draft = await self.drafts.outline(session, case, kind)
        await self.drawing.check(draft.printed, draft.words)
        demo = self.signer.looks_demo(draft.authority.id)
        template = self.drafts.forms.template(draft.kind, draft.template_version)
        return await self.drawing.preview(draft.preview_order(template, now, demo=demo))

    async def _draft(
        self, actor: Actor, case_id: str, kind: str, key: Key, correction: Correction | None
    ) -> Draft | None:
        """Return facts that can be printed and signed; None if this key has reserved already."""
        async with self.units.database.reading() as session:
            before = await queries.kept_fingerprint(session, key.owner)
        if before is not None:
            if before != key.fingerprint:
                raise ServiceError("idempotency_key.reused")
            with suppress(ServiceError):  # What is released already needs no signer.
                await self.signer.look()
            return None
        async with self.units.database.reading() as session:
            case = await self.records.read(session, actor, case_id, action_of(correction))
            now = self.units.clock()
            draft, corrected = await self.outlook(
                session, actor, case, kind, correction=correction, now=now
            )
            await self.reviews.require(
                session, case, draft, Issuer(actor.id, now),
                corrects=wrong_of(correction), corrected=corrected,
            )  # fmt: skip
        await self.signer.look()
        self.signer.is_demo(draft.authority.id)
        await self.drawing.check(draft.printed, draft.words)
        return draft

    async def outlook(
        self, session: AsyncSession, actor: Actor, case: Case, kind: str, *,
        correction: Correction | None, now: datetime,
    ) -> tuple[Draft, Mapping[str, str]]:  # fmt: skip
        """Return what would be issued, and which of its values are not in the case yet.

        Refuses agent.without_authority, what `Drafts.complete` and `Corrections` refuse, and
        certificate.exists; neither signer nor second clerk is asked.
        """
        await self.require_authority(session, actor, case)
        corrected = await self.corrections.values(session, case, correction, now)
        draft = await self.drafts.complete(session, case, kind, corrected=corrected)
        await self.corrections.admit(session, case, draft, correction)
        return draft, corrected

    async def reserve(
        self, unit: Unit, actor: Actor, case_id: str, kind: str, key: Key, *,
        draft: Draft | None, correction: Correction | None = None,
    ) -> Reservation:  # fmt: skip
        """Reserve row, number, check code, signing time and key; or take up what was reserved."""
        known = await claim(unit, key.owner, key.fingerprint)
        mine = None if known is None else await queries.find_any(unit.session, known)
        if mine is not None and mine.state is not CertificateState.RESERVED:
            return Reservation(mine.id, mine.attempt, released=True)
        entry = await self.records.begin(unit, actor, case_id, action_of(correction))
        await self.require_authority(unit.session, actor, entry.case)
        await require_same_person(unit.session, entry.case, unit.now)
        if entry.clock_is_behind:
            raise ServiceError("clock.behind")
        await self.corrections.write(entry, correction)
        now_says = await self.drafts.complete(unit.session, entry.case, kind)
        if mine is None and now_says != draft:
            raise _FactsMovedError
        await self.corrections.admit(unit.session, entry.case, now_says, correction)
        row = mine or await queries.find_reserved(unit.session, case_id, kind)
        grounds = await self._grounds(entry, now_says, correction)
        if row is None:
            row = await self._new_row(entry, now_says, grounds)
        elif grounds != (row.supersedes, row.review_id) or not await self._resumes(
            entry, row, now_says, mine=row is mine
        ):
            row = await self._take_anew(entry, row, now_says, grounds)
        if known is None:
            await remember(unit, key.owner, row.id)
        return Reservation(row.id, row.attempt)

    async def release(
        self, unit: Unit, actor: Actor, case_id: str, reservation: Reservation, signed: Signed,
        *, correction: Correction | None = None,
    ) -> None:  # fmt: skip
        """Make the certificate valid and tell both sides.

        Of two that finish the same reservation the second changes nothing. Refuses
        certificate.not_released for facts that another command has taken anew since.
        """
        entry = await self.records.begin(unit, actor, case_id, action_of(correction))
        await self.require_authority(unit.session, actor, entry.case)
        await require_same_person(unit.session, entry.case, unit.now)
        values: Mapping[str, object] = {
            "sha256": signed.sha256,
            "size": len(signed.pdf),
            "pages": signed.pages,
            "qr_token": signed.token,
            "issued_at": entry.at,
        }
        found = reservation.certificate_id, reservation.attempt
        await self.corrections.supersede(entry, correction, *found)
        done = await queries.release(unit.session, *found, values)
        row = await queries.find_any(unit.session, reservation.certificate_id)
        if not done:
            # Of the same facts, a key in a token gives each attempt other bytes: the first count.
            if row is None or row.attempt != reservation.attempt:
                raise ServiceError("certificate.not_released")
            return
        if row is None:
            raise ServiceError("certificate.unknown")
        if signed.stamped_at is not None:
            await proof_queries.keep_stamp(unit.session, row.id, signed.stamped_at, None)
        if entry.case.state in {CaseState.IN_CALL, CaseState.WITH_JURISDICTION}:
            entry.move(CaseState.CERTIFIED)
        picture = open_facts(entry.key, row).picture
        await entry.append("certificate.issued", _issued(row, picture, signed.stamped_at))

    async def _grounds(self, entry: Entry, draft: Draft, correction: Correction | None) -> Grounds:
        """Return what the certificate supersedes, and the approval that it is issued on."""
        issuer, corrects = Issuer(entry.actor.id, entry.unit.now), wrong_of(correction)
        session = entry.unit.session
        return corrects, await self.reviews.require(
            session, entry.case, draft, issuer, corrects=corrects
        )

    async def _resumes(
        self, entry: Entry, row: Certificate, now_says: Draft, *, mine: bool
    ) -> bool:
        """Say whether a reserved certificate is drawn as it stands; else the signer would refuse.

        It is if the same clerk wants it and the case still says the same. It is not when that
        would date it back, or when its template is of a version that this process does not know:
        another one, newer or older, reserved it. Another command also wants the newest template.
        """
        if self.drafts.forms.templates.find(row.kind, row.template_version) is None:
            return False
        if row.issued_by != entry.actor.id or not may_resume(row.signing_at, entry.unit.now):
            return False
        if mine and row.template_version != now_says.template_version:
            try:
                now_says = await self.drafts.complete(
                    entry.unit.session, entry.case, row.kind, version=row.template_version
                )
            except ServiceError:  # The old page needs a value that the case no longer has.
                return False
        return now_says == open_facts(entry.key, row)

    async def _new_row(self, entry: Entry, draft: Draft, grounds: Grounds) -> Certificate:
        unit, year = entry.unit, china_day(entry.unit.now).year
        serial = await queries.next_serial(unit.session, draft.authority.code, year)
        row_id = new_id()
        row = Certificate(
            id=row_id,
            case_id=entry.case.id,
            kind=draft.kind,
            jurisdiction=draft.jurisdiction,
            issuer_code=draft.authority.code,
            year=year,
            serial=serial,
            number=self.drafts.forms.number(
                draft.kind, draft.authority.code, serial_text(year, serial)
            ),
            check_code="".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH)),
            state=CertificateState.RESERVED,
            attempt=1,
            **self._taken(entry, row_id, draft, grounds),
        )
        unit.session.add(row)
        await unit.session.flush()
        return row

    async def _take_anew(
        self, entry: Entry, row: Certificate, draft: Draft, grounds: Grounds
    ) -> Certificate:
        values = self._taken(entry, row.id, draft, grounds)
        if not await queries.take_anew(entry.unit.session, row.id, row.attempt, values):
            raise ServiceError("certificate.not_released")
        return await _found(entry.unit.session, row.id)

    def _taken(
        self, entry: Entry, row_id: str, draft: Draft, grounds: Grounds
    ) -> dict[str, object]:
        """Return what a row holds of the moment at which its facts were taken."""
        return {
            "supersedes": grounds[0],
            "review_id": grounds[1],
            "title": draft.title,
            "authority_id": draft.authority.id,
            "issuer": draft.authority.name,
            "template_version": draft.template_version,
            "sealed_facts": entry.key.seal(draft.to_json(), facts_context(row_id)),
            "case_seq": entry.case.seq,
            "case_hash": entry.case.head_hash,
            "signing_at": entry.unit.now.replace(microsecond=0),
            "valid_until": self.drafts.forms.valid_until(draft.kind, entry.unit.now),
            "demo": self.signer.is_demo(draft.authority.id),
            "issued_by": entry.actor.id,
            "issued_by_name": entry.actor.name,
        }

    async def _row(self, certificate_id: str) -> Certificate:
        async with self.units.database.reading() as session:
            return await _found(session, certificate_id)


async def _found(session: AsyncSession, certificate_id: str) -> Certificate:
    row = await queries.find_any(session, certificate_id)
    if row is None:
        raise ServiceError("certificate.unknown")
    return row


def _issued(
    row: Certificate, picture: str | None, stamped_at: datetime | None
) -> dict[str, object]:
    return {
        "certificate_id": row.id,
        "kind": row.kind,
        "title": row.title,
        "number": row.number,
        "sha256": row.sha256,
        "case_hash": row.case_hash,
        "review_id": row.review_id,
        "seal_picture": picture,
        "stamped_at": None if stamped_at is None else stamped_at.isoformat(),
    }

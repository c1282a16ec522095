"""Verdicts: what a file says of itself, joined with what the register knows."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from server.cases import queries as case_queries
from server.cases.record import Records
from server.cases.rules import china_day
from server.certificates import proof_queries, queries
from server.certificates.drawing import Drawing, Finding
from server.certificates.facts import holder_of
from server.certificates.messages import Verdict
from server.certificates.models import Certificate
from server.certificates.papers import Papers
from server.certificates.rules import VerdictKind, clean_code, clean_number, standing
from server.db.unit import Units

# What is compared when there is nothing to compare with: a miss takes what a wrong code takes.
NOBODYS = "0" * 10


@dataclass(frozen=True, slots=True)
class Verifying:
    """Says of a number, a QR code or a file whether it is a certificate that counts now."""

    units: Units
    records: Records
    drawing: Drawing
    papers: Papers

    async def by_code(self, number: str, check_code: str) -> Verdict:
        """Judge number and check code; an unknown number and a wrong code answer the same."""
        async with self.units.database.reading() as session:
            row = await queries.find_by_number(session, clean_number(number))
            kept = NOBODYS if row is None else row.check_code
            return await self._known(session, row, kept, clean_code(check_code))

    async def by_token(self, number: str, token: str) -> Verdict:
        """Judge what a QR code holds: only the very token that we signed for the number counts."""
        async with self.units.database.reading() as session:
            row = await queries.find_by_number(session, clean_number(number))
            kept = NOBODYS if row is None or row.qr_token is None else row.qr_token
            return await self._known(session, row, kept, token.strip())

    async def by_file(self, content: bytes) -> Verdict:
        """Judge a file: genuine only if its signature, the register's hash and its state agree."""
        now = self.units.clock()
        # Our own: who judges strangers' files is not asked which one of ours this is.
        digest = hashlib.sha256(content).hexdigest()
        token = await self._token(digest)
        finding = await self.drawing.examine_strange(content, now, token)
        return await self._join(digest, finding, now)

    async def _join(self, digest: str, finding: Finding, now: datetime) -> Verdict:
        async with self.units.database.reading() as session:
            row = await queries.find_by_sha256(session, digest)
            said = VerdictKind(finding.verdict.value)
            if row is None:
                # Signed by us and not in the register: nothing that was ever released.
                unknown = said in {VerdictKind.GENUINE, VerdictKind.EXPIRED}
                return self._miss(now, VerdictKind.UNKNOWN if unknown else said)
            verdict = self._standing(row, now)
            if said is not VerdictKind.GENUINE and verdict is VerdictKind.GENUINE:
                verdict = said
            return await self._hit(session, row, verdict, now)

    async def of_row(self, row: Certificate) -> Verdict:
        """Judge a certificate's own file as it is kept now."""
        now = self.units.clock()
        try:
            content = await self.papers.content(row)
        except FileNotFoundError:
            return self._miss(now, VerdictKind.CANNOT_TELL)
        digest = hashlib.sha256(content).hexdigest()
        if digest != row.sha256:
            return self._miss(now, VerdictKind.ALTERED)
        token = await self._token(digest)
        verdict = await self._join(digest, await self.drawing.examine(content, now, token), now)
        if row.superseded_by is None:
            return verdict
        async with self.units.database.reading() as session:
            numbers = await queries.numbers_of(session, [row.superseded_by])
        return verdict.model_copy(update={"superseded_by": numbers[row.superseded_by]})

    async def _token(self, digest: str) -> bytes | None:
        """Return the time-stamp over a file that the register keeps apart from it."""
        async with self.units.database.reading() as session:
            return await proof_queries.token_for(session, digest)

    async def _known(
        self, session: AsyncSession, row: Certificate | None, kept: str, given: str
    ) -> Verdict:
        now = self.units.clock()
        right = hmac.compare_digest(kept.encode(), given.encode())
        if row is None or not right:
            return self._miss(now, VerdictKind.UNKNOWN)
        return await self._hit(session, row, self._standing(row, now), now)

    async def _hit(
        self, session: AsyncSession, row: Certificate, verdict: VerdictKind, now: datetime
    ) -> Verdict:
        stamp = await proof_queries.find_stamp(session, row.id)
        return Verdict(
            verdict=verdict,
            number=row.number,
            issuer=row.issuer,
            title=row.title,
            holder=await self._holder(session, row),
            issued_on=None if row.issued_at is None else china_day(row.signing_at),
            valid_until=row.valid_until,
            demo=row.demo,
            stamped_at=None if stamp is None else stamp.at,
            checked_at=now,
        )

    async def _holder(self, session: AsyncSession, row: Certificate) -> str | None:
        """Return the masked name; none once the case's key is destroyed."""
        case = await case_queries.find_case(session, row.case_id)
        return None if case is None else holder_of(self.records, self.drawing.forms, case, row)

    def _standing(self, row: Certificate, now: datetime) -> VerdictKind:
        return standing(row.state, row.valid_until, china_day(now))

    def _miss(self, now: datetime, verdict: VerdictKind) -> Verdict:
        return Verdict(verdict=verdict, checked_at=now)

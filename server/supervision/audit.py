"""Walks everything that is kept and names what does not fit together: `kuayu verify-store`.

It reads a copy (`copied`), because on SQLite an open read would hold up every command.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from server.cases.models import Case, CaseEvent, Material
from server.cases.queries import log_of
from server.cases.rules import FIRST_HASH, CaseState, case_number, event_hash
from server.certificates.drawing import Drawing, Verdict
from server.certificates.models import Certificate
from server.certificates.papers import FOLDER, file_name
from server.certificates.proof_queries import find_sm2, token_for
from server.certificates.rules import CertificateState, serial_text
from server.db.engine import Database, open_database
from server.files import FileStore
from server.register.queries import copies_of
from server.supervision import audit_queries as queries
from server.supervision.export_audit import ExportAudit
from server.supervision.recording_audit import RecordingAudit
from server.supervision.review_audit import fault_of_review
from server.supervision.sm2_audit import fault_of_sm2
from server.vault import CaseKey, Vault, VaultError

SQLITE = "sqlite+aiosqlite:///"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that does not fit: what kind of fault, and what it is about."""

    code: str
    about: str
    says: str = ""


@asynccontextmanager
async def copied(url: str, folder: Path) -> AsyncIterator[Database]:
    """Open a copy of a SQLite database, made by the backup API; PostgreSQL is read in place."""
    if not url.startswith(SQLITE):
        database = open_database(url)
    else:
        copy = folder / "audit.db"
        await asyncio.to_thread(_copy, Path(url.removeprefix(SQLITE)), copy)
        database = open_database(f"{SQLITE}{copy}")
    try:
        yield database
    finally:
        await database.close()


def _copy(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    there, here = sqlite3.connect(source), sqlite3.connect(target)
    try:
        there.backup(here)
    finally:
        here.close()
        there.close()


@dataclass(slots=True)
class Audit:
    """One walk over database and files.

    `live` is the database itself where `database` is a copy: files come and go meanwhile.
    """

    database: Database
    files: FileStore
    vault: Vault
    drawing: Drawing
    now: datetime
    live: Database | None = None
    faults: list[Fault] = field(default_factory=list)
    counted: dict[str, int] = field(default_factory=dict)

    async def walk(self) -> list[Fault]:
        """Return every fault there is, in no particular order."""
        async with self.database.reading() as session:
            await self._cases(session)
            await self._certificates(session)
            await self._materials(session)
            await self._recordings(session)
            await self._exports(session)
            await self._serials(session)
            await self._queue(session)
        await self._strays()
        return self.faults

    def _name(self, code: str, about: str, says: str = "") -> None:
        self.faults.append(Fault(code, about, says))

    def _count(self, kind: str) -> None:
        self.counted[kind] = self.counted.get(kind, 0) + 1

    def _expect(self, code: str, about: str, *, found: object, expected: object) -> None:
        if found != expected:
            self._name(code, about, f"expected {expected}, found {found}")

    async def _cases(self, session: AsyncSession) -> None:
        async for case in queries.every(session, Case, Case.id):
            self._count("cases")
            await self._log(session, case)
            self._values(case)
            await self._settled(session, case)

    async def _log(self, session: AsyncSession, case: Case) -> None:
        """Recompute the case's chain from its first event to its head."""
        seq, head, last = 0, FIRST_HASH, case.opened_at
        async for event in log_of(session, case.id):
            self._count("events")
            about = f"{case.number} #{event.seq}"
            self._expect("log.gapped", about, found=event.seq, expected=seq + 1)
            self._expect("chain.broken", about, found=event.prev_hash, expected=head)
            self._expect("event.altered", about, found=event.hash, expected=_hash(event))
            if event.at < last:
                self._name("event.backdated", about)
            seq, head, last = event.seq, event.hash, event.at
        self._expect("log.cut", case.number, found=seq, expected=case.seq)
        self._expect("head.wrong", case.number, found=head, expected=case.head_hash)

    def _values(self, case: Case) -> None:
        key = self._key(case)
        if key is None:
            self._name("case.locked", case.number, "its key does not open")

    def _key(self, case: Case) -> CaseKey | None:
        try:
            return self.vault.open_key(case.wrapped_key, case.id)
        except VaultError:
            return None

    async def _settled(self, session: AsyncSession, case: Case) -> None:
        settlement = await queries.settlement_of(session, case.id)
        settled = case.state is CaseState.SETTLED
        if settled != (settlement is not None):
            self._name("settlement.mismatched", case.number, f"the case is {case.state.value}")
        released = await queries.released_of(session, case.id)
        if case.state is CaseState.CERTIFIED and not released:
            self._name("certificate.missing", case.number, "the case is certified")
        if settlement is None or settlement.certificate_id is None:
            return
        if settlement.certificate_id not in {row.id for row in released}:
            self._name("settlement.baseless", case.number)
        if not await queries.has_receipt(session, case.id, settlement.certificate_id):
            self._name("receipt.missing", case.number)
        fell = {row.id for row in released if row.state is not CertificateState.VALID}
        if settlement.certificate_id in fell and not await queries.is_recalled(
            session, case.id, settlement.certificate_id
        ):
            self._name("recall.missing", case.number)

    async def _certificates(self, session: AsyncSession) -> None:
        async for row in queries.every(session, Certificate, Certificate.id):
            self._count("certificates")
            serial = serial_text(row.year, row.serial)
            if row.kind in self.drawing.forms.templates:
                number = self.drawing.forms.number(row.kind, row.issuer_code, serial)
                self._expect("number.wrong", row.id, found=row.number, expected=number)
            anchor = await queries.event_at(session, row.case_id, row.case_seq)
            if anchor is None or anchor.hash != row.case_hash:
                self._name("anchor.wrong", row.number, f"#{row.case_seq} has another hash")
            issued = await queries.issued_events(session, row.case_id, row.id)
            if row.state is CertificateState.RESERVED:
                if issued or row.sha256 is not None:
                    self._name("certificate.unreleased", row.number)
                if await find_sm2(session, row.id) is not None:
                    self._name("detached_signature.misplaced", row.number, "it is not released")
            else:
                self._logged(row, issued)
                await self._fell(session, row)
                await self._succeeded(session, row)
                await self._copied(session, row)
                await self._reviewed(session, row, issued)
                await self._file(session, row)

    async def _fell(self, session: AsyncSession, row: Certificate) -> None:
        """A certificate counts until its case's log says that it fell, and not after."""
        logged = await queries.falls_of(session, row.case_id, row.id)
        fell = [] if row.state is CertificateState.VALID else [row.state.value]
        self._expect("certificate.misstated", row.number, found=fell, expected=logged)

    async def _succeeded(self, session: AsyncSession, row: Certificate) -> None:
        """A superseded certificate has one in its place, of the same case and kind."""
        successor = await session.get(Certificate, row.superseded_by or "none")
        replaced = successor is not None and (
            successor.supersedes, successor.case_id, successor.kind
        ) == (row.id, row.case_id, row.kind)  # fmt: skip
        if replaced is not (row.state is CertificateState.SUPERSEDED):
            self._name("successor.mismatched", row.number, f"it is {row.state.value}")

    async def _copied(self, session: AsyncSession, row: Certificate) -> None:
        """The register's copies are those of the log."""
        found = [copy.number for copy in await copies_of(session, row.id)]
        logged = await queries.logged_copies(session, row)
        self._expect("copies.mismatched", row.number, found=found, expected=logged)

    def _logged(self, row: Certificate, issued: list[CaseEvent]) -> None:
        if len(issued) != 1:
            self._name("certificate.unlogged", row.number, f"{len(issued)} events")
            return
        said = issued[0].data
        for name in ("number", "sha256", "case_hash"):
            self._expect(
                "certificate.rewritten", row.number, found=getattr(row, name), expected=said[name]
            )

    async def _reviewed(
        self, session: AsyncSession, row: Certificate, issued: list[CaseEvent]
    ) -> None:
        """What a second clerk had to approve, another clerk did, and in the case's log."""
        logged = issued[0].data.get("review_id") if issued else None
        self._expect("review.rewritten", row.number, found=row.review_id, expected=logged)
        if row.review_id is None:
            return
        case = await session.get_one(Case, row.case_id)
        if says := await fault_of_review(session, row, row.review_id, self._key(case)):
            self._name("review.missing", row.number, says)

    async def _file(self, session: AsyncSession, row: Certificate) -> None:
        """Check that the file, its hash in the register and its signature agree."""
        try:
            content = await self.files.get(file_name(row.id, row.sha256 or "none"))
        except FileNotFoundError:
            self._name("certificate.lost", row.number, "its file is not there")
            return
        self._expect("certificate.altered", row.number, found=_digest(content), expected=row.sha256)
        token = await token_for(session, row.sha256 or "none")
        finding = await self.drawing.examine(content, self.now, token)
        if finding.verdict is Verdict.CANNOT_TELL:
            self._name("trust.stale", row.number, "the signature cannot be judged")
        elif finding.verdict is not Verdict.GENUINE or finding.number != row.number:
            self._name("signature.wrong", row.number, f"the file is {finding.verdict.value}")
        if (kept := await find_sm2(session, row.id)) is not None:
            self._count("sm2_signatures")
            if fault := await fault_of_sm2(self.drawing, row, kept, content, self.now):
                self._name(*fault)

    async def _materials(self, session: AsyncSession) -> None:
        async for row in queries.every(session, Material, Material.id):
            self._count("materials")
            try:
                content = await self.files.get(row.file_name)
            except FileNotFoundError:
                self._name("material.lost", row.id, "its file is not there")
                continue
            self._expect("material.altered", row.id, found=_digest(content), expected=row.sha256)
            self._expect("material.resized", row.id, found=len(content), expected=row.size)
            if not await queries.has_material_event(session, row.case_id, row.id):
                self._name("material.unlogged", row.id)

    async def _recordings(self, session: AsyncSession) -> None:
        live = self.live or self.database
        audit = RecordingAudit(session, self.files, self.vault, self.now, live)
        async for part, findings in audit.parts():
            self._count("recordings")
            self.counted["chunks"] = self.counted.get("chunks", 0) + part.chunks
            for one in findings:
                self._name(*one)
        async for one in audit.strays():
            self._name(*one)

    async def _exports(self, session: AsyncSession) -> None:
        audit = ExportAudit(session, self.files, self.vault, self.live or self.database)
        async for _, findings in audit.films():
            self._count("exports")
            for one in findings:
                self._name(*one)
        async for one in audit.strays():
            self._name(*one)

    async def _serials(self, session: AsyncSession) -> None:
        """Numbers are unique and without gaps, up to the last one that was given out."""
        for kept in await queries.certificate_serials(session):
            given = await queries.serials_of(session, kept.issuer_code, kept.year)
            about = f"{kept.issuer_code} {kept.year}"
            self._run("certificate_number.gapped", about, given, kept.last)
        for day in await queries.case_serials(session):
            start = case_number(day.region, datetime.fromisoformat(day.day).date(), 0)[:-6]
            numbers = await queries.case_numbers(session, start)
            given = [int(number.removeprefix(start)) for number in numbers]
            self._run("case_number.gapped", f"{day.region} {day.day}", given, day.last)

    def _run(self, code: str, about: str, given: list[int], last: int) -> None:
        if sorted(given) != list(range(1, last + 1)):
            lacking = sorted(set(range(1, last + 1)) - set(given))
            self._name(code, about, f"{len(given)} of {last}; lacking {lacking[:10]}")

    async def _queue(self, session: AsyncSession) -> None:
        for number, says in await queries.misplaced_cases(session):
            self._name("ticket.mismatched", number, says)
        for number, says in await queries.misseated_cases(session):
            self._name("seat.mismatched", number, says)

    async def _strays(self) -> None:
        """Name files in the certificates' folder that no certificate has or is about to have."""
        async with self.database.reading() as session:
            for name in await self.files.names(FOLDER):
                row = await session.get(Certificate, name.split("/")[1])
                on_its_way = row is not None and row.state is CertificateState.RESERVED
                if on_its_way:
                    continue
                if row is None or name != file_name(row.id, row.sha256 or "none"):
                    self._name("file.stray", name)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _hash(event: CaseEvent) -> str:
    return event_hash(
        case_id=event.case_id,
        seq=event.seq,
        at=event.at,
        actor=event.actor,
        kind=event.kind,
        data=event.data,
        prev_hash=event.prev_hash,
    )

"""The register over HTTP."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Any

from server.access import Action
from server.cases.pictures import PDF
from server.certificates.models import Certificate
from server.certificates.papers import Papers
from server.errors import ServiceError
from server.register import messages as wire
from server.register.evidence import ZIP, Evidence, pack
from server.register.service import Register
from server.web.http import Ask, Empty, FileAnswer, Route

ENTRY = "/api/register/certificates/{certificate_id:[0-9a-f]{32}}"


@dataclass(frozen=True, slots=True)
class _Desk:
    register: Register
    evidence: Evidence
    papers: Papers

    async def search_register(self, ask: Ask[wire.RegisterQuery]) -> wire.RegisterPage:
        async with ask.database.reading() as session:
            return await self.register.search(session, ask.actor, ask.said, ask.units.clock())

    async def read_register_entry(self, ask: Ask[Empty]) -> wire.RegisterEntry:
        async with ask.database.reading() as session:
            return await self.register.read(
                session, ask.actor, ask.path["certificate_id"], ask.units.clock()
            )

    async def take_copy(self, ask: Ask[wire.Reason]) -> FileAnswer:
        """Look at the file first, note the copy, and only then give it away."""
        row, content = await self._file(ask, Action.TAKE_COPY)
        async with ask.units.open() as unit:
            copy = await self.register.take_copy(unit, ask.actor, row.id, ask.said.reason)
        return FileAnswer(content, PDF, f"{row.number}-{copy.number}.pdf")

    async def export_evidence(self, ask: Ask[wire.Reason]) -> FileAnswer:
        """Look at what is to be given, note who takes it, and only then gather and give it."""
        row, pdf = await self._file(ask, Action.EXPORT_EVIDENCE)
        lists = await self.evidence.lists(row)
        async with ask.units.open() as unit:
            asked = await self.evidence.order(unit, ask.actor, row.id, ask.said.reason)
        async with ask.database.reading() as session:
            found = await self.evidence.gather(session, ask.actor, row.id, asked)
        content = await asyncio.to_thread(pack, found, pdf, lists)
        return FileAnswer(content, ZIP, f"{row.number}-evidence.zip")

    async def _file(self, ask: Ask[Any], action: Action) -> tuple[Certificate, bytes]:
        async with ask.database.reading() as session:
            found = ask.path["certificate_id"]
            row, _ = await self.register.find(session, ask.actor, found, action)
        return row, await released(self.papers, row)


async def released(papers: Papers, row: Certificate) -> bytes:
    """Return the bytes that were released; certificate.altered if what is kept are not those."""
    try:
        content = await papers.content(row)
    except FileNotFoundError:
        raise ServiceError("certificate.altered") from None
    if hashlib.sha256(content).hexdigest() != row.sha256:
        raise ServiceError("certificate.altered")
    return content


def routes(evidence: Evidence, papers: Papers) -> list[Route[Any]]:
    """Return this domain's lines of the API."""
    on = _Desk(evidence.register, evidence, papers)
    return [
        # A POST, so that an ID number stands in no address and so in no log or history.
        Route("POST", "/api/register/searches", Action.SEARCH_REGISTER, wire.RegisterQuery,
              on.search_register, wire.RegisterPage, "Look certificates up; changes nothing"),
        Route("GET", ENTRY, Action.READ_REGISTER, Empty, on.read_register_entry,
              wire.RegisterEntry, "One certificate with all that was noted of it"),
        Route("POST", ENTRY + "/copies", Action.TAKE_COPY, wire.Reason, on.take_copy, None,
              "Take a numbered copy of the file, and say why"),
        Route("POST", ENTRY + "/evidence", Action.EXPORT_EVIDENCE, wire.Reason,
              on.export_evidence, None, "Take a certificate's whole evidence, and say why"),
    ]  # fmt: skip

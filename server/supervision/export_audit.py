"""What does not fit together among exports: rows, pages, keys, and what the log says."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from server.db.engine import Database
from server.exports.models import Export
from server.exports.rules import FOLDER, ExportState, page_context, page_name
from server.files import FileStore
from server.supervision import audit_queries as queries
from server.supervision.recording_audit import Finding
from server.vault import CaseKey, Vault, VaultError


@dataclass(frozen=True, slots=True)
class ExportAudit:
    """Walks every film that can be taken away: each page is opened, the whole held to the log.

    The session may be on a copy: what is missing or too much in the folder is held against `live`.
    """

    session: AsyncSession
    files: FileStore
    vault: Vault
    live: Database

    async def films(self) -> AsyncIterator[tuple[Export, list[Finding]]]:
        """Yield every film with what is wrong with it."""
        async for row in queries.every(self.session, Export, Export.id):
            if row.state is ExportState.READY:
                yield row, [one async for one in self._film(row)]

    async def _film(self, row: Export) -> AsyncIterator[Finding]:
        logged = await queries.logged_films(self.session, row.case_id, row.id)
        if logged != [row.sha256]:
            yield Finding("export.unlogged", row.id, f"the log says {logged}")
        try:
            key = self.vault.open_key(row.sealed_key or "", row.id)
        except VaultError:
            yield Finding("export.locked", row.id, "its key does not open")
            return
        try:
            sha256, size = await self._read(row, key)
        except FileNotFoundError:
            if not await self._is_over_by_now(row.id):
                yield Finding("export.lost", row.id, "a page of it is not there")
        except VaultError:
            yield Finding("export.altered", row.id, "a page of it does not open")
        else:
            if (sha256, size) != (row.sha256, row.size):
                yield Finding("export.altered", row.id, f"{size} bytes with the hash {sha256}")

    async def _read(self, row: Export, key: CaseKey) -> tuple[str, int]:
        digest, size, claim = hashlib.sha256(), 0, row.claim or ""
        for number in range(row.pages or 0):
            sealed = await self.files.get(page_name(row.id, claim, number))
            page = key.open_bytes(sealed, page_context(row.id, claim, number))
            digest.update(page)
            size += len(page)
        return digest.hexdigest(), size

    async def _is_over_by_now(self, export_id: str) -> bool:
        async with self.live.reading() as session:
            row = await session.get(Export, export_id)
            return row is not None and row.state is not ExportState.READY

    async def strays(self) -> AsyncIterator[Finding]:
        """Yield the files of no film, but those of one that is being made or removed."""
        names = await self.files.names(FOLDER)
        for export_id in sorted({name.split("/")[1] for name in names}):
            async with self.live.reading() as session:
                row = await session.get(Export, export_id)
            if row is not None and row.state is not ExportState.READY and row.emptied_at is None:
                continue
            pages = 0 if row is None or row.emptied_at is not None else row.pages or 0
            claim = "" if row is None else row.claim or ""
            known = {page_name(export_id, claim, number) for number in range(pages)}
            for name in await self.files.names(f"{FOLDER}/{export_id}"):
                if name not in known:
                    yield Finding("file.stray", name)

"""The files of certificates: one folder per certificate, named by the SHA-256 of their bytes."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from server.certificates import proof_queries
from server.certificates.drawing import Drawing
from server.certificates.forms import Signed
from server.certificates.models import Certificate
from server.errors import ServiceError
from server.files import FileStore

FOLDER = "certificates"
PKCS7 = "application/pkcs7-signature"


def file_name(certificate_id: str, sha256: str) -> str:
    """Return where a certificate's file is kept."""
    return f"{FOLDER}/{certificate_id}/{sha256}.pdf"


@dataclass(frozen=True, slots=True)
class Papers:
    """Keeps certificates' files and draws their pages."""

    files: FileStore
    drawing: Drawing

    async def keep(self, certificate_id: str, signed: Signed) -> None:
        """Put a signed file away, whole and durably, before its certificate is released."""
        await self.files.put(file_name(certificate_id, signed.sha256), signed.pdf)

    async def sweep(self, row: Certificate) -> None:
        """Remove what was drawn for a released certificate and not released."""
        if row.sha256 is None:
            return
        kept = file_name(row.id, row.sha256)
        for name in await self.files.names(f"{FOLDER}/{row.id}"):
            if name != kept:
                await self.files.remove(name)

    async def content(self, row: Certificate) -> bytes:
        """Return a released certificate's file; certificate.unknown for a reserved one."""
        if row.sha256 is None:
            raise ServiceError("certificate.unknown")
        return await self.files.get(file_name(row.id, row.sha256))

    async def picture(self, row: Certificate, page: int) -> bytes:
        """Return a page of a certificate as a PNG; material.unknown if there is no such page."""
        return await self.drawing.picture(await self.content(row), page)

    async def sm2_signature(self, session: AsyncSession, row: Certificate) -> bytes:
        """Return a certificate's detached SM2 signature; detached_signature.unknown without one."""
        kept = await proof_queries.find_sm2(session, row.id)
        if kept is None:
            raise ServiceError("detached_signature.unknown")
        return kept.content

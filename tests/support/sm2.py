"""Certificates with their detached SM2 signatures, made as the service's worker makes them."""

from __future__ import annotations

from server.certificates import proof_queries
from server.certificates.models import Certificate, CertificateSm2
from server.certificates.sm2_signing import Sm2Signing
from tests.support.desk import Desk


async def sign_all(desk: Desk) -> int:
    """Have everything signed that is not; say how much that was."""
    return await Sm2Signing(desk.units, desk.signer, desk.papers).sign_some()


async def kept(desk: Desk, row: Certificate) -> CertificateSm2 | None:
    """What the register keeps of a certificate's SM2 signature."""
    async with desk.units.database.reading() as session:
        return await proof_queries.find_sm2(session, row.id)


async def signed_certificate(desk: Desk) -> tuple[Certificate, bytes]:
    """A certificate and its SM2 signature."""
    _, row = await desk.certified_case()
    assert await sign_all(desk) == 1
    found = await kept(desk, row)
    assert found is not None
    return row, found.content

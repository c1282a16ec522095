"""Every SQL statement on what proves more of a certificate than its file: stamps, SM2."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Select, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from server.certificates.models import Certificate, CertificateSm2, CertificateStamp
from server.certificates.rules import CertificateState
from server.db.insert import insert_unless_kept

Place = tuple[datetime, str]


async def keep_stamp(
    session: AsyncSession, certificate_id: str, at: datetime, token: bytes | None
) -> bool:
    """Keep when a certificate is proved to have been signed, unless that is kept; say so."""
    row = CertificateStamp(certificate_id=certificate_id, at=at, token=token)
    return await insert_unless_kept(session, row)


async def find_stamp(session: AsyncSession, certificate_id: str) -> CertificateStamp | None:
    """Return when a certificate is proved to have been signed."""
    return await session.get(CertificateStamp, certificate_id, populate_existing=True)


async def token_for(session: AsyncSession, sha256: str) -> bytes | None:
    """Return the time-stamp that is kept apart from the file of this SHA-256."""
    statement = select(CertificateStamp.token).join(Certificate).where(Certificate.sha256 == sha256)
    return (await session.scalars(statement)).one_or_none()


async def list_unstamped(session: AsyncSession, most: int) -> Sequence[Certificate]:
    """Return valid certificates whose time nothing proves, the oldest first."""
    return (await session.scalars(_lacking(CertificateStamp, most))).all()


async def keep_sm2(
    session: AsyncSession, certificate_id: str, at: datetime, content: bytes
) -> bool:  # fmt: skip
    """Keep a certificate's detached SM2 signature, unless one is kept; say whether we did."""
    row = CertificateSm2(certificate_id=certificate_id, signed_at=at, content=content)
    return await insert_unless_kept(session, row)


async def find_sm2(session: AsyncSession, certificate_id: str) -> CertificateSm2 | None:
    """Return a certificate's detached SM2 signature."""
    return await session.get(CertificateSm2, certificate_id, populate_existing=True)


async def sm2_times(
    session: AsyncSession, certificate_ids: Collection[str]
) -> dict[str, datetime]:  # fmt: skip
    """Return when those of these certificates were signed with SM2 that were."""
    statement = select(CertificateSm2.certificate_id, CertificateSm2.signed_at).where(
        CertificateSm2.certificate_id.in_(certificate_ids)
    )
    return {row.certificate_id: row.signed_at for row in await session.execute(statement)}


async def list_without_sm2(
    session: AsyncSession, authorities: Collection[str], most: int, after: Place | None
) -> Sequence[Certificate]:
    """Return valid certificates of these authorities without an SM2 signature, the oldest first.

    `after` is where the last page ended: who has found nothing to do for some goes on behind them.
    """
    statement = _lacking(CertificateSm2, most).where(Certificate.authority_id.in_(authorities))
    if after is not None:
        statement = statement.where(tuple_(Certificate.issued_at, Certificate.id) > after)
    return (await session.scalars(statement)).all()


def _lacking(
    proof: type[CertificateStamp] | type[CertificateSm2], most: int
) -> Select[Certificate]:  # fmt: skip
    return (
        select(Certificate)
        .outerjoin(proof)
        .where(Certificate.state == CertificateState.VALID, proof.certificate_id.is_(None))
        .order_by(Certificate.issued_at, Certificate.id)
        .limit(most)
    )

"""Every SQL statement on certificates, settlements and receipts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.certificates.models import Certificate, CertificateSerial, Receipt, Settlement
from server.certificates.rules import CertificateState
from server.db.insert import insert_for
from server.db.replies import KeptReply

_S = CertificateState
RELEASED = (_S.VALID, _S.REVOKED, _S.SUPERSEDED)


async def next_serial(session: AsyncSession, issuer_code: str, year: int) -> int:
    """Take the next serial of an issuing authority and year: unique, and without gaps."""
    kept = CertificateSerial
    insert = insert_for(session, kept).values(issuer_code=issuer_code, year=year, last=1)
    statement = insert.on_conflict_do_update(
        index_elements=["issuer_code", "year"], set_={"last": kept.last + 1}
    ).returning(kept.last)
    return (await session.execute(statement)).scalar_one()


async def kept_fingerprint(session: AsyncSession, owner: str) -> str | None:
    """Return what was asked under an Idempotency-Key before."""
    statement = select(KeptReply.fingerprint).where(KeptReply.owner == owner)
    return (await session.scalars(statement)).one_or_none()


async def find_live(session: AsyncSession, case_id: str, kind: str) -> Certificate | None:
    """Return the certificate of a case and kind that is reserved or valid."""
    statement = select(Certificate).where(
        Certificate.case_id == case_id,
        Certificate.kind == kind,
        Certificate.state.in_([_S.RESERVED, _S.VALID]),
    )
    return (await session.scalars(statement)).one_or_none()


async def take_anew(
    session: AsyncSession, certificate_id: str, attempt: int, values: Mapping[str, object]
) -> bool:
    """Write a reserved certificate's facts anew, unless it is released or another did; say so."""
    statement = (
        update(Certificate)
        .where(
            Certificate.id == certificate_id,
            Certificate.state == _S.RESERVED,
            Certificate.attempt == attempt,
        )
        .values(**values, attempt=attempt + 1)
        .returning(Certificate.id)
    )
    return (await session.execute(statement)).one_or_none() is not None


async def release(
    session: AsyncSession, certificate_id: str, attempt: int, values: Mapping[str, object]
) -> bool:
    """Make a reserved certificate valid, if its facts are still those that were drawn; say so.

    The state is part of the WHERE clause: of two who finish at once, the database lets one
    through.
    """
    statement = (
        update(Certificate)
        .where(
            Certificate.id == certificate_id,
            Certificate.state == _S.RESERVED,
            Certificate.attempt == attempt,
        )
        .values(**values, state=_S.VALID)
        .returning(Certificate.id)
    )
    return (await session.execute(statement)).one_or_none() is not None


async def revoke(session: AsyncSession, certificate_id: str, values: Mapping[str, object]) -> bool:
    """Revoke a valid certificate; say whether it was one."""
    statement = (
        update(Certificate)
        .where(Certificate.id == certificate_id, Certificate.state == _S.VALID)
        .values(**values, state=_S.REVOKED)
        .returning(Certificate.id)
    )
    return (await session.execute(statement)).one_or_none() is not None


async def find(session: AsyncSession, certificate_id: str) -> Certificate | None:
    """Return a certificate that is released; a reserved one is shown to nobody."""
    found = await session.get(Certificate, certificate_id, populate_existing=True)
    return None if found is None or found.state is _S.RESERVED else found


async def find_any(session: AsyncSession, certificate_id: str) -> Certificate | None:
    """Return a certificate in whatever state: for who issues it."""
    return await session.get(Certificate, certificate_id, populate_existing=True)


async def find_by_number(session: AsyncSession, number: str) -> Certificate | None:
    """Return the released certificate of a number."""
    statement = select(Certificate).where(
        Certificate.number == number, Certificate.state.in_(RELEASED)
    )
    return (await session.scalars(statement)).one_or_none()


async def find_by_sha256(session: AsyncSession, sha256: str) -> Certificate | None:
    """Return the released certificate whose file has this SHA-256."""
    statement = select(Certificate).where(
        Certificate.sha256 == sha256, Certificate.state.in_(RELEASED)
    )
    return (await session.scalars(statement)).one_or_none()


async def list_released(session: AsyncSession, case_id: str) -> Sequence[Certificate]:
    """Return a case's certificates, oldest first."""
    statement = (
        select(Certificate)
        .where(Certificate.case_id == case_id, Certificate.state.in_(RELEASED))
        .order_by(Certificate.issued_at, Certificate.id)
    )
    return (await session.scalars(statement)).all()


async def find_settlement(session: AsyncSession, case_id: str) -> Settlement | None:
    """Return a case's settlement."""
    return await session.get(Settlement, case_id, populate_existing=True)


async def list_receipts(session: AsyncSession, certificate_ids: Sequence[str]) -> Sequence[Receipt]:
    """Return the usage receipts of these certificates, oldest first."""
    statement = (
        select(Receipt)
        .where(Receipt.certificate_id.in_(certificate_ids))
        .order_by(Receipt.at, Receipt.id)
    )
    return (await session.scalars(statement)).all()

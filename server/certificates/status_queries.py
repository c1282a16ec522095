"""Every SQL statement on status lists."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.certificates.models import Certificate, CertificateSerial, StatusList
from server.certificates.rules import CertificateState
from server.db.insert import insert_for

PAGE = 1000


async def changes_of(session: AsyncSession, issuer_code: str, year: int) -> int | None:
    """Return how often certificates of an issuer and year came to stand otherwise.

    None where no number was ever given out.
    """
    found = await session.get(CertificateSerial, (issuer_code, year), populate_existing=True)
    return None if found is None else found.changes


async def places(session: AsyncSession, most: int) -> Sequence[CertificateSerial]:
    """Return whose numbers were given out in which years, the newest years first."""
    statement = (
        select(CertificateSerial)
        .order_by(CertificateSerial.year.desc(), CertificateSerial.issuer_code)
        .limit(most)
    )
    return (await session.scalars(statement)).all()


async def find_list(session: AsyncSession, issuer_code: str, year: int) -> StatusList | None:
    """Return the list that was published last."""
    return await session.get(StatusList, (issuer_code, year), populate_existing=True)


async def version_of(session: AsyncSession, issuer_code: str, year: int) -> int:
    """Return the version of the list that was published last; 0 if none was."""
    statement = select(StatusList.version).where(
        StatusList.issuer_code == issuer_code, StatusList.year == year
    )
    return (await session.scalars(statement)).one_or_none() or 0


async def publish(session: AsyncSession, one: StatusList, before: int | None) -> bool:
    """Keep a list in the place of the version `before` (None: of none); say whether we did.

    That version is part of the WHERE clause: of two who sign a list at once, the database keeps
    one.
    """
    values = {
        name: getattr(one, name)
        for name in ("version", "changes", "issued_at", "expires_at", "content")
    }
    if before is None:
        insert = insert_for(session, StatusList).values(
            issuer_code=one.issuer_code, year=one.year, **values
        )
        first = insert.on_conflict_do_nothing().returning(StatusList.version)
        return (await session.execute(first)).one_or_none() is not None
    statement = (
        update(StatusList)
        .where(
            StatusList.issuer_code == one.issuer_code,
            StatusList.year == one.year,
            StatusList.version == before,
        )
        .values(**values)
        .returning(StatusList.version)
    )
    return (await session.execute(statement)).one_or_none() is not None


async def standings(
    session: AsyncSession, issuer_code: str, year: int
) -> AsyncIterator[tuple[int, CertificateState]]:
    """Yield serial and state of every released certificate of an issuer and year."""
    after = 0
    while True:
        statement = (
            select(Certificate.serial, Certificate.state)
            .where(
                Certificate.issuer_code == issuer_code,
                Certificate.year == year,
                Certificate.serial > after,
            )
            .order_by(Certificate.serial)
            .limit(PAGE)
        )
        page = (await session.execute(statement)).all()
        for row in page:
            if row.state is not CertificateState.RESERVED:
                yield row.serial, row.state
        if len(page) < PAGE:
            return
        after = page[-1].serial

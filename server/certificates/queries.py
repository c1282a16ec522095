"""Every SQL statement on certificates, their use, and what undoes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, Executable, Row, Select, exists, false, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from server.access import Actor, Role, places_of
from server.cases.models import Case
from server.certificates.models import (
    Certificate,
    CertificateSerial,
    Recall,
    Receipt,
    RevocationRequest,
    Settlement,
)
from server.certificates.rules import CertificateState, RequestState
from server.db.insert import insert_for, insert_unless_kept
from server.db.replies import KeptReply

_S = CertificateState
RELEASED = (_S.VALID, _S.REVOKED, _S.SUPERSEDED)
MOST = 500
_Successor = aliased(Certificate)
# A recall, its certificate and case, what was settled, and the number of the successor.
Recalled = tuple[Recall, Certificate, Case, Settlement, str | None]


async def next_serial(session: AsyncSession, issuer_code: str, year: int) -> int:
    """Take the next serial of an issuing authority and year: unique, and without gaps."""
    kept = CertificateSerial
    insert = insert_for(session, kept).values(issuer_code=issuer_code, year=year, last=1, changes=0)
    statement = insert.on_conflict_do_update(
        index_elements=["issuer_code", "year"], set_={"last": kept.last + 1}
    ).returning(kept.last)
    return (await session.execute(statement)).scalar_one()


async def kept_fingerprint(session: AsyncSession, owner: str) -> str | None:
    """Return what was asked under an Idempotency-Key before."""
    statement = select(KeptReply.fingerprint).where(KeptReply.owner == owner)
    return (await session.scalars(statement)).one_or_none()


async def find_valid(session: AsyncSession, case_id: str, kind: str) -> Certificate | None:
    """Return the certificate of a case and kind that counts."""
    return await _find_in(session, case_id, kind, _S.VALID)


async def has_valid(session: AsyncSession, case_id: str) -> bool:
    """Say whether a certificate of a case counts, of whatever kind."""
    valid = exists().where(Certificate.case_id == case_id, Certificate.state == _S.VALID)
    return bool(await session.scalar(select(valid)))


async def find_reserved(session: AsyncSession, case_id: str, kind: str) -> Certificate | None:
    """Return the certificate of a case and kind that is on its way."""
    return await _find_in(session, case_id, kind, _S.RESERVED)


async def _find_in(
    session: AsyncSession, case_id: str, kind: str, state: CertificateState
) -> Certificate | None:
    statement = select(Certificate).where(
        Certificate.case_id == case_id, Certificate.kind == kind, Certificate.state == state
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
        .returning(Certificate.issuer_code, Certificate.year)
    )
    return await _stands_otherwise(session, statement)


async def revoke(session: AsyncSession, certificate_id: str, values: Mapping[str, object]) -> bool:
    """Revoke a valid certificate; say whether it was one."""
    statement = (
        update(Certificate)
        .where(Certificate.id == certificate_id, Certificate.state == _S.VALID)
        .values(**values, state=_S.REVOKED)
        .returning(Certificate.issuer_code, Certificate.year)
    )
    return await _stands_otherwise(session, statement)


async def supersede(
    session: AsyncSession, certificate_id: str, values: Mapping[str, object]
) -> bool:
    """Supersede a valid certificate that nobody has asked to revoke; say whether it was one."""
    asked = exists().where(
        RevocationRequest.certificate_id == Certificate.id,
        RevocationRequest.state == RequestState.OPEN,
    )
    statement = (
        update(Certificate)
        .where(Certificate.id == certificate_id, Certificate.state == _S.VALID, ~asked)
        .values(**values, state=_S.SUPERSEDED)
        .returning(Certificate.issuer_code, Certificate.year)
    )
    return await _stands_otherwise(session, statement)


async def _stands_otherwise(session: AsyncSession, statement: Executable) -> bool:
    """Let a certificate stand otherwise, and count that for its issuer's status list; say so."""
    moved = (await session.execute(statement)).one_or_none()
    if moved is None:
        return False
    kept = CertificateSerial
    await session.execute(
        update(kept)
        .where(kept.issuer_code == moved[0], kept.year == moved[1])
        .values(changes=kept.changes + 1)
    )
    return True


async def line_of(session: AsyncSession, row: Certificate) -> list[str]:
    """Return the ids of a certificate and of those in whose place it stands, the newest first."""
    line, before = [row.id], row.supersedes
    while before is not None:
        line.append(before)
        statement = select(Certificate.supersedes).where(Certificate.id == before)
        before = (await session.execute(statement)).scalar_one()
    return line


async def numbers_of(session: AsyncSession, certificate_ids: Sequence[str]) -> dict[str, str]:
    """Return the numbers of certificates by their ids."""
    statement = select(Certificate.id, Certificate.number).where(
        Certificate.id.in_(certificate_ids)
    )
    return {row.id: row.number for row in await session.execute(statement)}


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
        .order_by(Certificate.issued_at, Certificate.serial, Certificate.id)
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


async def ask_revocation(session: AsyncSession, request: RevocationRequest) -> bool:
    """Keep a request to revoke, unless one is open for that certificate; say whether we did."""
    return await insert_unless_kept(session, request)


async def find_request(session: AsyncSession, request_id: str) -> RevocationRequest | None:
    """Return a request to revoke as it is now."""
    return await session.get(RevocationRequest, request_id, populate_existing=True)


async def open_requests(
    session: AsyncSession, certificate_ids: Sequence[str]
) -> Sequence[RevocationRequest]:
    """Return the open requests to revoke these certificates."""
    statement = select(RevocationRequest).where(
        RevocationRequest.certificate_id.in_(certificate_ids),
        RevocationRequest.state == RequestState.OPEN,
    )
    return (await session.scalars(statement)).all()


async def requests_for(
    session: AsyncSession, actor: Actor
) -> Sequence[tuple[RevocationRequest, Certificate, Case]]:
    """Return the open requests of the actor's jurisdiction, oldest first."""
    statement = (
        select(RevocationRequest, Certificate, Case)
        .join(Certificate, Certificate.id == RevocationRequest.certificate_id)
        .join(Case, Case.id == RevocationRequest.case_id)
        .where(RevocationRequest.state == RequestState.OPEN, of_jurisdiction(actor))
        .order_by(RevocationRequest.asked_at, RevocationRequest.id)
        .limit(MOST)
    )
    return [(row[0], row[1], row[2]) for row in await session.execute(statement)]


async def decide_request(
    session: AsyncSession, request_id: str, by: str, values: Mapping[str, object]
) -> bool:
    """Close an open request that somebody else made; say whether it was one.

    State and author are part of the WHERE clause: of two decisions at once, or a decision and a
    withdrawal, the database lets one through, and nobody decides on their own.
    """
    return await _close(session, request_id, RevocationRequest.asked_by != by, by, values)


async def withdraw_request(
    session: AsyncSession, request_id: str, by: str, values: Mapping[str, object]
) -> bool:
    """Close an open request of the actor's own; say whether it was one."""
    return await _close(session, request_id, RevocationRequest.asked_by == by, by, values)


async def _close(
    session: AsyncSession,
    request_id: str,
    whose: ColumnElement[bool],
    by: str,
    values: Mapping[str, object],
) -> bool:
    statement = (
        update(RevocationRequest)
        .where(
            RevocationRequest.id == request_id,
            RevocationRequest.state == RequestState.OPEN,
            whose,
        )
        .values(**values, closed_by=by)
        .returning(RevocationRequest.id)
    )
    return (await session.execute(statement)).one_or_none() is not None


async def find_recall(session: AsyncSession, recall_id: str) -> Recalled | None:
    """Return a recall with all that is told of it."""
    found = (await session.execute(_recalled().where(Recall.id == recall_id))).one_or_none()
    return None if found is None else _whole(found)


async def recalls_of(session: AsyncSession, certificate_ids: Sequence[str]) -> list[Recalled]:
    """Return the recalls of these certificates, answered ones too."""
    statement = _recalled().where(Recall.certificate_id.in_(certificate_ids))
    return [_whole(row) for row in await session.execute(statement)]


async def open_recalls_for(session: AsyncSession, actor: Actor) -> list[Recalled]:
    """Return the recalls without an answer that the actor's hall or region is concerned with."""
    concerned = [of_jurisdiction(actor)]
    if Role.COUNTER in actor.roles and actor.hall:
        concerned.append(Recall.hall == actor.hall)
    if Role.SUPERVISOR in actor.roles and actor.region:
        concerned.append(Case.counter_region.startswith(places_of(actor.region), autoescape=True))
    statement = _recalled().where(Recall.acknowledged_at.is_(None), or_(*concerned)).limit(MOST)
    return [_whole(row) for row in await session.execute(statement)]


async def acknowledge(session: AsyncSession, recall_id: str, values: Mapping[str, object]) -> bool:
    """Keep a hall's answer, unless it has given one; say whether we did."""
    statement = (
        update(Recall)
        .where(Recall.id == recall_id, Recall.acknowledged_at.is_(None))
        .values(**values)
        .returning(Recall.id)
    )
    return (await session.execute(statement)).one_or_none() is not None


def _whole(row: Row[Recall, Certificate, Case, Settlement, str]) -> Recalled:
    return row[0], row[1], row[2], row[3], row[4]


def _recalled() -> Select[Recall, Certificate, Case, Settlement, str]:
    return (
        select(Recall, Certificate, Case, Settlement, _Successor.number)
        .join(Certificate, Certificate.id == Recall.certificate_id)
        .join(Case, Case.id == Recall.case_id)
        .join(Settlement, Settlement.case_id == Recall.case_id)
        .outerjoin(_Successor, _Successor.id == Certificate.superseded_by)
        .order_by(Recall.made_at, Recall.id)
    )


def of_jurisdiction(actor: Actor) -> ColumnElement[bool]:
    """Say that a case is one of the jurisdictions that the actor acts for or sees to."""
    if not actor.region:
        return false()
    if Role.SUPERVISOR in actor.roles:
        return Case.jurisdiction.startswith(places_of(actor.region), autoescape=True)
    if Role.AGENT in actor.roles:
        return Case.jurisdiction == actor.region
    return false()

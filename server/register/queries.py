"""Every SQL statement on the register."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Actor, Role, places_of
from server.cases.models import Case, CaseEvent
from server.certificates.models import Certificate, Recall, Receipt
from server.certificates.queries import RELEASED
from server.certificates.rules import CertificateState
from server.register.models import Copy
from server.register.rules import Standing

PAGE = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for, in the forms in which it is kept; `person` is a blind index."""

    today: date
    number: str = ""
    issuer: str = ""
    kind: str = ""
    standing: Standing | None = None
    since: datetime | None = None
    until: datetime | None = None
    issued_by: str = ""
    person: str = ""


class Tally(NamedTuple):
    """How often a certificate was copied and relied on, and how many halls have not answered."""

    copies: int = 0
    receipts: int = 0
    open_recalls: int = 0


async def find(
    session: AsyncSession, actor: Actor, wanted: Wanted, *,
    after: tuple[datetime, str] | None = None,
) -> list[tuple[Certificate, Case]]:  # fmt: skip
    """Return the newest certificates that the actor may see and that are wanted, with their cases.

    `after` is the last one of the page before: a certificate that is issued meanwhile moves none.
    """
    statement = (
        select(Certificate, Case)
        .join(Case, Case.id == Certificate.case_id)
        .where(*_conditions(actor, wanted))
        .order_by(Certificate.issued_at.desc(), Certificate.id.desc())
        .limit(PAGE + 1)
    )
    if after is not None:
        at, row_id = after
        older = Certificate.issued_at < at
        beside = and_(Certificate.issued_at == at, Certificate.id < row_id)
        statement = statement.where(or_(older, beside))
    return [(row[0], row[1]) for row in await session.execute(statement)]


async def count(session: AsyncSession, actor: Actor, wanted: Wanted) -> int:
    """Return how many certificates that the actor may see are wanted."""
    statement = select(func.count(Certificate.id)).where(*_conditions(actor, wanted))
    return (await session.execute(statement)).scalar_one()


async def find_one(
    session: AsyncSession, actor: Actor, certificate_id: str
) -> tuple[Certificate, Case] | None:
    """Return a certificate that the actor may see, with its case."""
    statement = (
        select(Certificate, Case)
        .join(Case, Case.id == Certificate.case_id)
        .where(Certificate.id == certificate_id, Certificate.state.in_(RELEASED), _seen_by(actor))
        .execution_options(populate_existing=True)
    )
    found = (await session.execute(statement)).one_or_none()
    return None if found is None else (found[0], found[1])


async def tallies(session: AsyncSession, ids: Sequence[str]) -> dict[str, Tally]:
    """Return what is counted of each certificate of a page."""
    copies = await _counted(session, ids, Copy.certificate_id)
    receipts = await _counted(session, ids, Receipt.certificate_id)
    waiting = await _counted(session, ids, Recall.certificate_id, Recall.acknowledged_at.is_(None))
    return {
        one: Tally(copies.get(one, 0), receipts.get(one, 0), waiting.get(one, 0)) for one in ids
    }


async def next_copy(session: AsyncSession, certificate_id: str) -> int:
    """Return the number of a certificate's next copy; the case's lock keeps it from others."""
    statement = select(func.max(Copy.number)).where(Copy.certificate_id == certificate_id)
    return ((await session.execute(statement)).scalar_one() or 0) + 1


async def copies_of(session: AsyncSession, certificate_id: str) -> Sequence[Copy]:
    """Return a certificate's copies, the first one first."""
    statement = select(Copy).where(Copy.certificate_id == certificate_id).order_by(Copy.number)
    return (await session.scalars(statement)).all()


async def events_of(
    session: AsyncSession, case_id: str, kinds: Sequence[str]
) -> Sequence[CaseEvent]:
    """Return a case's events of these kinds, oldest first."""
    statement = (
        select(CaseEvent)
        .where(CaseEvent.case_id == case_id, CaseEvent.kind.in_(kinds))
        .order_by(CaseEvent.seq)
    )
    return (await session.scalars(statement)).all()


async def _counted(
    session: AsyncSession, ids: Sequence[str], column: Any, *conditions: ColumnElement[bool]  # noqa: ANN401 (a mapped column of whichever table)
) -> dict[str, int]:  # fmt: skip
    statement: Select[str, int] = (
        select(column, func.count()).where(column.in_(ids), *conditions).group_by(column)
    )
    return {row[0]: row[1] for row in await session.execute(statement)}


def _conditions(actor: Actor, wanted: Wanted) -> list[ColumnElement[bool]]:
    row = Certificate
    found = [row.state.in_(RELEASED), _seen_by(actor)]
    parts = (
        (row.number, wanted.number),
        (row.issuer, wanted.issuer),
        (row.issued_by_name, wanted.issued_by),
    )
    found += [column.contains(part, autoescape=True) for column, part in parts if part]
    if wanted.kind:
        found.append(row.kind == wanted.kind)
    if wanted.since is not None:
        found.append(row.issued_at >= wanted.since)
    if wanted.until is not None:
        found.append(row.issued_at < wanted.until)
    if wanted.person:
        found.append(row.case_id.in_(_cases_of(wanted.person)))
    if wanted.standing is not None:
        found.append(_stands(wanted.standing, wanted.today))
    return found


def _cases_of(person: str) -> Select[str]:
    return select(Case.id).where(Case.applicant_index == person)


def _stands(standing: Standing, today: date) -> ColumnElement[bool]:
    valid = Certificate.state == CertificateState.VALID
    match standing:
        case Standing.VALID:
            lasts = or_(Certificate.valid_until.is_(None), Certificate.valid_until >= today)
            return and_(valid, lasts)
        case Standing.EXPIRED:
            return and_(valid, Certificate.valid_until < today)
        case Standing.REVOKED:
            return Certificate.state == CertificateState.REVOKED
        case Standing.SUPERSEDED:
            return Certificate.state == CertificateState.SUPERSEDED


def _seen_by(actor: Actor) -> ColumnElement[bool]:
    """Say that the actor may see a line: theirs who issue it, and theirs whose hall relied on it.

    Agents see what their own region has issued; supervisors what their region, or any place of
    their province, has issued or has settled with.
    """
    if not actor.region:
        return false()
    if Role.SUPERVISOR in actor.roles:
        places = places_of(actor.region)
        relied = exists().where(
            Receipt.certificate_id == Certificate.id,
            Receipt.region.startswith(places, autoescape=True),
        )
        return or_(Certificate.jurisdiction.startswith(places, autoescape=True), relied)
    if Role.AGENT in actor.roles:
        return Certificate.jurisdiction == actor.region
    return false()

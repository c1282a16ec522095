"""Every SQL statement of the audit; it reads whole tables, in pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from server.calls.models import Call, Seat
from server.calls.rules import CallState, SeatSide
from server.cases.models import Case, CaseEvent, CaseSerial
from server.cases.rules import CaseState
from server.certificates.models import (
    Certificate,
    CertificateSerial,
    Recall,
    Receipt,
    Settlement,
)
from server.certificates.rules import CertificateState
from server.db.base import Base
from server.recordings.models import Recording
from server.tickets.models import Ticket
from server.tickets.rules import TicketState

PAGE = 500
Row = TypeVar("Row", bound=Base)


async def every(
    session: AsyncSession, table: type[Row], key: InstrumentedAttribute[str]
) -> AsyncIterator[Row]:
    """Yield every row of a table in the order of its key."""
    after = ""
    while True:
        rows = (
            await session.scalars(select(table).where(key > after).order_by(key).limit(PAGE))
        ).all()
        for row in rows:
            yield row
        if len(rows) < PAGE:
            return
        after = getattr(rows[-1], key.key)
        session.expunge_all()


async def event_at(session: AsyncSession, case_id: str, seq: int) -> CaseEvent | None:
    """Return one event of a case's log."""
    statement = select(CaseEvent).where(CaseEvent.case_id == case_id, CaseEvent.seq == seq)
    return (await session.scalars(statement)).one_or_none()


async def issued_events(
    session: AsyncSession, case_id: str, certificate_id: str
) -> list[CaseEvent]:
    """Return the events that say that a certificate was issued."""
    return await _about(session, case_id, "certificate.issued", "certificate_id", certificate_id)


async def logged_copies(session: AsyncSession, row: Certificate) -> list[int]:
    """Return the numbers of a certificate's copies as its case's log has them."""
    events = await _about(session, row.case_id, "certificate.copied", "certificate_id", row.id)
    return sorted(int(event.data["copy"]) for event in events)


async def falls_of(session: AsyncSession, case_id: str, certificate_id: str) -> list[str]:
    """Return what a case's log says of how a certificate came to count no more."""
    kinds = ("certificate.revoked", "certificate.superseded")
    return [
        event.kind.removeprefix("certificate.")
        for kind in kinds
        for event in await _about(session, case_id, kind, "certificate_id", certificate_id)
    ]


async def approvals_of(session: AsyncSession, case_id: str, review_id: str) -> list[CaseEvent]:
    """Return the events that say that a second clerk approved what was to be issued."""
    return await _about(session, case_id, "review.approved", "review_id", review_id)


async def has_material_event(session: AsyncSession, case_id: str, material_id: str) -> bool:
    """Say whether a case's log knows of a material."""
    return bool(await _about(session, case_id, "material.added", "material_id", material_id))


async def logged_chunks(
    session: AsyncSession, case_id: str, recording_id: str
) -> dict[int, list[str]]:
    """Return by their numbers the hashes that a case's log has of a recording's chunks."""
    found: dict[int, list[str]] = {}
    for event in await _about(session, case_id, "recording.chunk", "recording_id", recording_id):
        found.setdefault(int(event.data["number"]), []).append(str(event.data["sha256"]))
    return found


async def logged_films(session: AsyncSession, case_id: str, export_id: str) -> list[str]:
    """Return the hashes that a case's log has of an export's film."""
    events = await _about(session, case_id, "export.finished", "export_id", export_id)
    return [str(event.data["sha256"]) for event in events]


async def is_purged(session: AsyncSession, part: Recording) -> bool:
    """Say whether a case's log knows that a recording was purged."""
    return bool(await _about(session, part.case_id, "recording.purged", "recording_id", part.id))


async def _about(
    session: AsyncSession, case_id: str, kind: str, name: str, value: str
) -> list[CaseEvent]:
    statement = select(CaseEvent).where(CaseEvent.case_id == case_id, CaseEvent.kind == kind)
    return [
        event for event in (await session.scalars(statement)).all() if event.data[name] == value
    ]


async def settlement_of(session: AsyncSession, case_id: str) -> Settlement | None:
    """Return a case's settlement."""
    return await session.get(Settlement, case_id)


async def released_of(session: AsyncSession, case_id: str) -> Sequence[Certificate]:
    """Return the certificates of a case that were ever released."""
    statement = select(Certificate).where(
        Certificate.case_id == case_id, Certificate.state != CertificateState.RESERVED
    )
    return (await session.scalars(statement)).all()


async def has_receipt(session: AsyncSession, case_id: str, certificate_id: str) -> bool:
    """Say whether the issuer was told of a certificate's use in a case."""
    statement = select(Receipt.id).where(
        Receipt.case_id == case_id, Receipt.certificate_id == certificate_id
    )
    return (await session.scalars(statement)).one_or_none() is not None


async def is_recalled(session: AsyncSession, case_id: str, certificate_id: str) -> bool:
    """Say whether the hall was told that a certificate fell with which it had settled a case."""
    statement = select(Recall.id).where(
        Recall.case_id == case_id, Recall.certificate_id == certificate_id
    )
    return (await session.scalars(statement)).one_or_none() is not None


async def certificate_serials(session: AsyncSession) -> Sequence[CertificateSerial]:
    """Return the last serial per issuer and year."""
    return (await session.scalars(select(CertificateSerial))).all()


async def serials_of(session: AsyncSession, issuer_code: str, year: int) -> list[int]:
    """Return the serials that certificates of an issuer and year bear."""
    statement = select(Certificate.serial).where(
        Certificate.issuer_code == issuer_code, Certificate.year == year
    )
    return list((await session.scalars(statement)).all())


async def case_serials(session: AsyncSession) -> Sequence[CaseSerial]:
    """Return the last case serial per region and day."""
    return (await session.scalars(select(CaseSerial))).all()


async def case_numbers(session: AsyncSession, start: str) -> list[str]:
    """Return the case numbers that begin so."""
    statement = select(Case.number).where(Case.number.startswith(start, autoescape=True))
    return list((await session.scalars(statement)).all())


async def misplaced_cases(session: AsyncSession) -> list[tuple[str, str]]:
    """Return cases whose state and whose place in the line do not agree, and why."""
    in_line = _ticket(TicketState.WAITING, TicketState.OFFERED)
    served = _ticket(TicketState.SERVING)
    waiting, draft = Case.state == CaseState.WAITING, Case.state == CaseState.DRAFT
    found = []
    for condition, says in (
        (and_(waiting, ~in_line), "it waits without a ticket"),
        (and_(~waiting, in_line), "it has a place in line and does not wait"),
        (and_(draft, served), "a draft is being served"),
    ):
        statement = select(Case.number).where(condition).limit(PAGE)
        found += [(number, says) for number in (await session.scalars(statement)).all()]
    return found


async def misseated_cases(session: AsyncSession) -> list[tuple[str, str]]:
    """Return cases whose state, call and seats do not agree, and why."""
    live = exists().where(Call.case_id == Case.id, Call.state != CallState.ENDED)
    calm = Case.state.in_([CaseState.DRAFT, CaseState.WAITING, CaseState.WITHDRAWN])
    found = []
    for condition, says in (
        (and_(Case.state == CaseState.IN_CALL, ~live), "it is in a call that there is not"),
        (and_(calm, live), "it has a live call"),
    ):
        statement = select(Case.number).where(condition).limit(PAGE)
        found += [(number, says) for number in (await session.scalars(statement)).all()]
    statement = (
        select(Case.number)
        .join(Call, Call.case_id == Case.id)
        .where(Call.state != CallState.ENDED, ~_seats(SeatSide.LOCAL, SeatSide.REMOTE))
        .limit(PAGE)
    )
    found += [
        (number, "its call lacks a clerk's seat")
        for number in (await session.scalars(statement)).all()
    ]
    return found


def _ticket(*states: TicketState) -> ColumnElement[bool]:
    return exists().where(Ticket.case_id == Case.id, Ticket.state.in_(states))


def _seats(*sides: SeatSide) -> ColumnElement[bool]:
    """Say that a call has a seat on each of these sides."""
    statement = (
        select(func.count())
        .select_from(Seat)
        .where(Seat.call_id == Call.id, or_(*[Seat.side == side for side in sides]))
        .correlate(Call)
    )
    return statement.scalar_subquery() == len(sides)

"""Every SQL statement on the shared case."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, exists, false, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.cases.models import (
    Case,
    CaseEvent,
    CaseField,
    CaseSerial,
    Check,
    Consent,
    Material,
    MaterialTick,
)
from server.cases.rules import OVER, CaseState
from server.db.insert import insert_for

PAGE = 500


async def lock(session: AsyncSession, case_id: str) -> Case | None:
    """Take the case's row lock, which puts its commands in a line; None if there is no such case.

    Nothing is counted up yet: a command that finds nothing to do leaves no gap in the log.
    """
    statement = update(Case).where(Case.id == case_id).values(seq=Case.seq).returning(Case)
    return (
        await session.execute(statement, execution_options={"populate_existing": True})
    ).scalar_one_or_none()


async def find_case(session: AsyncSession, case_id: str) -> Case | None:
    """Return a case as it is now."""
    return await session.get(Case, case_id, populate_existing=True)


async def next_serial(session: AsyncSession, region: str, day: date) -> int:
    """Take the next number of a counter region and day: unique, and without gaps."""
    insert = insert_for(session, CaseSerial).values(region=region, day=day.isoformat(), last=1)
    statement = insert.on_conflict_do_update(
        index_elements=["region", "day"], set_={"last": CaseSerial.last + 1}
    ).returning(CaseSerial.last)
    return (await session.execute(statement)).scalar_one()


@dataclass(frozen=True, slots=True)
class Listing:
    """Which cases a list shows: those opened at home, and those sent to us."""

    regions: Sequence[str] = ()
    opened_by: str | None = None
    agent_id: str | None = None
    hall: str | None = None
    jurisdictions: Sequence[str] = ()
    state: CaseState | None = None
    open: bool = False
    before: datetime | None = None


async def list_cases(session: AsyncSession, listing: Listing, limit: int) -> Sequence[Case]:
    """Return the newest cases of a listing."""
    ways: list[ColumnElement[bool]] = []
    if listing.opened_by is not None:
        ways.append(Case.opened_by == listing.opened_by)
    if listing.agent_id is not None:
        ways.append(and_(Case.agent_id == listing.agent_id, Case.state != CaseState.DRAFT))
    if listing.hall is not None:
        ways.append(Case.counter_hall == listing.hall)
    if listing.jurisdictions:
        sent = Case.state != CaseState.DRAFT
        ways.append(and_(Case.jurisdiction.in_(listing.jurisdictions), sent))
    statement = select(Case).where(or_(false(), *ways))
    if listing.state is not None:
        statement = statement.where(Case.state == listing.state)
    if listing.open:
        statement = statement.where(Case.state.not_in(OVER))
    if listing.before is not None:
        statement = statement.where(Case.opened_at < listing.before)
    ordered = statement.order_by(Case.opened_at.desc(), Case.id).limit(limit)
    return (await session.scalars(ordered)).all()


async def events_after(session: AsyncSession, case_id: str, seq: int) -> Sequence[CaseEvent]:
    """Return the next events of a case's log, oldest first, at most PAGE."""
    statement = (
        select(CaseEvent)
        .where(CaseEvent.case_id == case_id, CaseEvent.seq > seq)
        .order_by(CaseEvent.seq)
        .limit(PAGE)
    )
    return (await session.scalars(statement)).all()


async def log_of(session: AsyncSession, case_id: str) -> AsyncIterator[CaseEvent]:
    """Yield all events of a case's log, oldest first."""
    after = 0
    while True:
        events = await events_after(session, case_id, after)
        for event in events:
            yield event
        if len(events) < PAGE:
            return
        after = events[-1].seq


async def last_event(session: AsyncSession, case_id: str, kind: str) -> CaseEvent | None:
    """Return the last event of one kind in a case's log."""
    statement = (
        select(CaseEvent)
        .where(CaseEvent.case_id == case_id, CaseEvent.kind == kind)
        .order_by(CaseEvent.seq.desc())
        .limit(1)
    )
    return (await session.scalars(statement)).one_or_none()


async def state_before_line(session: AsyncSession, case_id: str) -> CaseState:
    """Return what a waiting case was before it took its place: sent back to its counter, or new."""
    kinds = ("case.returned", "case.reopened")
    sent_back = exists().where(CaseEvent.case_id == case_id, CaseEvent.kind.in_(kinds))
    return CaseState.RETURNED if await session.scalar(select(sent_back)) else CaseState.DRAFT


async def list_fields(session: AsyncSession, case_id: str) -> Sequence[CaseField]:
    """Return the fields that were ever written."""
    return (
        await session.scalars(
            select(CaseField).where(CaseField.case_id == case_id).order_by(CaseField.name)
        )
    ).all()


async def find_field(session: AsyncSession, case_id: str, name: str) -> CaseField | None:
    """Return one field, if it was ever written."""
    return await session.get(CaseField, (case_id, name), populate_existing=True)


async def write_field(session: AsyncSession, field: CaseField, *, expected_version: int) -> bool:
    """Write a field, unless someone else has since; say whether we did.

    The version is part of the WHERE clause: of two clerks who write at once, the database lets
    one through.
    """
    values = {
        "version": field.version, "sealed": field.sealed, "by": field.by, "at": field.at,
    }  # fmt: skip
    if expected_version == 0:
        insert = insert_for(session, CaseField).values(
            case_id=field.case_id, name=field.name, **values
        )
        done = insert.on_conflict_do_nothing().returning(CaseField.version)
        return (await session.execute(done)).one_or_none() is not None
    statement = (
        update(CaseField)
        .where(
            CaseField.case_id == field.case_id,
            CaseField.name == field.name,
            CaseField.version == expected_version,
        )
        .values(**values)
        .returning(CaseField.version)
    )
    return (await session.execute(statement)).one_or_none() is not None


async def list_materials(session: AsyncSession, case_id: str) -> Sequence[Material]:
    """Return a case's materials, oldest first, removed ones too."""
    statement = (
        select(Material).where(Material.case_id == case_id).order_by(Material.at, Material.id)
    )
    return (await session.scalars(statement)).all()


async def find_material(session: AsyncSession, case_id: str, material_id: str) -> Material | None:
    """Return one material of this very case."""
    statement = select(Material).where(Material.id == material_id, Material.case_id == case_id)
    return (await session.scalars(statement)).one_or_none()


async def list_ticks(session: AsyncSession, material_ids: Sequence[str]) -> Sequence[MaterialTick]:
    """Return both sides' ticks on these materials."""
    statement = select(MaterialTick).where(MaterialTick.material_id.in_(material_ids))
    return (await session.scalars(statement)).all()


async def put_tick(session: AsyncSession, tick: MaterialTick) -> None:
    """Set one side's word on a material."""
    await session.merge(tick)


async def list_checks(session: AsyncSession, case_id: str) -> Sequence[Check]:
    """Return a case's checks, oldest first."""
    statement = select(Check).where(Check.case_id == case_id).order_by(Check.at, Check.id)
    return (await session.scalars(statement)).all()


async def find_consent(session: AsyncSession, case_id: str) -> Consent | None:
    """Return the citizen's consent, if it was ever asked for."""
    return await session.get(Consent, case_id, populate_existing=True)

"""Every SQL statement on paired screens, pick-up links, citizens' logins and ratings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from server.calls.models import Call
from server.calls.rules import CallState
from server.cases.models import Case, CaseEvent, Consent
from server.cases.record import UNSEEN
from server.cases.rules import CaseState, ConsentState
from server.citizens.models import CitizenLogin, DeviceLogin, Pairing, PickupLink, Rating
from server.citizens.rules import SHOWN_AFTER, STAYS, AtCounter
from server.db.insert import insert_for
from server.staff.models import Clerk

NEWEST = 20
STEPS = 500


async def forget_pairings(session: AsyncSession, now: datetime) -> None:
    """Drop the codes that ran out."""
    await session.execute(delete(Pairing).where(Pairing.expires_at <= now))


async def add_pairing(session: AsyncSession, pairing: Pairing) -> bool:
    """Keep a screen's code, unless another screen shows the same one now; say whether we did."""
    insert = insert_for(session, Pairing).values(
        id=pairing.id,
        token_hash=pairing.token_hash,
        code_index=pairing.code_index,
        expires_at=pairing.expires_at,
    )
    done = insert.on_conflict_do_nothing(index_elements=["code_index"]).returning(Pairing.id)
    return (await session.execute(done)).one_or_none() is not None


async def assign_pairing(
    session: AsyncSession, code_index: str, now: datetime, **counter: str
) -> bool:
    """Give the screen that shows a code to a counter, once and in time; say whether we did."""
    statement = (
        update(Pairing)
        .where(
            Pairing.code_index == code_index,
            Pairing.expires_at > now,
            Pairing.counter.is_(None),
        )
        .values(**counter)
        .returning(Pairing.id)
    )
    return (await session.execute(statement)).one_or_none() is not None


async def find_pairing(session: AsyncSession, token_hash: str, now: datetime) -> Pairing | None:
    """Return a pairing that has not run out."""
    statement = select(Pairing).where(Pairing.token_hash == token_hash, Pairing.expires_at > now)
    return (await session.scalars(statement)).one_or_none()


async def take_pairing(session: AsyncSession, token_hash: str, now: datetime) -> Pairing | None:
    """Take a pairing that a clerk has confirmed out of the table; None if there is none."""
    statement = (
        delete(Pairing)
        .where(
            Pairing.token_hash == token_hash,
            Pairing.expires_at > now,
            Pairing.counter.is_not(None),
        )
        .returning(Pairing)
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def end_devices(session: AsyncSession, counter: str, now: datetime) -> Sequence[str]:
    """End the logins of a counter's screens; return their ids."""
    statement = (
        update(DeviceLogin)
        .where(DeviceLogin.counter == counter, DeviceLogin.ended_at.is_(None))
        .values(ended_at=now)
        .returning(DeviceLogin.id)
    )
    return (await session.scalars(statement)).all()


async def find_device(session: AsyncSession, token_hash: str, now: datetime) -> DeviceLogin | None:
    """Return a screen's login that lives."""
    statement = select(DeviceLogin).where(
        DeviceLogin.token_hash == token_hash,
        DeviceLogin.ended_at.is_(None),
        DeviceLogin.expires_at > now,
    )
    return (await session.scalars(statement)).one_or_none()


async def find_citizen(
    session: AsyncSession, token_hash: str, now: datetime
) -> CitizenLogin | None:
    """Return a phone's login that lives."""
    statement = select(CitizenLogin).where(
        CitizenLogin.token_hash == token_hash,
        CitizenLogin.ended_at.is_(None),
        CitizenLogin.expires_at > now,
    )
    return (await session.scalars(statement)).one_or_none()


async def end_citizens(session: AsyncSession, case_id: str, now: datetime) -> Sequence[str]:
    """End every phone's login to a case; return their ids."""
    statement = (
        update(CitizenLogin)
        .where(CitizenLogin.case_id == case_id, CitizenLogin.ended_at.is_(None))
        .values(ended_at=now)
        .returning(CitizenLogin.id)
    )
    return (await session.scalars(statement)).all()


async def dead_logins(session: AsyncSession, ids: Sequence[str], now: datetime) -> set[str]:
    """Return which of these ids are logins of screens or phones that live no more."""
    found: set[str] = set()
    for table in (DeviceLogin, CitizenLogin):
        statement = select(table.id).where(
            table.id.in_(ids), or_(table.ended_at.is_not(None), table.expires_at <= now)
        )
        found.update((await session.scalars(statement)).all())
    return found


async def link_of(session: AsyncSession, link_id: str) -> PickupLink:
    """Return a link that is known to have been minted."""
    return await session.get_one(PickupLink, link_id)


async def use_link(session: AsyncSession, token_hash: str, now: datetime) -> PickupLink | None:
    """Use a link up and return it, unless it is used or too old.

    Both stand in the WHERE clause: of two who try at once, the database lets one through.
    """
    statement = (
        update(PickupLink)
        .where(
            PickupLink.token_hash == token_hash,
            PickupLink.used_at.is_(None),
            PickupLink.expires_at > now,
        )
        .values(used_at=now)
        .returning(PickupLink)
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def add_rating(session: AsyncSession, rating: Rating) -> bool:
    """Keep a case's rating, unless it has one; say whether we did."""
    insert = insert_for(session, Rating).values(
        case_id=rating.case_id,
        level=rating.level,
        sealed_remark=rating.sealed_remark,
        way=rating.way,
        at=rating.at,
        follow_up=rating.follow_up,
    )
    done = insert.on_conflict_do_nothing(index_elements=["case_id"]).returning(Rating.case_id)
    return (await session.execute(done)).one_or_none() is not None


async def find_rating(session: AsyncSession, case_id: str) -> Rating | None:
    """Return a case's rating."""
    return await session.get(Rating, case_id, populate_existing=True)


async def cases_at(session: AsyncSession, counter: str, now: datetime) -> list[AtCounter]:
    """Return the cases of a counter that the citizen may be there for, the last touched first.

    What is done on a case from afar, when its call is over, has not touched it here: the
    jurisdiction may correct a certificate, and the citizen rate on the phone, when somebody else
    stands at the counter. Nor has who looks at a recording later, or purges it.
    """
    has_call = exists().where(Call.case_id == Case.id, Call.state != CallState.ENDED)
    ended = aliased(CaseEvent)
    call_over = (
        select(func.max(ended.seq))
        .where(ended.case_id == CaseEvent.case_id, ended.kind == "call.ended")
        .correlate(CaseEvent)
        .scalar_subquery()
    )
    here = CaseEvent.actor["region"].as_string() == Case.counter_region
    touched_at = (
        select(func.max(CaseEvent.at))
        .where(
            CaseEvent.case_id == Case.id,
            CaseEvent.kind.not_in(UNSEEN),
            here | (CaseEvent.seq <= call_over),
        )
        .scalar_subquery()
    )
    statement = (
        select(Case.id, Case.state, Consent.state, Case.opened_at, touched_at, has_call)
        .outerjoin(Consent, Consent.case_id == Case.id)
        .where(
            Case.counter == counter,
            Case.state.in_(STAYS)
            | has_call
            | ((Case.state != CaseState.WITHDRAWN) & (Case.last_event_at > now - SHOWN_AFTER)),
        )
        .order_by(touched_at.desc())
        .limit(NEWEST)
    )
    rows = (await session.execute(statement)).all()
    return [
        AtCounter(case_id, state, consent or ConsentState.NONE, opened_at, touched_at, has_call)
        for case_id, state, consent, opened_at, touched_at, has_call in rows
    ]


async def list_steps(
    session: AsyncSession, case_id: str, kinds: Sequence[str]
) -> Sequence[CaseEvent]:
    """Return those events of a case's log that its citizen is told of, oldest first."""
    statement = (
        select(CaseEvent)
        .where(CaseEvent.case_id == case_id, CaseEvent.kind.in_(kinds))
        .order_by(CaseEvent.seq)
        .limit(STEPS)
    )
    return (await session.scalars(statement)).all()


async def hall_of(session: AsyncSession, clerk_id: str) -> str:
    """Return the hall that a clerk sits in, '' if none is known."""
    statement = select(Clerk.hall).where(Clerk.id == clerk_id)
    return (await session.scalars(statement)).one_or_none() or ""

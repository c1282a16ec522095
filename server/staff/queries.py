"""Every SQL statement about staff."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Row, and_, case, delete, literal, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from server.db.base import UtcTime
from server.db.insert import insert_for
from server.staff.models import Clerk, Login, SignInFailures
from server.staff.rules import (
    FAILURES_ALLOWED,
    FAILURES_REMEMBERED,
    LOCKED_FOR,
    LOGIN_IDLES,
    SEEN_STEP,
    EndReason,
)

PAGE = 1000


async def find_clerk(session: AsyncSession, name: str) -> Clerk | None:
    """Return the account of that name."""
    return (await session.execute(select(Clerk).where(Clerk.name == name))).scalar_one_or_none()


async def clerks(session: AsyncSession) -> list[Clerk]:
    """Return every account by name."""
    found: list[Clerk] = []
    while True:
        after = found[-1].name if found else ""
        query = select(Clerk).where(Clerk.name > after).order_by(Clerk.name).limit(PAGE)
        page = (await session.execute(query)).scalars().all()
        found += page
        if len(page) < PAGE:
            return found


async def demo_names(session: AsyncSession) -> list[str]:
    """Return the names of at most PAGE demo accounts that can sign in."""
    query = select(Clerk.name).where(Clerk.demo, Clerk.active).order_by(Clerk.name).limit(PAGE)
    return list((await session.execute(query)).scalars())


async def count_attempt(session: AsyncSession, name_index: str, now: datetime) -> datetime | None:
    """Count an attempt as failed until it succeeds; return until when the name is locked, if so.

    Counted before the password is looked at: of any number of guesses at once, only so many as
    are allowed get that far.
    """
    kept = SignInFailures
    was_locked = kept.locked_until.is_not(None)
    last_allowed = and_(~was_locked, kept.failures + 1 >= FAILURES_ALLOWED)
    counted = await session.execute(
        insert_for(session, kept)
        .values(name_index=name_index, failures=1, locked_until=None, at=now)
        .on_conflict_do_update(
            index_elements=[kept.name_index],
            set_={
                "failures": case((was_locked, 1), else_=kept.failures + 1),
                "locked_until": case(
                    (last_allowed, literal(now + LOCKED_FOR, UtcTime())), else_=None
                ),
                "at": now,
            },
            where=or_(~was_locked, kept.locked_until <= now),
        )
        .returning(kept.failures)
    )
    if counted.one_or_none() is not None:
        await session.execute(delete(kept).where(kept.at < now - FAILURES_REMEMBERED))
        return None
    query = select(kept.locked_until).where(kept.name_index == name_index)
    return (await session.execute(query)).scalar_one()


async def forget_failures(session: AsyncSession, name_index: str) -> None:
    """Start counting anew."""
    await session.execute(delete(SignInFailures).where(SignInFailures.name_index == name_index))


async def add_clerk(session: AsyncSession, clerk: Clerk) -> bool:
    """Add an account; False, and the unit must be given up, if its name is taken."""
    session.add(clerk)
    try:
        await session.flush()
    except IntegrityError:
        return False
    return True


async def note_sign_in(session: AsyncSession, clerk: Clerk, now: datetime) -> bool:
    """Note a sign-in, unless the account was disabled or its password changed meanwhile.

    The row stays locked for the rest of the transaction, so that whoever ends the account's
    logins next sees the new one too.
    """
    noted = await session.execute(
        update(Clerk)
        .where(Clerk.id == clerk.id, Clerk.active, Clerk.password_hash == clerk.password_hash)
        .values(signed_in_at=now)
        .returning(Clerk.id)
    )
    return noted.one_or_none() is not None


async def disable(session: AsyncSession, name: str) -> str | None:
    """Close the account and return its id; None if there is none."""
    statement = update(Clerk).where(Clerk.name == name).values(active=False)
    return (await session.execute(statement.returning(Clerk.id))).scalar_one_or_none()


async def change_password(session: AsyncSession, name: str, password_hash: str) -> str | None:
    """Give the account another password and return its id; None if there is none."""
    statement = update(Clerk).where(Clerk.name == name).values(password_hash=password_hash)
    return (await session.execute(statement.returning(Clerk.id))).scalar_one_or_none()


async def find_login(
    session: AsyncSession, token_hash: str, now: datetime
) -> Row[Login, Clerk] | None:
    """Return the login of a token with its clerk, if it still lives."""
    query = (
        select(Login, Clerk)
        .join(Clerk, Clerk.id == Login.clerk_id)
        .where(Login.token_hash == token_hash, _lives(now))
    )
    return (await session.execute(query)).one_or_none()


async def find_signed_in(
    session: AsyncSession, clerk_id: str, now: datetime
) -> Row[Login, Clerk] | None:
    """Return a clerk's newest login that still lives, with the account as it is now."""
    query = (
        select(Login, Clerk)
        .join(Clerk, Clerk.id == Login.clerk_id)
        .where(Login.clerk_id == clerk_id, _lives(now))
        .order_by(Login.created_at.desc())
        .limit(1)
    )
    return (await session.execute(query)).one_or_none()


async def login_with_clerk(session: AsyncSession, login_id: str) -> Row[Login, Clerk] | None:
    """Return a login with its clerk, whether it lives or not."""
    query = select(Login, Clerk).join(Clerk, Clerk.id == Login.clerk_id).where(Login.id == login_id)
    return (await session.execute(query)).one_or_none()


async def dead_logins(session: AsyncSession, ids: Sequence[str], now: datetime) -> list[str]:
    """Return those of at most PAGE login ids which are staff's and no longer live."""
    query = (
        select(Login.id)
        .join(Clerk, Clerk.id == Login.clerk_id)
        .where(Login.id.in_(ids), ~_lives(now))
    )
    return list((await session.execute(query)).scalars())


async def touch_login(session: AsyncSession, login_id: str, now: datetime) -> None:
    """Note that a login is in use, unless that was noted a moment ago."""
    await session.execute(
        update(Login)
        .where(Login.id == login_id, Login.seen_at <= now - SEEN_STEP, Login.ended_at.is_(None))
        .values(seen_at=now)
    )


async def end_login(
    session: AsyncSession, login_id: str, reason: EndReason, now: datetime
) -> list[str]:
    """End one login; return its id unless it had ended before."""
    return await _end(session, Login.id == login_id, reason, now)


async def end_logins_of(
    session: AsyncSession, clerk_id: str, reason: EndReason, now: datetime
) -> list[str]:
    """End every login of a clerk that has not ended, and return their ids."""
    return await _end(session, Login.clerk_id == clerk_id, reason, now)


async def _end(
    session: AsyncSession, which: ColumnElement[bool], reason: EndReason, now: datetime
) -> list[str]:
    ended = await session.execute(
        update(Login)
        .where(which, Login.ended_at.is_(None))
        .values(ended_at=now, end_reason=reason)
        .returning(Login.id)
    )
    return list(ended.scalars())


def _lives(now: datetime) -> ColumnElement[bool]:
    return and_(
        Login.ended_at.is_(None),
        Login.expires_at > now,
        Login.seen_at > now - LOGIN_IDLES,
        Clerk.active,
    )

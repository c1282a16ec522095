"""INSERT … ON CONFLICT in the words of the database at hand."""

from __future__ import annotations

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from server.db.base import Base


def insert_for(session: AsyncSession, table: type[Base]) -> postgresql.Insert | sqlite.Insert:
    """Return an insert into `table` that knows on_conflict_do_update and …_do_nothing."""
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)

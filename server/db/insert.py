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


async def insert_unless_kept(session: AsyncSession, row: Base) -> bool:
    """Insert a row unless a unique index holds against it; say whether we did."""
    values = {column.name: getattr(row, column.name) for column in type(row).__table__.columns}
    insert = insert_for(session, type(row)).values(**values).on_conflict_do_nothing()
    made = await session.execute(insert.returning(*type(row).__mapper__.primary_key))
    return made.one_or_none() is not None

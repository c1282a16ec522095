"""How Alembic reaches the database: over the connection that server.db.schema gives it."""

from __future__ import annotations

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection

from server.db.base import Base, UtcTime


def render(kind: str, item: object, autogen_context: AutogenContext) -> str | Literal[False]:
    """Write our own column type by its name in new revisions."""
    if kind == "type" and isinstance(item, UtcTime):
        autogen_context.imports.add("from server.db.base import UtcTime")
        return "UtcTime()"
    return False


def run(connection: Connection) -> None:
    """Run the migrations in one transaction."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_item=render,
        compare_type=True,
        # SQLite cannot alter most of a table in place.
        render_as_batch=connection.dialect.name == "sqlite",
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])

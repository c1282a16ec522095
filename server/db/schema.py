"""The schema's revisions: bring a database to the newest, or say that it is not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from server.db.engine import connected, try_file
from server.errors import ToldError

NEWEST = "head"


class SchemaError(ToldError):
    """A database whose schema is not the newest; says of which installation, and what to do."""


def configure(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration, for a connection if it is to touch a database."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


async def upgrade(engine: AsyncEngine, revision: str = NEWEST) -> None:
    """Bring the schema up to `revision`, in one transaction."""
    await _run(engine, lambda config: command.upgrade(config, revision))


async def downgrade(engine: AsyncEngine, revision: str) -> None:
    """Bring the schema down to `revision`; "base" is an empty database."""
    await _run(engine, lambda config: command.downgrade(config, revision))


async def is_current(engine: AsyncEngine) -> bool:
    """Say whether the database's schema is the newest; DatabaseError if it does not answer."""
    newest = ScriptDirectory.from_config(configure()).get_current_head()
    async with connected(engine) as connection:
        found = await connection.run_sync(
            lambda sync: MigrationContext.configure(sync).get_current_revision()
        )
    return found == newest


async def require_newest(engine: AsyncEngine, data: Path) -> None:
    """SchemaError unless the schema is the newest; DatabaseError if the database does not answer.

    The data folder is named: a database that has no tables is often one of another folder.
    """
    await try_file(engine)
    if not await is_current(engine):
        expected = "the database's schema is not the newest: run `kuayu db upgrade`"
        raise SchemaError(f"{data}: {expected}")


async def _run(engine: AsyncEngine, work: Callable[[Config], None]) -> None:
    """Run revisions in one transaction.

    SQLite makes a table anew to take a constraint off it, and while that is done other tables
    refer to one that is not there: so references are looked at in the end, before the commit.
    """
    sqlite = engine.dialect.name == "sqlite"
    await try_file(engine)
    async with connected(engine) as connection:
        if sqlite:
            await connection.run_sync(_refer, "OFF")
        try:
            async with connection.begin():
                await connection.run_sync(lambda sync: work(configure(sync)))
                if sqlite:
                    await connection.run_sync(_require_references)
        finally:
            if sqlite:
                await connection.run_sync(_refer, "ON")


def _refer(connection: Connection, switch: str) -> None:
    """Switch the keeping of references, which SQLite does only outside a transaction."""
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA foreign_keys={switch}")
    cursor.close()


def _require_references(connection: Connection) -> None:
    broken = connection.execute(text("PRAGMA foreign_key_check")).first()
    if broken is not None:
        raise RuntimeError(f"a row of {broken[0]} refers to a row of {broken[2]} that is not there")

"""Real databases for tests: a fresh file or PostgreSQL database with every table in it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event

from server.db.base import Base
from server.db.engine import Database, open_database
from server.db.unit import Notice, Units
from tests.support.postgres import Cluster


@dataclass
class SetClock:
    """A clock that stands still until it is moved on."""

    now: datetime = datetime(2026, 11, 22, 4, 0, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **parts: float) -> None:
        """Move on by what timedelta takes."""
        self.now += timedelta(**parts)


@dataclass
class News:
    """Keeps what was published, in order."""

    notices: list[Notice] = field(default_factory=list)

    async def publish(self, notice: Notice) -> None:
        self.notices.append(notice)

    def events(self) -> list[tuple[str, str]]:
        """Room and event of each notice."""
        return [(notice.room, notice.event) for notice in self.notices]


def url_of(path: Path) -> str:
    """Return the address of a SQLite file."""
    return f"sqlite+aiosqlite:///{path}"


@dataclass
class Templates:
    """Databases with every table; each test has a copy, for making the tables takes longer."""

    folder: Path

    async def copy_sqlite(self, path: Path) -> str:
        """Put a database with every table that has been imported at `path`; return its URL."""
        template = self.folder / f"tables_{len(Base.metadata.tables)}.db"
        if not template.exists():
            await _make_tables(url_of(template))
        shutil.copyfile(template, path)
        return url_of(path)

    async def copy_postgres(self, cluster: Cluster) -> str:
        """Make a database with every table that has been imported; return its URL."""
        name = f"tables_{len(Base.metadata.tables)}"
        if name not in cluster.names:
            await _make_tables(await cluster.make_database(name))
        return await cluster.fresh_database(template=name)


async def _make_tables(url: str) -> None:
    async with opened(url) as database, database.writer.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """Open a database, and close it at the end."""
    database = open_database(url)
    try:
        yield database
    finally:
        await database.close()


def wait_patiently(database: Database) -> None:
    """Let other work on the machine fail no race; who stops each other for good still does."""
    if database.writer.dialect.name == "sqlite":
        return

    @event.listens_for(database.writer.sync_engine, "connect")
    def be_patient(connection: Any, _record: object) -> None:  # noqa: ANN401 (the driver's own)
        cursor = connection.cursor()
        for limit in ("lock", "statement", "idle_in_transaction_session"):
            cursor.execute(f"SET {limit}_timeout = '60s'")
        cursor.close()
        connection.commit()


def units_on(database: Database, news: News, clock: SetClock) -> Units:
    """Join units as app.py does, with news and a clock that a test can see."""
    return Units(database, news.publish, clock)

"""Real databases for tests: a fresh file or PostgreSQL database with every table in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from server.db.base import Base
from server.db.engine import Database, open_database
from server.db.unit import Notice, Units


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


@asynccontextmanager
async def with_tables(url: str) -> AsyncIterator[Database]:
    """Open a database, make every table that has been imported, and close it at the end."""
    database = open_database(url)
    try:
        async with database.writer.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        yield database
    finally:
        await database.close()


def units_on(database: Database, news: News, clock: SetClock) -> Units:
    """Join units as app.py does, with news and a clock that a test can see."""
    return Units(database, news.publish, clock)

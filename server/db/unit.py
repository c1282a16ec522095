"""One command, one transaction; its news goes out after the commit and only then."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from server.db.engine import Database

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return this moment by the server's clock, the only clock the service goes by."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Notice:
    """A piece of news for everyone in a room of a namespace."""

    room: str
    event: str
    data: Mapping[str, object]
    namespace: str = "/"


Publish = Callable[[Notice], Awaitable[None]]


@dataclass(slots=True)
class Unit:
    """What a verb works in: the session, the moment it happens at, and the news it makes."""

    session: AsyncSession
    now: datetime
    notices: list[Notice] = field(default_factory=list)
    urgent: list[Notice] = field(default_factory=list)

    def notify(
        self,
        room: str,
        event: str,
        data: Mapping[str, object],
        *,
        namespace: str = "/",
        urgent: bool = False,
    ) -> None:
        """Tell `room` of `event` once the transaction is committed; what is urgent goes first."""
        notices = self.urgent if urgent else self.notices
        notices.append(Notice(room, event, data, namespace))


@dataclass(frozen=True, slots=True)
class Units:
    """Opens units on one database; joined once, in app.py."""

    database: Database
    publish: Publish
    clock: Clock = utc_now

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Unit]:
        """Commit what the block did, then tell the rooms; on any error do neither."""
        async with self.database.write() as session, session.begin():
            # The first statement takes the writer's lock on SQLite, so that `now` is read in
            # the order in which the units happen.
            await session.connection()
            unit = Unit(session, self.clock())
            yield unit
            await session.flush()
        # Only now: who hears the news may act on it at once, and must find the row there.
        for notice in (*unit.urgent, *unit.notices):
            await self.publish(notice)

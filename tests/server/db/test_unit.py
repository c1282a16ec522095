from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, OperationalError

from server.db.engine import Database, open_database
from server.db.replies import KeptReply
from server.db.unit import Notice, Unit, Units, utc_now
from tests.support.database import News, SetClock, units_on

WRITERS = 5
ROUNDS = 40


def a_reply(owner: str, at: datetime) -> KeptReply:
    return KeptReply(owner=owner, fingerprint="f", answer="{}", at=at)


async def owners(database: Database) -> list[str]:
    async with database.reading() as session:
        query = select(KeptReply.owner).order_by(KeptReply.owner)
        return list((await session.execute(query)).scalars())


async def test_news_goes_out_when_the_row_is_there_for_everyone(
    either_database: Database, clock: SetClock
) -> None:
    found: list[tuple[Notice, list[str]]] = []

    async def look(notice: Notice) -> None:
        found.append((notice, await owners(either_database)))

    async with Units(either_database, look, clock).open() as unit:
        unit.session.add(a_reply("a", unit.now))
        unit.notify("queue:341522", "queue.changed", {"version": 1})
        unit.notify("queue:341522", "queue.changed", {"version": 2})
        await unit.session.flush()
        assert found == []
    assert found == [
        (Notice("queue:341522", "queue.changed", {"version": version}), ["a"]) for version in (1, 2)
    ]


async def test_urgent_news_goes_out_first(either_units: Units, news: News) -> None:
    async with either_units.open() as unit:
        unit.notify("queue:341522", "queue.changed", {"version": 1})
        unit.notify("clerk:li", "call.started", {}, urgent=True)
    assert [notice.event for notice in news.notices] == ["call.started", "queue.changed"]


async def test_an_error_leaves_neither_rows_nor_news(either_units: Units, news: News) -> None:
    async def fail() -> None:
        async with either_units.open() as unit:
            unit.session.add(a_reply("a", unit.now))
            await unit.session.flush()
            unit.notify("room", "queue.changed", {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert news.notices == []
    assert await owners(either_units.database) == []


async def test_a_commit_that_fails_makes_no_news(either_units: Units, news: News) -> None:
    async def add() -> None:
        async with either_units.open() as unit:
            unit.session.add(a_reply("a", unit.now))
            unit.notify("room", "queue.changed", {})

    await add()
    with pytest.raises(DBAPIError):
        await add()
    assert len(news.notices) == 1


async def test_a_unit_that_is_cancelled_leaves_nothing(either_units: Units, news: News) -> None:
    written = asyncio.Event()

    async def hang() -> None:
        async with either_units.open() as unit:
            unit.session.add(a_reply("a", unit.now))
            await unit.session.flush()
            unit.notify("room", "queue.changed", {})
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with either_units.open() as unit:
        unit.session.add(a_reply("b", unit.now))
    assert await owners(either_units.database) == ["b"]
    assert news.notices == []


async def test_the_moment_is_the_clocks_and_the_same_all_through(
    either_units: Units, clock: SetClock
) -> None:
    began = clock.now
    async with either_units.open() as unit:
        clock.advance(seconds=5)
        assert unit.now == began
    assert utc_now().tzinfo is UTC


async def test_a_unit_behind_another_has_a_later_moment(units: Units, clock: SetClock) -> None:
    order: list[datetime] = []
    inside = asyncio.Event()

    async def second() -> None:
        await inside.wait()
        async with units.open() as unit:
            order.append(unit.now)

    task = asyncio.create_task(second())
    async with units.open() as unit:
        inside.set()
        await asyncio.sleep(0)
        clock.advance(seconds=1)
        order.append(unit.now)
        unit.session.add(a_reply("a", unit.now))
        await unit.session.flush()
        clock.advance(seconds=1)
    await task
    assert order == sorted(order)
    assert order[0] < order[1]


@asynccontextmanager
async def tally(url: str) -> AsyncIterator[None]:
    database = open_database(url)
    async with database.writer.begin() as connection:
        await connection.execute(text("CREATE TABLE tally (number INTEGER)"))
        await connection.execute(text("INSERT INTO tally VALUES (0)"))
    yield
    async with database.reading() as session:
        found = (await session.execute(text("SELECT number FROM tally"))).scalar_one()
    await database.close()
    assert found == WRITERS * ROUNDS


async def count_up(unit: Unit) -> None:
    """Read first and write then: with plain BEGIN most of several writers fail at this."""
    for_update = "" if unit.session.get_bind().dialect.name == "sqlite" else " FOR UPDATE"
    query = text(f"SELECT number FROM tally{for_update}")
    number = (await unit.session.execute(query)).scalar_one()
    await unit.session.execute(text("UPDATE tally SET number = :new"), {"new": number + 1})


async def test_five_processes_that_write_at_once_all_get_through(
    database_url: str, news: News, clock: SetClock
) -> None:
    async def write() -> None:
        # Connections of its own, as another process would have.
        database = open_database(database_url)
        units = units_on(database, news, clock)
        try:
            for _ in range(ROUNDS):
                async with units.open() as unit:
                    await count_up(unit)
        finally:
            await database.close()

    async with tally(database_url):
        await asyncio.gather(*(write() for _ in range(WRITERS)))


async def test_a_hundred_units_at_once_in_one_process_all_get_through(
    either_units: Units,
) -> None:
    async def write(number: int) -> None:
        async with either_units.open() as unit:
            unit.session.add(a_reply(f"{number:03}", unit.now))

    await asyncio.gather(*(write(number) for number in range(100)))
    assert await owners(either_units.database) == [f"{number:03}" for number in range(100)]


async def test_readers_never_hold_the_writer_up(either_units: Units) -> None:
    # A reader that held it up would end only after it: the wait for the lock would fail.
    async with either_units.database.reading() as first, either_units.database.reading() as second:
        await first.execute(select(KeptReply))
        await second.execute(select(KeptReply))
        async with either_units.open() as unit:
            unit.session.add(a_reply("a", unit.now))
        # What was committed meanwhile is there at once: no reader keeps an old picture.
        assert len((await first.execute(select(KeptReply))).all()) == 1


async def test_readers_do_not_wait_for_a_writer(either_units: Units) -> None:
    async with either_units.open() as unit:
        unit.session.add(a_reply("a", unit.now))
        await unit.session.flush()
        assert await owners(either_units.database) == []


async def test_on_sqlite_a_reader_cannot_write(database: Database) -> None:
    async with database.reading() as session:
        with pytest.raises(OperationalError, match="readonly"):
            await session.execute(text("DELETE FROM kept_reply"))


async def test_sqlite_is_set_up_for_durability(database: Database) -> None:
    wanted: dict[str, object] = {"foreign_keys": 1, "trusted_schema": 0, "busy_timeout": 5000}
    if sqlite3.sqlite_version_info < (3, 51, 3):
        # The linked version can lose commits in WAL mode.
        wanted |= {"journal_mode": "truncate", "synchronous": 3}
    for engine in (database.writer, database.reader):
        async with engine.connect() as connection:
            found = {
                name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
                for name in wanted
            }
        assert found == wanted


async def test_an_error_does_not_say_what_the_statement_was_given(database_url: str) -> None:
    database = open_database(database_url)
    try:
        async with database.reading() as session:
            with pytest.raises(DBAPIError) as error:
                await session.execute(text("SELECT :name FROM nowhere"), {"name": "张三丰"})
    finally:
        await database.close()
    assert "张三丰" not in str(error.value)

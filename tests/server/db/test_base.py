from __future__ import annotations

import enum
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Column, MetaData, Table, insert, select
from sqlalchemy.exc import StatementError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from server.db.base import Base, UtcTime, new_id
from server.db.engine import Database, open_database

MOMENTS = Table("moment", MetaData(), Column("at", UtcTime()))
NOON = datetime(2026, 11, 22, 4, 0, 0, 123456, tzinfo=UTC)


class Colour(enum.StrEnum):
    RED = "dark_red"


class Apart(DeclarativeBase):
    """A base whose tables are in no schema of ours."""

    type_annotation_map = Base.type_annotation_map


class Paint(Apart):
    __tablename__ = "paint"

    id: Mapped[str] = mapped_column(primary_key=True)
    colour: Mapped[Colour]
    maybe: Mapped[Colour | None]


async def keep_and_read(connection: AsyncConnection, moment: datetime | None) -> datetime | None:
    await connection.run_sync(MOMENTS.create)
    await connection.execute(insert(MOMENTS).values(at=moment))
    found: datetime | None = (await connection.execute(select(MOMENTS.c.at))).scalar_one()
    return found


@pytest.mark.parametrize(
    "moment",
    [
        NOON,
        NOON.astimezone(timezone(timedelta(hours=8))),
        NOON.astimezone(timezone(timedelta(hours=-11, minutes=-30))),
    ],
)
async def test_an_instant_comes_back_in_utc_to_the_microsecond(
    database_url: str, moment: datetime
) -> None:
    database = open_database(database_url)
    async with database.writer.begin() as connection:
        found = await keep_and_read(connection, moment)
    await database.close()
    assert found == NOON
    assert found is not None
    assert found.utcoffset() == timedelta(0)


async def test_no_instant_stays_none(database_url: str) -> None:
    database = open_database(database_url)
    async with database.writer.begin() as connection:
        assert await keep_and_read(connection, None) is None
    await database.close()


async def test_an_instant_without_a_zone_is_refused(database: Database) -> None:
    async with database.writer.connect() as connection:
        with pytest.raises(StatementError, match="without a time zone"):
            await keep_and_read(connection, datetime(2026, 11, 22, 12, 0))  # noqa: DTZ001 (the point of the test)


async def test_an_enum_is_kept_as_text_by_value(database: Database) -> None:
    async with database.writer.begin() as connection:
        await connection.run_sync(Apart.metadata.create_all)
        await connection.execute(insert(Paint).values(id="1", colour=Colour.RED, maybe=None))
        raw = (await connection.exec_driver_sql("SELECT colour, maybe FROM paint")).one()
        kept = (await connection.execute(select(Paint.colour))).scalar_one()
    assert tuple(raw) == ("dark_red", None)
    assert kept is Colour.RED


async def test_what_is_no_member_of_an_enum_is_refused(database: Database) -> None:
    async with database.writer.begin() as connection:
        await connection.run_sync(Apart.metadata.create_all)
        with pytest.raises(StatementError):
            await connection.execute(insert(Paint).values(id="1", colour="blue"))


def test_ids_are_32_hex_digits_and_never_the_same() -> None:
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert all(len(made) == 32 and int(made, 16) >= 0 for made in ids)

"""The schema's revisions, on both databases: up, down, up, and nothing left to generate."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, delete, func, inspect, select
from sqlalchemy.exc import IntegrityError

import server.app  # noqa: F401 (brings every table into the metadata)
from server.db.engine import open_database
from server.db.schema import configure, downgrade, is_current, upgrade


async def test_every_revision_goes_up_down_and_up_again(database_url: str) -> None:
    revisions = list(ScriptDirectory.from_config(configure()).walk_revisions("base", "heads"))
    database = open_database(database_url)
    try:
        for revision in reversed(revisions):
            await upgrade(database.writer, revision.revision)
            await downgrade(database.writer, revision.down_revision or "base")
            await upgrade(database.writer, revision.revision)
        assert await is_current(database.writer)
    finally:
        await database.close()


async def test_the_revisions_make_exactly_the_tables_of_the_models(database_url: str) -> None:
    database = open_database(database_url)
    try:
        await upgrade(database.writer)
        async with database.writer.begin() as connection:
            await connection.run_sync(lambda sync: command.check(configure(sync)))
    finally:
        await database.close()


async def test_an_empty_database_is_not_current(database_url: str) -> None:
    database = open_database(database_url)
    try:
        assert not await is_current(database.writer)
    finally:
        await database.close()


async def test_the_lowest_revision_leaves_nothing_behind(database_url: str) -> None:
    database = open_database(database_url)
    try:
        await upgrade(database.writer)
        await downgrade(database.writer, "base")
        async with database.writer.connect() as connection:
            tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        assert set(tables) <= {"alembic_version"}
    finally:
        await database.close()


NESTED = ("case_record", "ticket", "call_record", "seat", "recording")
RELIED_ON = ("case_record", "certificate", "certificate_serial", "settlement", "usage_receipt")


def fill(connection: Connection, names: Sequence[str]) -> None:
    """Put one row into each of some tables that refer to each other, whatever else they hold."""
    found = MetaData()
    found.reflect(connection, only=names)
    for name in names:
        row: dict[str, object] = {}
        for column in found.tables[name].columns:
            if column.nullable and not column.foreign_keys:
                continue
            kinds: dict[type, object] = {
                str: "x", int: 1, bool: False, datetime: datetime(2026, 1, 1, tzinfo=UTC),
                bytes: b"x",
            }  # fmt: skip
            row[column.name] = kinds[column.type.python_type]
        connection.execute(found.tables[name].insert(), row)


@pytest.mark.parametrize(
    ("before", "names", "referred"),
    [("0004", NESTED, "seat"), ("0008", RELIED_ON, "certificate")],
    ids=["calls", "certificates"],
)
async def test_a_table_that_others_refer_to_is_made_anew_with_all_its_rows(
    database_url: str, before: str, names: Sequence[str], referred: str
) -> None:
    database = open_database(database_url)
    try:
        await upgrade(database.writer, before)
        async with database.writer.begin() as connection:
            await connection.run_sync(fill, names)
        await upgrade(database.writer)
        found = MetaData()
        async with database.writer.begin() as connection:
            await connection.run_sync(lambda sync: found.reflect(sync, only=names))
            for name in names:
                count = select(func.count()).select_from(found.tables[name])
                assert (await connection.execute(count)).scalar_one() == 1, name
        with pytest.raises(IntegrityError):
            async with database.writer.begin() as connection:
                await connection.execute(delete(found.tables[referred]))
    finally:
        await database.close()

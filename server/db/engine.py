"""Connections: one writer and separate readers on SQLite, one pool on PostgreSQL."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from server.errors import ToldError

# The versions up to here can lose committed data in WAL mode (the WAL-reset bug, fixed in 3.51.3).
WAL_IS_SAFE_FROM = (3, 51, 3)


# PostgreSQL's codes for: serialization failure, deadlock, lock not available, query cancelled.
_BUSY_STATES = frozenset({"40001", "40P01", "55P03", "57014"})


class DatabaseError(ToldError):
    """A database that cannot be used; says which setting names it, and why it cannot."""

    def __init__(self, why: object) -> None:
        """Name the setting, and not what it says, which may be a password."""
        super().__init__(f"KUAYU_DATABASE_URL: expected a database that answers; {why}")


def is_busy(error: Exception) -> bool:
    """Say whether the database gave up waiting, so that the same command may pass later."""
    if isinstance(error, PoolTimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    cause = error.orig
    code = getattr(cause, "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_BUSY or getattr(cause, "sqlstate", "") in _BUSY_STATES


@dataclass(frozen=True, slots=True)
class Database:
    """The service's connections; `write` sessions lock early, `read` sessions never block long."""

    writer: AsyncEngine
    reader: AsyncEngine
    write: async_sessionmaker[AsyncSession]
    read: async_sessionmaker[AsyncSession]

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Give a session in autocommit, so that no read transaction stays open."""
        async with self.read() as session:
            yield session

    async def close(self) -> None:
        """Close every connection."""
        await self.writer.dispose()
        if self.reader is not self.writer:
            await self.reader.dispose()


def open_database(url: str) -> Database:
    """Return the connections for a URL of sqlite+aiosqlite or postgresql+asyncpg.

    DatabaseError for what is no URL, and where its driver is not installed. Nothing connects yet.
    """
    try:
        writer, reader = _sqlite_pair(url) if url.startswith("sqlite") else _postgresql_pair(url)
    except ModuleNotFoundError as error:
        lacking = f"{error.name} is not installed: pip install '.[postgresql]'"
        raise DatabaseError(lacking) from error
    except (ArgumentError, ValueError):
        raise DatabaseError("found what is no address of one") from None
    return Database(
        writer=writer,
        reader=reader,
        write=async_sessionmaker(writer, expire_on_commit=False),
        read=async_sessionmaker(reader, expire_on_commit=False),
    )


@asynccontextmanager
async def connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Give a connection; DatabaseError says why the database gives none."""
    connection = engine.connect()
    try:
        await connection.start()
    except DBAPIError as error:
        raise DatabaseError(error.orig) from error
    # Options that the driver does not know, or with values that it does not take.
    except (OSError, TypeError, ValueError) as error:
        raise DatabaseError(error) from error
    try:
        yield connection
    finally:
        await connection.close()


async def try_file(engine: AsyncEngine) -> None:
    """Open SQLite's file once without aiosqlite; DatabaseError says why it cannot be used.

    aiosqlite's thread still has an answer to give after it failed to open a file, and prints a
    traceback where the command that it was for has ended before.
    """
    if engine.dialect.name != "sqlite":
        return
    try:
        await asyncio.to_thread(_open_file, engine)
    except sqlite3.Error as error:
        raise DatabaseError(error) from error


def _open_file(engine: AsyncEngine) -> None:
    (file,), options = engine.dialect.create_connect_args(engine.url)
    with closing(sqlite3.connect(file, **options)) as connection:
        _set_up(connection, read_only=False)


def _sqlite_pair(url: str) -> tuple[AsyncEngine, AsyncEngine]:
    return (
        _sqlite(url, pool_size=1, read_only=False),
        _sqlite(url, pool_size=4, read_only=True),
    )


def _postgresql_pair(url: str) -> tuple[AsyncEngine, AsyncEngine]:
    engine = create_async_engine(
        url,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "server_settings": {
                "statement_timeout": "5000",
                "lock_timeout": "2000",
                "idle_in_transaction_session_timeout": "10000",
            }
        },
    )
    return engine, engine.execution_options(isolation_level="AUTOCOMMIT")


def _sqlite(url: str, *, pool_size: int, read_only: bool) -> AsyncEngine:
    # What a statement was given is people's data, and an error's words go into logs.
    engine = create_async_engine(
        url, pool_size=pool_size, max_overflow=0, pool_timeout=30, hide_parameters=True
    )

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: Any, _record: object) -> None:  # noqa: ANN401 (the driver's adapter has no public type)
        _set_up(connection, read_only=read_only)

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        if not read_only:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _set_up(connection: Any, *, read_only: bool) -> None:  # noqa: ANN401 (sqlite3's, or the driver's adapter of it)
    safe = sqlite3.sqlite_version_info >= WAL_IS_SAFE_FROM
    journal = ("WAL", "FULL") if safe else ("TRUNCATE", "EXTRA")
    # The driver must not begin transactions by itself: it would use plain BEGIN, with which
    # most of several writers fail instead of waiting.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "busy_timeout=5000",
        "foreign_keys=ON",
        "trusted_schema=OFF",
        # A key that was destroyed must not lie about in a page that is free now.
        "secure_delete=ON",
        f"journal_mode={journal[0]}",
        f"synchronous={journal[1]}",
        f"query_only={'ON' if read_only else 'OFF'}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()

"""Fixtures for every test: databases, a clock that can be set, and the news that went out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from server.db.engine import Database
from server.db.unit import Units
from tests.support.database import News, SetClock, units_on, with_tables
from tests.support.postgres import Cluster, binaries, running_cluster

# How long one example takes depends on what else the machine does; pytest's timeout is enough.
settings.register_profile("kuayu", deadline=None)
settings.load_profile("kuayu")


@pytest.fixture(autouse=True)
def logs_as_they_come() -> Iterator[None]:
    """Undo what a command of the command line does to this process's logs."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A PostgreSQL server for the whole run; fails where none is installed."""
    bin_folder = binaries()
    if bin_folder is None:
        pytest.fail("no PostgreSQL server is installed: run `make system`")
    with running_cluster(bin_folder) as cluster:
        yield cluster


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite file of the test's own."""
    return f"sqlite+aiosqlite:///{tmp_path / 'kuayu.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
async def database_url(request: pytest.FixtureRequest, sqlite_url: str) -> str:
    """A fresh database, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return sqlite_url
    cluster: Cluster = request.getfixturevalue("postgres")
    return await cluster.fresh_database()


@pytest.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    """A SQLite database with every table."""
    async with with_tables(sqlite_url) as opened:
        yield opened


@pytest.fixture
async def either_database(database_url: str) -> AsyncIterator[Database]:
    """A database with every table, once on SQLite and once on PostgreSQL."""
    async with with_tables(database_url) as opened:
        yield opened


@pytest.fixture
def clock() -> SetClock:
    """Noon in China on 22 November 2026, until moved."""
    return SetClock()


@pytest.fixture
def news() -> News:
    """What was published."""
    return News()


@pytest.fixture
def units(database: Database, news: News, clock: SetClock) -> Units:
    """Units on SQLite."""
    return units_on(database, news, clock)


@pytest.fixture
def either_units(either_database: Database, news: News, clock: SetClock) -> Units:
    """Units once on SQLite and once on PostgreSQL."""
    return units_on(either_database, news, clock)

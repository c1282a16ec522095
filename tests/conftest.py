"""Fixtures for every test: databases, a clock that can be set, and the news that went out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from server import pool
from server.db.engine import Database
from server.db.unit import Units
from tests.support.database import (
    News,
    SetClock,
    Templates,
    opened,
    units_on,
    url_of,
    wait_patiently,
)
from tests.support.postgres import Cluster, binaries, running_cluster

# How long one example takes depends on what else the machine does; pytest's timeout is enough.
# The same examples every time: who changed nothing there must not be stopped by a find of chance.
# `pytest --hypothesis-profile=explore` looks for others.
PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("kuayu", derandomize=True, database=None, **PATIENT)
settings.register_profile("explore", max_examples=5_000, **PATIENT)
settings.load_profile("kuayu")


@pytest.fixture(autouse=True)
def plain_logs() -> None:
    """Undo what a command of the command line does to this process's logs, and keep them plain.

    structlog's own choice draws every traceback with its variables: seconds for each of them.
    """
    structlog.reset_defaults()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["level", "event"]),
        ],
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=False,
    )


@pytest.fixture(scope="session", autouse=True)
def patient_pools() -> Iterator[None]:
    """Let no job be refused because its process starts slowly on a machine that does other work."""
    with pytest.MonkeyPatch.context() as patient:
        patient.setattr(pool, "JOB_SECONDS", 200)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A PostgreSQL server for the whole run; fails where none is installed."""
    bin_folder = binaries()
    if bin_folder is None:
        pytest.fail("no PostgreSQL server is installed: run `make system`")
    with running_cluster(bin_folder) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """What databases with tables are copied from."""
    return Templates(tmp_path_factory.mktemp("templates"))


@pytest.fixture
def sqlite_path(tmp_path: Path) -> Path:
    """Where the test's own SQLite file is."""
    return tmp_path / "kuayu.db"


@pytest.fixture
def sqlite_url(sqlite_path: Path) -> str:
    """The URL of the test's own SQLite file."""
    return url_of(sqlite_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def cluster(request: pytest.FixtureRequest) -> Cluster | None:
    """None for SQLite, and once more the PostgreSQL server."""
    return None if request.param == "sqlite" else request.getfixturevalue("postgres")


@pytest.fixture
async def database_url(cluster: Cluster | None, sqlite_url: str) -> str:
    """A fresh database, once on SQLite and once on PostgreSQL."""
    return sqlite_url if cluster is None else await cluster.fresh_database()


@pytest.fixture
async def database(templates: Templates, sqlite_path: Path) -> AsyncIterator[Database]:
    """A SQLite database with every table."""
    async with opened(await templates.copy_sqlite(sqlite_path)) as found:
        yield found


@pytest.fixture
async def either_database(
    templates: Templates, cluster: Cluster | None, sqlite_path: Path
) -> AsyncIterator[Database]:
    """A database with every table, once on SQLite and once on PostgreSQL."""
    if cluster is None:
        url = await templates.copy_sqlite(sqlite_path)
    else:
        url = await templates.copy_postgres(cluster)
    async with opened(url) as found:
        yield found


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
def hasty_units(either_database: Database, news: News, clock: SetClock) -> Units:
    """Units once on SQLite and once on PostgreSQL, as patient as the service is."""
    return units_on(either_database, news, clock)


@pytest.fixture
def either_units(hasty_units: Units) -> Units:
    """Units once on SQLite and once on PostgreSQL, which waits as long as it takes."""
    wait_patiently(hasty_units.database)
    return hasty_units

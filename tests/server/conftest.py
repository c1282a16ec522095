"""What issues certificates, one signer for the run and desks on it; and halls with their queue."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from server.certificates.signer import Signer
from server.db.unit import Units
from server.files import LocalFiles
from tests.support.database import SetClock
from tests.support.desk import Desk, load_catalogue, running_signer
from tests.support.halls import Halls, wait_patiently


@pytest.fixture(scope="session")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signer]:
    """Demo keys and running processes, for the whole run: starting them takes seconds."""
    with running_signer(tmp_path_factory.mktemp("keys"), SetClock().now) as running:
        yield running


@asynccontextmanager
async def open_desk(units: Units, signer: Signer, folder: Path) -> AsyncIterator[Desk]:
    catalogue, items = load_catalogue()
    made = Desk(units, LocalFiles(folder / "files"), signer, catalogue, items)
    yield made
    await made.pictures.close()


@pytest.fixture
async def desk(units: Units, signer: Signer, tmp_path: Path) -> AsyncIterator[Desk]:
    """Two halls and no case yet."""
    async with open_desk(units, signer, tmp_path) as made:
        yield made


@pytest.fixture
async def either_desk(either_units: Units, signer: Signer, tmp_path: Path) -> AsyncIterator[Desk]:
    """The same, once on SQLite and once on PostgreSQL."""
    async with open_desk(either_units, signer, tmp_path) as made:
        yield made


@pytest.fixture
def halls(units: Units) -> Halls:
    """The halls on SQLite."""
    return Halls(units)


@pytest.fixture
def either_halls(either_units: Units) -> Halls:
    """The halls once on SQLite and once on PostgreSQL, which waits as long as it takes."""
    wait_patiently(either_units.database)
    return Halls(either_units)

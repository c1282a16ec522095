"""What issues certificates: seals once for the run, desks on them; and halls with their queue."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from docs_gen.imageseal import import_picture
from server.certificates.drawing import Drawing
from server.certificates.forms import Forms
from server.certificates.seals import Seals
from server.db.unit import Units
from server.files import LocalFiles
from tests.support.database import SetClock
from tests.support.desk import Desk, load_catalogue, running_seals
from tests.support.halls import Halls
from tests.support.seals import PICTURED, WIDTH, seal_png


@pytest.fixture(scope="session")
def seals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seals]:
    """Demo keys and their process, for the whole run: starting it takes seconds."""
    with running_seals(tmp_path_factory.mktemp("keys"), SetClock().now) as running:
        yield running


@pytest.fixture(scope="session")
def pictured(seals: Seals, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seals]:
    """The same keys with a picture beside one of them, and their process, for the whole run."""
    folder = shutil.copytree(seals.folder, tmp_path_factory.mktemp("pictured") / "keys")
    import_picture(folder, PICTURED, seal_png(), WIDTH)
    with running_seals(folder, SetClock().now) as running:
        yield running


@pytest.fixture(scope="session")
def drawing(seals: Seals) -> Iterator[Drawing]:
    """The drawing room that trusts these keys, for the whole run too."""
    made = Drawing(Forms(), seals.folder)
    yield made
    asyncio.run(made.close())


@asynccontextmanager
async def open_desk(
    units: Units, drawing: Drawing, seals: Seals, folder: Path
) -> AsyncIterator[Desk]:
    catalogue, items = load_catalogue()
    made = Desk(units, LocalFiles(folder / "files"), drawing, seals, catalogue, items)
    yield made
    await made.pictures.close()


@pytest.fixture
async def desk(units: Units, drawing: Drawing, seals: Seals, tmp_path: Path) -> AsyncIterator[Desk]:
    """Two halls and no case yet."""
    async with open_desk(units, drawing, seals, tmp_path) as made:
        yield made


@pytest.fixture
async def pictured_desk(
    units: Units, drawing: Drawing, pictured: Seals, tmp_path: Path
) -> AsyncIterator[Desk]:
    """Two halls whose pension certificates have a picture for a seal."""
    async with open_desk(units, drawing, pictured, tmp_path) as made:
        yield made


@pytest.fixture
async def either_desk(
    either_units: Units, drawing: Drawing, seals: Seals, tmp_path: Path
) -> AsyncIterator[Desk]:
    """The same, once on SQLite and once on PostgreSQL."""
    async with open_desk(either_units, drawing, seals, tmp_path) as made:
        yield made


@pytest.fixture
def halls(units: Units) -> Halls:
    """The halls on SQLite."""
    return Halls(units)


@pytest.fixture
def either_halls(either_units: Units) -> Halls:
    """The halls once on SQLite and once on PostgreSQL."""
    return Halls(either_units)

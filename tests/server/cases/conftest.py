"""A desk without keys: the case needs nobody to sign."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.cases.pictures import Pictures
from server.certificates.drawing import Drawing
from server.certificates.forms import Forms
from server.certificates.seals import Seals
from server.db.unit import Units
from server.files import LocalFiles
from tests.support.desk import Desk, load_catalogue


@pytest.fixture
async def desk(either_units: Units, tmp_path: Path) -> AsyncIterator[Desk]:
    """Two halls and their cases, once on SQLite and once on PostgreSQL."""
    drawing, seals = Drawing(Forms(), tmp_path / "keys"), Seals(tmp_path / "keys", "demo-演示")
    made = Desk(either_units, LocalFiles(tmp_path / "files"), drawing, seals, *load_catalogue())
    yield made
    await drawing.close()
    await seals.close()


@pytest.fixture
async def pictures() -> AsyncIterator[Pictures]:
    """The process in which files from outside are decoded."""
    made = Pictures()
    yield made
    await made.close()

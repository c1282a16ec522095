"""A desk without keys: the case needs nobody to sign."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.cases.pictures import Pictures
from server.certificates.signer import Signer
from server.db.unit import Units
from server.files import LocalFiles
from tests.support.desk import Desk, load_catalogue


@pytest.fixture
async def desk(either_units: Units, tmp_path: Path) -> AsyncIterator[Desk]:
    """Two halls and their cases, once on SQLite and once on PostgreSQL."""
    signer = Signer(tmp_path / "keys", "demo-演示")
    made = Desk(either_units, LocalFiles(tmp_path / "files"), signer, *load_catalogue())
    yield made
    await signer.close()


@pytest.fixture
async def pictures() -> AsyncIterator[Pictures]:
    """The process in which files from outside are decoded."""
    made = Pictures()
    yield made
    await made.close()

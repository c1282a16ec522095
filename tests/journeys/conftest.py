"""A whole service per test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.service import Service, demonstration


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    """The whole service on a data folder of the test's own."""
    async with demonstration(tmp_path / "data") as found:
        yield found

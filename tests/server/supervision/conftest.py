from __future__ import annotations

import pytest

from server.db.unit import Units
from tests.support.halls import Halls, wait_patiently


@pytest.fixture
def halls(units: Units) -> Halls:
    """The halls on SQLite."""
    return Halls(units)


@pytest.fixture
def either_halls(either_units: Units) -> Halls:
    """The halls once on SQLite and once on PostgreSQL, which waits as long as it takes."""
    wait_patiently(either_units.database)
    return Halls(either_units)

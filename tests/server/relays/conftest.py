from __future__ import annotations

import pytest

from server.db.unit import Units
from tests.support.relay import Relay


@pytest.fixture
def relay(units: Units) -> Relay:
    """Workers and legs on SQLite."""
    return Relay(units)


@pytest.fixture
def either_relay(either_units: Units) -> Relay:
    """Workers and legs once on SQLite and once on PostgreSQL."""
    return Relay(either_units)

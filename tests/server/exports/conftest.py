from __future__ import annotations

from pathlib import Path

import pytest

from server.db.unit import Units
from tests.support.database import News, SetClock
from tests.support.halls import Halls
from tests.support.relay import Relay
from tests.support.studio import Studio


@pytest.fixture
def studio(units: Units, news: News, clock: SetClock, tmp_path: Path) -> Studio:
    return Studio(Halls(units), Relay(units), news, clock, tmp_path)


@pytest.fixture
def either_studio(either_units: Units, news: News, clock: SetClock, tmp_path: Path) -> Studio:
    return Studio(Halls(either_units), Relay(either_units), news, clock, tmp_path)

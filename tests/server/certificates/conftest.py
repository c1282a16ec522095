from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from server.certificates.seals import Seals
from tests.support.database import SetClock


@pytest.fixture
async def lists_as_before(seals: Seals) -> AsyncIterator[None]:
    """For tests that renew the trust list at another time: the others find it as it was."""
    yield
    await seals.renew(SetClock().now)

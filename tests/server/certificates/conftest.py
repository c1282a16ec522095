from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from server.certificates.signer import Signer
from tests.support.database import SetClock


@pytest.fixture
async def lists_as_before(signer: Signer) -> AsyncIterator[None]:
    """For tests that renew the trust list at another time: the others find it as it was."""
    yield
    await signer.renew(SetClock().now)

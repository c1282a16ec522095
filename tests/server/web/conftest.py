from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from server.access import Role
from server.db.unit import Units
from server.web.limits import build_admit
from server.web.login import Audience
from tests.support.site import Logins, Site, serving
from tests.support.trial import Trial


@pytest.fixture
def logins() -> Logins:
    """A clerk at a counter, an administrator, a screen and a citizen."""
    known = Logins()
    known.add("clerk", Role.COUNTER, Role.AGENT)
    known.add("admin", Role.ADMINISTRATOR)
    known.add("screen", Role.DEVICE, audience=Audience.DEVICE)
    known.add("citizen", Role.CITIZEN, audience=Audience.CITIZEN)
    return known


@pytest.fixture
def trial() -> Trial:
    return Trial()


@pytest.fixture
async def site(units: Units, trial: Trial, logins: Logins) -> AsyncIterator[Site]:
    async with serving(
        units, routes=trial.routes(), find=logins.find, admit=build_admit()
    ) as running:
        yield running

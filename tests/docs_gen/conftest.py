from __future__ import annotations

import pytest

from tests.support.office import Office, open_office


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """Demo keys for the whole run; no test changes them."""
    return open_office(tmp_path_factory.mktemp("office"))


@pytest.fixture(scope="session")
def issued(office: Office) -> bytes:
    """A certificate as it is issued."""
    return office.issue()

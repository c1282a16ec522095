from __future__ import annotations

from collections.abc import Iterator

import pytest

from server.db.unit import Units
from server.errors import ServiceError
from server.staff.messages import PlaceNames
from server.staff.passwords import PasswordHashes
from server.staff.service import StaffService
from server.vault import Vault

SECRET = b"s" * 32


def name_places(region: str, hall: str, counter: str) -> PlaceNames:
    if region not in {"", "320509", "341522", "340000"}:
        raise ServiceError("region.unknown", region=region)
    return PlaceNames(region and f"region {region}", hall and f"hall {hall}", counter)


@pytest.fixture(scope="session")
def hashes() -> Iterator[PasswordHashes]:
    made = PasswordHashes()
    yield made
    made.close()


@pytest.fixture
def staff(units: Units, hashes: PasswordHashes) -> StaffService:
    return StaffService(units, Vault(SECRET), hashes, name_places)


@pytest.fixture
def either_staff(either_units: Units, hashes: PasswordHashes) -> StaffService:
    return StaffService(either_units, Vault(SECRET), hashes, name_places)

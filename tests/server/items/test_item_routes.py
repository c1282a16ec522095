from __future__ import annotations

from pathlib import Path

import pytest

from server.access import Role
from server.db.unit import Units
from server.items.routes import routes
from server.items.service import read_catalogue
from tests.support.site import Logins, serving

SHIPPED = Path(__file__).parents[3] / "regions.toml"


async def test_staff_are_told_of_every_item_with_its_form(units: Units) -> None:
    catalogue, items = read_catalogue(SHIPPED)
    logins = Logins()
    logins.add("clerk", Role.AGENT)
    async with serving(units, routes=routes(items, catalogue), find=logins.find) as site:
        status, said = await site.ask("GET", "/api/items", "clerk")
    assert status == 200
    pension = next(item for item in said["data"]["items"] if item["code"] == "pension-lump-sum")
    assert pension["mode"] == "异地代收代办"
    assert pension["jurisdictions"] == ["341522", "320509"]
    assert pension["destinations"] == ["341522"]
    assert pension["recording_required"] is False
    fields = {field["name"]: field for field in pension["fields"]}
    assert fields["balance"]["type"] == "money"
    assert fields["balance"]["side"] == "jurisdiction"
    assert fields["balance"]["maximum"] == "9999999.99"
    assert fields["as_of"]["latest"] == "today"
    assert fields["bank_account"]["personal"] is True
    assert [m["code"] for m in pension["materials"] if m["required"]] == [
        "id-card",
        "application-form",
    ]
    (line,) = pension["certificates"]
    assert (line["kind"], line["title"], line["revocation_needs_approval"]) == (
        "pension-balance", "城乡居民养老保险个人账户余额证明", True,
    )  # fmt: skip


async def test_items_are_for_staff_only(units: Units) -> None:
    catalogue, items = read_catalogue(SHIPPED)
    async with serving(units, routes=routes(items, catalogue)) as site:
        status, said = await site.ask("GET", "/api/items")
    assert (status, said["error"]["code"]) == (401, "login.missing")


@pytest.mark.parametrize(
    ("region", "expected"),
    [("330521", ["320509"]), ("341522", ["320509"]), ("320509", ["341522", "330521"]), ("", [])],
)
async def test_staff_are_offered_only_whom_their_region_recognises(
    units: Units, region: str, expected: list[str]
) -> None:
    catalogue, items = read_catalogue(SHIPPED)
    logins = Logins()
    logins.add("clerk", Role.COUNTER, region=region)
    async with serving(units, routes=routes(items, catalogue), find=logins.find) as site:
        _, said = await site.ask("GET", "/api/items", "clerk")
    found = {item["code"]: item["destinations"] for item in said["data"]["items"]}
    assert found["school-household-proof"] == expected

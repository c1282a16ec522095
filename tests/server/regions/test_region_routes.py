from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from server.access import Role
from server.db.unit import Units
from server.items.service import read_catalogue
from server.regions.routes import routes
from tests.support.database import SetClock
from tests.support.site import Logins, serving

SHIPPED = Path(__file__).parents[3] / "regions.toml"


async def test_staff_are_told_of_every_region_and_when_its_halls_open(
    units: Units, clock: SetClock
) -> None:
    catalogue, _items = read_catalogue(SHIPPED)
    logins = Logins()
    logins.add("clerk", Role.COUNTER)
    clock.now = datetime(2026, 11, 22, 15, 59, tzinfo=UTC)  # A Sunday, a minute to midnight.
    async with serving(units, routes=routes(catalogue), find=logins.find) as site:
        status, said = await site.ask("GET", "/api/regions", "clerk")
        assert status == 200
        regions = {region["code"]: region for region in said["data"]["regions"]}
        assert list(regions) == ["320509", "341522", "330521"]
        wujiang = regions["320509"]
        assert wujiang["name"] == "苏州市吴江区"
        hall = wujiang["halls"][0]
        assert hall["name"] == "平望镇便民服务中心"
        assert [counter["id"] for counter in hall["counters"]] == ["pingwang-1", "pingwang-2"]
        assert hall["open_now"] is False
        assert datetime.fromisoformat(hall["next_opening"]) == datetime(2026, 11, 23, 1, tzinfo=UTC)
        assert hall["refuse_outside_hours"] is False
        assert "seal_text" not in wujiang["authorities"][0]
        clock.now = datetime(2026, 11, 23, 1, tzinfo=UTC)
        _status, said = await site.ask("GET", "/api/regions", "clerk")
        hall = said["data"]["regions"][0]["halls"][0]
        assert hall["open_now"] is True
        assert datetime.fromisoformat(hall["next_opening"]) == clock.now


async def test_regions_are_for_staff_only(units: Units) -> None:
    catalogue, _items = read_catalogue(SHIPPED)
    async with serving(units, routes=routes(catalogue)) as site:
        status, said = await site.ask("GET", "/api/regions")
        assert (status, said["error"]["code"]) == (401, "login.missing")

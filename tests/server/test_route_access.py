from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from server.access import TABLE, Role
from server.app import all_routes, build_house
from server.db.schema import upgrade
from server.errors import CODES
from server.web.http import Route
from server.web.login import Audience
from tests.support.service import demo_settings
from tests.support.site import Logins, Site, serving

# Whoever adds a route that needs no login must say so here.
OPEN_TO_ALL = {
    "POST /api/login",
    "POST /api/verify",
    "POST /api/verify/qr",
    "POST /api/verify/file",
    "POST /api/citizen/login",
    "GET /api/status-lists",
    "GET /api/trust-list",
    "GET /api/status-lists/{issuer_code:[0-9A-Z]{18}}/{year:2[0-9]{3}}",
    "POST /api/facing/pairings",
    "POST /api/facing/pairings/claim",
}
AUDIENCES = {
    Role.DEVICE: Audience.DEVICE, Role.CITIZEN: Audience.CITIZEN, Role.WORKER: Audience.WORKER,
}  # fmt: skip
NUMBER = "{number:[0-9]{1,5}}"
NOT_FOUND = {code for code, status in CODES.items() if status == 404} - {"route.unknown"}


@dataclass
class Api:
    """Every route of the service on an empty database, with one login per role."""

    site: Site
    routes: list[Route[Any]]

    async def ask(self, route: Route[Any], role: Role | None, **more: Any) -> tuple[int, str]:  # noqa: ANN401
        """Call a route with made-up ids and an empty body."""
        audience = route.audience if role is None else AUDIENCES.get(role, Audience.STAFF)
        status, said = await self.site.ask(
            route.method,
            re.sub(r"\{\w+(:.*?)?\}(?=/|$)", "a" * 32, route.path.replace(NUMBER, "0")),
            None if role is None else role.value,
            json=None if route.method == "GET" else {},
            audience=audience,
            key="key-00001",
            **more,
        )
        return status, said["error"]["code"] if said["error"] else ""


@asynccontextmanager
async def every_route(data: Path) -> AsyncIterator[Api]:
    house = build_house(demo_settings(data, 1))
    logins = Logins()
    for role in Role:
        logins.add(role.value, role, audience=AUDIENCES.get(role, Audience.STAFF))
    try:
        await upgrade(house.database.writer)
        routes = all_routes(house)
        async with serving(house.units, routes=routes, find=logins.find) as site:
            yield Api(site, routes)
    finally:
        await house.close()


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with every_route(tmp_path) as opened:
        yield opened


def name_of(route: Route[Any]) -> str:
    return f"{route.method} {route.path}"


async def test_the_routes_without_a_login_are_these_and_no_others(api: Api) -> None:
    assert {name_of(route) for route in api.routes if route.action is None} == OPEN_TO_ALL


async def test_nobody_gets_nowhere_else(api: Api) -> None:
    for route in api.routes:
        if route.action is not None:
            worker = route.audience is Audience.WORKER
            code = "login.refused" if worker else "login.missing"
            assert await api.ask(route, None) == (401, code), name_of(route)


async def test_a_role_that_the_table_does_not_name_is_refused_on_every_route(api: Api) -> None:
    for route in api.routes:
        if route.action is None:
            continue
        named = {role for grant in TABLE[route.action] for role in grant.roles}
        for role in set(Role) - named:
            if AUDIENCES.get(role, Audience.STAFF) is route.audience:
                answer = await api.ask(route, role)
                assert answer == (403, "action.forbidden"), (name_of(route), role)


async def test_no_change_comes_from_another_origin(api: Api) -> None:
    for route in api.routes:
        if route.method != "GET":
            for origin in (None, "http://evil.test"):
                answer = await api.ask(route, Role.COUNTER, origin=origin)
                assert answer == (403, "origin.foreign"), name_of(route)


async def test_what_is_not_there_is_not_found_by_anyone_whose_role_may_ask(api: Api) -> None:
    asked = 0
    for route in api.routes:
        if route.action is None or route.method != "GET" or "{" not in route.path:
            continue
        for role in {role for grant in TABLE[route.action] for role in grant.roles}:
            if AUDIENCES.get(role, Audience.STAFF) is not route.audience:
                continue
            status, code = await api.ask(route, role)
            assert (status, code in NOT_FOUND) == (404, True), (name_of(route), role, code)
            asked += 1
    assert asked > 20


async def test_an_empty_body_is_refused_or_answered_and_never_a_crash(api: Api) -> None:
    for route in api.routes:
        for role in Role:
            if AUDIENCES.get(role, Audience.STAFF) is route.audience:
                status, code = await api.ask(route, role)
                assert status < 500, (name_of(route), role, code)

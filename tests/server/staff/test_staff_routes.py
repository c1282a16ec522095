from __future__ import annotations

from collections.abc import AsyncIterator
from http.cookies import SimpleCookie

import pytest

from server.access import Actor, Role
from server.db.unit import Units
from server.staff.routes import routes
from server.staff.service import NewClerk, StaffService
from server.web.limits import build_admit
from server.web.login import COOKIES, Audience
from tests.support.database import SetClock
from tests.support.site import Site, serving

COOKIE = COOKIES[Audience.STAFF]
PASSWORD = "correct horse"
RIGHT = {"name": "wujiang", "password": PASSWORD}


@pytest.fixture
async def site(staff: StaffService, units: Units) -> AsyncIterator[Site]:
    async def find(audience: Audience, token: str) -> Actor | None:
        return await staff.find_actor(token) if audience is Audience.STAFF else None

    await staff.add_clerk(
        NewClerk(
            name="wujiang",
            display_name="张三丰",
            roles=[Role.COUNTER, Role.AGENT],
            region="320509",
            hall="pingwang",
            counter="3",
            items=["pension"],
        ),
        PASSWORD,
    )
    async with serving(units, routes=routes(staff), find=find, admit=build_admit()) as running:
        yield running


async def signed_in(site: Site, token: str | None = None) -> str:
    """Sign in and return the cookie's value."""
    async with site.browser.post(
        site.url("/api/login"), json=RIGHT, headers=site.headers(token)
    ) as answer:
        assert answer.status == 200
        return answer.cookies[COOKIE].value


async def test_me_is_told_at_sign_in_and_after(site: Site, clock: SetClock) -> None:
    status, said = await site.ask("POST", "/api/login", json=RIGHT)
    assert status == 200
    clerk = said["data"]["clerk"]
    assert said["data"] == {
        "clerk": {
            "id": clerk["id"],
            "name": "wujiang",
            "display_name": "张三丰",
            "region": "320509",
            "region_name": "region 320509",
            "hall": "pingwang",
            "hall_name": "hall pingwang",
            "counter": "3",
            "counter_name": "3",
            "roles": ["agent", "counter"],
            "items": ["pension"],
        },
        "expires_at": "2026-11-22T16:00:00Z",
        "server_time": "2026-11-22T04:00:00Z",
    }
    token = await signed_in(site)
    clock.advance(minutes=30)
    status, again = await site.ask("GET", "/api/me", token)
    assert status == 200
    assert again["data"] == {**said["data"], "server_time": "2026-11-22T04:30:00Z"}


async def test_the_cookie_is_for_our_own_pages_over_a_secure_line_only(site: Site) -> None:
    async with site.browser.post(
        site.url("/api/login"), json=RIGHT, headers=site.headers()
    ) as answer:
        [line] = answer.headers.getall("Set-Cookie")
    morsel = SimpleCookie(line)[COOKIE]
    assert len(morsel.value) >= 43
    assert (morsel["secure"], morsel["httponly"], morsel["samesite"]) == (True, True, "Strict")
    assert (morsel["path"], morsel["domain"], morsel["max-age"]) == ("/", "", "43200")


async def test_a_wrong_password_sets_no_cookie(site: Site) -> None:
    async with site.browser.post(
        site.url("/api/login"), json={**RIGHT, "password": "wrong"}, headers=site.headers()
    ) as answer:
        assert answer.status == 401
        assert (await answer.json())["error"] == {
            "code": "login.refused",
            "field": None,
            "details": {},
        }
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"name": "wujiang"},
        {**RIGHT, "region": "341522"},
        {**RIGHT, "name": None},
        {**RIGHT, "name": ["wujiang"]},
        {**RIGHT, "name": "x" * 65},
        {**RIGHT, "password": "x" * 201},
    ],
)
async def test_a_body_that_is_no_sign_in_is_refused(site: Site, said: dict[str, object]) -> None:
    status, answer = await site.ask("POST", "/api/login", json=said)
    assert (status, answer["error"]["code"]) == (422, "body.invalid")


async def test_a_sixth_failure_is_told_how_long_to_wait(site: Site) -> None:
    for _ in range(5):
        await site.ask("POST", "/api/login", json={**RIGHT, "password": "wrong"})
    status, answer = await site.ask("POST", "/api/login", json=RIGHT)
    assert (status, answer["error"]["code"]) == (429, "login.locked")
    assert answer["error"]["details"] == {"seconds": 901}


async def test_signing_in_over_an_old_login_gives_a_new_one(site: Site) -> None:
    first = await signed_in(site)
    second = await signed_in(site, first)
    assert first != second
    assert (await site.ask("GET", "/api/me", first))[0] == 401
    assert (await site.ask("GET", "/api/me", second))[0] == 200


async def test_signing_in_works_with_the_cookie_of_an_expired_login(
    site: Site, clock: SetClock
) -> None:
    first = await signed_in(site)
    clock.advance(hours=13)
    await signed_in(site, first)


async def test_signing_out_takes_the_cookie_and_the_login_away(site: Site) -> None:
    token = await signed_in(site)
    async with site.browser.post(
        site.url("/api/logout"), json={}, headers=site.headers(token)
    ) as answer:
        assert await answer.json() == {
            "data": {},
            "error": None,
            "request_id": answer.headers["X-Request-Id"],
        }
        morsel = answer.cookies[COOKIE]
        assert (morsel.value, morsel["max-age"]) == ("", "0")
    assert (await site.ask("GET", "/api/me", token))[0] == 401


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/me"), ("POST", "/api/logout")])
async def test_nobody_is_nobody(site: Site, method: str, path: str) -> None:
    status, answer = await site.ask(method, path, json=None if method == "GET" else {})
    assert (status, answer["error"]["code"]) == (401, "login.missing")


async def test_a_login_that_ended_is_told_from_none(site: Site) -> None:
    token = await signed_in(site)
    await site.ask("POST", "/api/logout", token, json={})
    for stale in (token, "rubbish", "x" * 5000):
        status, answer = await site.ask("GET", "/api/me", stale)
        assert (status, answer["error"]["code"]) == (401, "login.expired")


async def test_one_address_cannot_ask_for_ever(site: Site) -> None:
    seen = set()
    for number in range(61):
        body = {"name": f"nobody{number}", "password": ""}
        status, _answer = await site.ask("POST", "/api/login", json=body)
        seen.add((number < 60, status))
    assert seen == {(True, 401), (False, 429)}

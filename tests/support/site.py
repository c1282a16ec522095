"""The web part of the service around whatever routes and events a test brings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from server.access import Actor, Role
from server.db.unit import Units
from server.web.http import Admit, Route, add_routes
from server.web.login import COOKIES, Audience, FindLogin
from server.web.middleware import build
from server.web.socket import Hub

ORIGIN = "http://kuayu.test"


@dataclass
class Logins:
    """Who is behind which token; a test may add and take away."""

    actors: dict[tuple[Audience, str], Actor] = field(default_factory=dict)

    async def find(self, audience: Audience, token: str) -> Actor | None:
        return self.actors.get((audience, token))

    def add(
        self, token: str, *roles: Role, audience: Audience = Audience.STAFF, region: str = "320509"
    ) -> Actor:
        """Sign somebody in under `token`, who has these roles; only staff are of a region."""
        region = region if audience is Audience.STAFF else ""
        counter = "c3" if audience is Audience.DEVICE else ""
        actor = Actor(
            id=f"id-{token}",
            name="张三丰",
            login_id=f"login-{token}",
            roles=frozenset(roles),
            region=region,
            counter=counter,
        )
        self.actors[audience, token] = actor
        return actor


@dataclass
class Site:
    """A running server and a browser without a cookie jar: tests say what they send."""

    port: int
    browser: aiohttp.ClientSession
    hub: Hub

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/" + path.lstrip("/")

    def headers(
        self,
        token: str | None = None,
        *,
        audience: Audience = Audience.STAFF,
        origin: str | None = ORIGIN,
        key: str | None = None,
    ) -> dict[str, str]:
        """What our own page would send with this cookie, or a worker with this secret."""
        if audience is Audience.WORKER:
            return {} if token is None else {"Authorization": f"Bearer {token}"}
        said = {
            "Origin": origin,
            "Cookie": None if token is None else f"{COOKIES[audience]}={token}",
            "Idempotency-Key": key,
        }
        return {name: value for name, value in said.items() if value is not None}

    async def ask(
        self,
        method: str,
        path: str,
        token: str | None = None,
        json: object = None,
        *,
        audience: Audience = Audience.STAFF,
        origin: str | None = ORIGIN,
        key: str | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """Send one request and return the status and the answer."""
        headers = self.headers(token, audience=audience, origin=origin, key=key)
        async with self.browser.request(
            method, self.url(path), headers=headers, json=json
        ) as answer:
            return answer.status, await answer.json()


@asynccontextmanager
async def serving(
    units: Units,
    *,
    routes: Sequence[Route[Any]] = (),
    find: FindLogin | None = None,
    hub: Hub | None = None,
    admit: Admit = lambda _rate, _address: None,
    proxies: tuple[str, ...] = (),
    https: bool = False,
) -> AsyncIterator[Site]:
    """Serve `routes` and the socket on an ephemeral port, as app.py joins them."""
    hub = hub or Hub()
    app = web.Application(
        middlewares=build(
            origins=(ORIGIN,), proxies=proxies, find=find or Logins().find, https=https
        )
    )
    add_routes(app, list(routes), units, admit)
    hub.attach(app)
    # Not aiohttp's TestServer: it cancels handlers when a caller hangs up, and production does not.
    runner = web.AppRunner(app, shutdown_timeout=0.1, lingering_time=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as browser:
            yield Site(runner.addresses[0][1], browser, hub)
    finally:
        await runner.cleanup()

"""Cookies to actors: which login counts where. Who is behind a token, app.py passes in."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from server.access import Actor


class Audience(enum.StrEnum):
    """Whose login counts on a route."""

    STAFF = "staff"
    DEVICE = "device"
    CITIZEN = "citizen"
    ANYONE = "anyone"


COOKIES: dict[Audience, str] = {
    Audience.STAFF: "__Host-kuayu",
    Audience.DEVICE: "__Host-kuayu-device",
    Audience.CITIZEN: "__Host-kuayu-citizen",
}

FindLogin = Callable[[Audience, str], Awaitable[Actor | None]]


@dataclass(frozen=True, slots=True)
class NewLogin:
    """A cookie for the answer; an empty token takes the cookie away."""

    audience: Audience
    token: str
    seconds: int


ACTORS: web.RequestKey[Mapping[Audience, Actor]] = web.RequestKey("actors", Mapping)


def audience_of(path: str) -> Audience:
    """Return whose cookie counts under a path."""
    if path.startswith("/api/facing"):
        return Audience.DEVICE
    if path.startswith("/api/citizen"):
        return Audience.CITIZEN
    return Audience.STAFF


async def find_actor(request: web.Request, audience: Audience, find: FindLogin) -> Actor | None:
    """Return who holds the cookie of this audience, if its login still lives."""
    token = request.cookies.get(COOKIES[audience], "")
    return await find(audience, token) if token else None


def set_login(response: web.StreamResponse, login: NewLogin) -> None:
    """Set or take away a login's cookie; browsers count localhost as secure even over http."""
    response.set_cookie(
        COOKIES[login.audience],
        login.token,
        max_age=login.seconds if login.token else 0,
        path="/",
        secure=True,
        httponly=True,
        samesite="Strict",
    )

"""Cookies to actors: which login counts where. Who is behind a token, app.py passes in."""

from __future__ import annotations

import enum
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from server.access import Actor
from server.errors import ServiceError


class Audience(enum.StrEnum):
    """Whose login counts on a route."""

    STAFF = "staff"
    DEVICE = "device"
    CITIZEN = "citizen"
    ANYONE = "anyone"


SOCKET_PATH = "/socket.io/"
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


# A token of ours is 43 characters of base64url; nothing longer or stranger is looked up.
TOKEN = re.compile(r"[A-Za-z0-9_-]{1,128}")

ACTORS: web.RequestKey[Mapping[Audience, Actor]] = web.RequestKey("actors", Mapping)


def audience_of(request: web.Request) -> Audience:
    """Return whose cookie counts for a request; query.invalid if a socket names nobody of ours."""
    path = request.path
    if path.startswith(SOCKET_PATH):
        try:
            return Audience(request.query.get("as", Audience.STAFF))
        except ValueError:
            raise ServiceError("query.invalid", field="as") from None
    if path.startswith("/api/facing"):
        return Audience.DEVICE
    if path.startswith("/api/citizen"):
        return Audience.CITIZEN
    return Audience.STAFF


async def find_actor(request: web.Request, audience: Audience, find: FindLogin) -> Actor | None:
    """Return who holds the cookie of this audience, if its login still lives."""
    token = _token(request, audience)
    return await find(audience, token) if TOKEN.fullmatch(token) else None


def refuse_nobody(request: web.Request, audience: Audience) -> ServiceError:
    """Return login.expired to who came with a login's cookie, and login.missing to others."""
    return ServiceError("login.expired" if _token(request, audience) else "login.missing")


def _token(request: web.Request, audience: Audience) -> str:
    return request.cookies.get(COOKIES[audience], "") if audience in COOKIES else ""


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

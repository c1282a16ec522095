"""Cookies to actors: which login counts where. Who is behind a token, app.py passes in."""

from __future__ import annotations

import enum
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
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
    WORKER = "worker"


SOCKET_PATH = "/socket.io/"
MEDIA_PATH = "/api/media/"
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
# A media worker is no browser: it bears the service's secret, which is base64.
BEARER = re.compile(r"Bearer ([A-Za-z0-9+/]{1,128}={0,2})")

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
    if path.startswith(MEDIA_PATH):
        return Audience.WORKER
    if path.startswith("/api/citizen"):
        return Audience.CITIZEN
    return Audience.STAFF


async def find_actor(request: web.Request, audience: Audience, find: FindLogin) -> Actor | None:
    """Return who holds the cookie of this audience, if its login still lives, or which worker."""
    if audience is Audience.WORKER:
        borne = BEARER.fullmatch(request.headers.get("Authorization", ""))
        return None if borne is None else await find(audience, borne.group(1))
    token = _token(request, audience)
    return await find(audience, token) if TOKEN.fullmatch(token) else None


def is_foreign(request: web.Request, origins: Collection[str]) -> bool:
    """Say whether a request comes from a page that is none of ours.

    A worker comes from no page at all: what bears a cookie or an Origin is none.
    """
    socket = request.path.startswith(SOCKET_PATH) and request.query.get("as") == Audience.WORKER
    if socket or request.path.startswith(MEDIA_PATH):
        return "Origin" in request.headers or "Cookie" in request.headers
    return request.headers.get("Origin") not in origins


def refuse_nobody(request: web.Request, audience: Audience) -> ServiceError:
    """Return login.expired to who came with a login's cookie, and login.missing to others.

    A worker is told that its secret is wrong.
    """
    if audience is Audience.WORKER:
        return ServiceError("login.refused")
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

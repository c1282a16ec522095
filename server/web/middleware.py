"""What holds for every request: an id, a log line, a known Origin, a login, one answer shape."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from http import HTTPStatus

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import Counter, Histogram

from server.db.engine import is_busy
from server.errors import CODES, ServiceError
from server.web.http import ADDRESS, REQUEST_ID
from server.web.login import (
    ACTORS,
    SOCKET_PATH,
    Audience,
    FindLogin,
    audience_of,
    find_actor,
    is_foreign,
)

log = structlog.get_logger("kuayu.http")

HTTPS_HEADERS: Mapping[str, str] = {"Strict-Transport-Security": "max-age=31536000"}
CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self' ws: wss:; "
        "worker-src 'self'; manifest-src 'self'; "
        "frame-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}

# What aiohttp itself refuses, in our codes.
STANDS_FOR: Mapping[int, str] = {
    HTTPStatus.NOT_FOUND: "route.unknown",
    HTTPStatus.METHOD_NOT_ALLOWED: "method.wrong",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "body.too_large",
}

REQUESTS = Counter("kuayu_http_requests", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram("kuayu_http_seconds", "Seconds a request took", ["method", "route"])


def build(
    *, origins: tuple[str, ...], proxies: tuple[str, ...], find: FindLogin, https: bool
) -> list[Middleware]:
    """Return the middlewares, outermost first."""
    headers = {**HEADERS, **(HTTPS_HEADERS if https else {})}

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[REQUEST_ID] = uuid.uuid4().hex
        request[ADDRESS] = _address(request, proxies)
        request[ACTORS] = {}
        began = time.perf_counter()
        response = await _settle(request, handler)
        _report(request, response.status, time.perf_counter() - began)
        if not response.prepared:
            response.headers.setdefault("X-Request-Id", request[REQUEST_ID])
            for name, value in headers.items():
                response.headers.setdefault(name, value)
        return response

    @web.middleware
    async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
        sockets = request.path.startswith(SOCKET_PATH)
        if (request.method in CHANGES or sockets) and is_foreign(request, origins):
            raise ServiceError("origin.foreign")
        if sockets or request.path.startswith("/api/"):
            await _sign_in(request, audience_of(request), find)
        return await handler(request)

    return [answer, admit]


async def _sign_in(request: web.Request, audience: Audience, find: FindLogin) -> None:
    actor = await find_actor(request, audience, find)
    request[ACTORS] = {} if actor is None else {audience: actor}


async def _settle(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ServiceError as error:
        return refuse(request, error)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        response = refuse(request, ServiceError(STANDS_FOR.get(error.status, "body.malformed")))
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except Exception as error:
        if is_busy(error):
            log.warning("busy", request_id=request[REQUEST_ID], route=_route(request))
            return refuse(request, ServiceError("server.busy", seconds=1))
        log.exception("crash", request_id=request[REQUEST_ID], route=_route(request))
        return refuse(request, ServiceError("server.broken"))


def refuse(request: web.Request, error: ServiceError) -> web.Response:
    """Answer a refusal in the one answer shape."""
    details = dict(error.details)
    field = details.pop("field", None)
    response = web.json_response(
        {
            "data": None,
            "error": {"code": error.code, "field": field, "details": details},
            "request_id": request[REQUEST_ID],
        },
        status=error.status,
        headers={"Cache-Control": "no-store"},
        dumps=lambda value: json.dumps(value, ensure_ascii=False, default=str),
    )
    if error.status in {CODES["rate.exceeded"], CODES["server.busy"]}:
        response.headers["Retry-After"] = str(details.get("seconds", 60))
    if request.body_exists and not request.content.at_eof():
        # What is left of a refused body is not read; the connection cannot be used again.
        response.force_close()
    return response


def _address(request: web.Request, proxies: tuple[str, ...]) -> str:
    """Return the caller's address; X-Forwarded-For counts only from a proxy we were told of."""
    nearest = request.remote or ""
    if nearest in proxies:
        told = request.headers.get("X-Forwarded-For", "").split(",")[-1].strip()
        return told or nearest
    return nearest


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unknown"


def _report(request: web.Request, status: int, seconds: float) -> None:
    route = _route(request)
    REQUESTS.labels(request.method, route, status).inc()
    SECONDS.labels(request.method, route).observe(seconds)
    # Neither query nor path values: they may name a case.
    log.info(
        "answered",
        request_id=request[REQUEST_ID],
        method=request.method,
        route=route,
        status=status,
        ms=round(seconds * 1000, 1),
    )

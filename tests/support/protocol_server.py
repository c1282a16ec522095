"""A small service that speaks the shape of docs/protocol.md and nothing of its meaning."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import socketio
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler

Ack = Callable[[str, dict[str, Any], str], Awaitable[dict[str, Any]]]

COOKIES = {
    "staff": "__Host-kuayu",
    "device": "__Host-kuayu-device",
    "citizen": "__Host-kuayu-citizen",
}


def answer(data: object) -> dict[str, Any]:
    """The one answer shape, with data."""
    return {"data": data, "error": None, "request_id": "test"}


def refusal(code: str, **more: object) -> dict[str, Any]:
    """The one answer shape, refused."""
    return {"data": None, "error": {"code": code, **more}, "request_id": "test"}


def name_of(request: web.Request) -> str:
    """Who asks: a clerk's cookie is the name they signed in with."""
    return request.cookies.get(COOKIES["staff"], "")


@dataclass
class Seen:
    """One request as it came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> dict[str, Any]:
        return dict(json.loads(self.content))


@dataclass
class ProtocolServer:
    """Cookies, Origin, idempotency, notices and acknowledgements; tests put answers in."""

    answers: dict[tuple[str, str], Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    handshakes: list[dict[str, str]] = field(default_factory=list)
    cut: int = 0  # So many of the next requests are carried out but lose their answer.
    once: dict[str, Any] = field(default_factory=dict)
    carried_out: int = 0
    acknowledge: Ack | None = None

    def __post_init__(self) -> None:
        self.sio = socketio.AsyncServer(
            async_mode="aiohttp", transports=["websocket"], async_handlers=False
        )
        self.sio.on("*", self._on_event)
        self.app = web.Application(middlewares=[self._gate], client_max_size=50_000_000)
        self.sio.attach(self.app)
        self.app.router.add_route("*", "/api/{rest:.*}", self._on_request)
        self.url = ""

    async def tell(self, event: str, data: dict[str, Any], to: str | None = None) -> None:
        """Emit a notice to one socket, or to everyone who is connected."""
        await self.sio.emit(event, data, to=to)

    def name_behind(self, sid: str) -> str:
        """Who is behind a socket."""
        return name_of(self.sio.get_environ(sid)["aiohttp.request"])

    async def drop_sockets(self) -> None:
        """Break every socket off."""
        for sid in list(self.sio.manager.rooms.get("/", {}).get(None, {})):
            await self.sio.disconnect(sid)

    @web.middleware
    async def _gate(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        handshake = request.path.startswith("/socket.io/")
        foreign = request.headers.get("Origin") != self.url
        if foreign and (handshake or request.method != "GET"):
            return web.json_response(refusal("origin.foreign"), status=403)
        if handshake:
            self.handshakes.append({**request.query, **request.cookies})
            if COOKIES[request.query["as"]] not in request.cookies:
                return web.json_response(refusal("login.missing"), status=401)
        return await handler(request)

    async def _on_event(self, event: str, sid: str, data: dict[str, Any]) -> dict[str, Any]:
        self.events.append((event, data))
        if self.acknowledge is not None:
            return await self.acknowledge(event, data, sid)
        return answer({"event": event, **data})

    async def _on_request(self, request: web.Request) -> web.StreamResponse:
        content = await request.read()
        self.seen.append(
            Seen(request.method, request.path, dict(request.query), dict(request.headers), content)
        )
        key = request.headers.get("Idempotency-Key")
        if key is None or key not in self.once:
            self.carried_out += 1
            self.once[key or ""] = self._answer(request)
        if self.cut > 0:
            self.cut -= 1
            assert request.transport is not None
            request.transport.abort()
            await asyncio.Event().wait()
        return self._response(request, self.once[key or ""])

    def _answer(self, request: web.Request) -> object:
        found = self.answers.get((request.method, request.path), (404, "route.unknown"))
        if callable(found):
            return found(name_of(request)) if found.__code__.co_argcount else found()
        return found

    def _response(self, request: web.Request, found: object) -> web.StreamResponse:
        if request.path in self.files:
            return web.Response(body=self.files[request.path], content_type="application/pdf")
        if isinstance(found, tuple):
            status, error = found
            error = error if isinstance(error, dict) else {"code": error}
            return web.json_response(refusal(**error), status=status)
        if isinstance(found, web.Response):
            return found
        response = web.json_response(answer(found))
        kind = {"/api/login": "staff", "/api/citizen/login": "citizen"}.get(request.path)
        if request.path == "/api/facing/pairings/claim":
            kind = "device"
        if kind is not None:
            name = COOKIES[kind]
            secret = "secret" if kind != "staff" else str(self.seen[-1].body["name"])
            response.set_cookie(name, secret, path="/", secure=True, httponly=True)
        return response


@asynccontextmanager
async def protocol_server() -> AsyncIterator[ProtocolServer]:
    """Serve the protocol's shape on an ephemeral port of 127.0.0.1."""
    service = ProtocolServer()
    server = TestServer(service.app, host="127.0.0.1")
    await server.start_server(shutdown_timeout=0.1)
    service.url = str(server.make_url("")).rstrip("/")
    try:
        yield service
    finally:
        await server.close()

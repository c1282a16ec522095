"""Engine.IO connections: each one ends at the first fault, with its login, and with its client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import engineio
import socketio
import structlog
from aiohttp import web

from server.errors import ServiceError
from server.web import channel
from server.web.channel import CHANNEL, Channel, abort

log = structlog.get_logger("kuayu.socket")

MAX_QUEUED_PACKETS = 500
JOIN_SECONDS = 10

# The id that Engine.IO gave to the connection which came of a request.
LINE = web.RequestKey("line", str)
# The one namespace that it may join.
NAMESPACE = web.RequestKey("namespace", str)


class Lines(socketio.AsyncServer):  # type: ignore[misc]  # python-socketio has no type marker
    """A Socket.IO server whose connections can be ended for good.

    The library swallows what a bad packet raises, keeps a connection whose client left the
    namespace, and waits for ever for one that does not read.
    """

    def __init__(self, **options: object) -> None:
        """Take python-socketio's options."""
        super().__init__(**options)
        self.eio.cut = self.cut

    def requests(self) -> list[web.Request]:
        """Return the request behind every live connection, joined or not."""
        return [environ["aiohttp.request"] for environ in self.environ.values()]

    def cut(self, line: str) -> None:
        """Break a connection off, whether its client reads or not."""
        environ = self.environ.get(line)
        if environ is not None:
            abort(environ["aiohttp.request"])

    def refuse(self, line: str, code: str) -> None:
        """Read no more from a connection, send what waits and close it with the reason."""
        environ, socket = self.environ.get(line), self.eio.sockets.get(line)
        request = environ and environ["aiohttp.request"]
        if request and socket and CHANNEL in request:
            request[CHANNEL].refuse(code)
            _end_writer(socket)

    async def close(self, line: str) -> None:
        """Send what waits, then end the connection; cut it if that takes too long."""
        namespace = self._namespace(line)
        sid = self.manager.sid_from_eio_sid(line, namespace)
        if sid is not None and self.manager.is_connected(sid, namespace):
            await self.disconnect(sid, namespace=namespace, ignore_queue=True)
        socket = self.eio.sockets.get(line)
        if socket is not None and not socket.closed and not socket.closing:
            await socket.close(wait=False)
            _end_writer(socket)

    async def forget(self, request: web.Request) -> None:
        """Take away what a connection left that is over."""
        socket = self.eio.sockets.pop(request.get(LINE, ""), None)
        if socket is not None and not socket.closed:
            await socket.close(wait=False, abort=True)
            _end_writer(socket)

    async def _handle_eio_connect(self, line: str, environ: Mapping[str, Any]) -> None:
        environ["aiohttp.request"][LINE] = line
        await super()._handle_eio_connect(line, environ)
        asyncio.get_running_loop().call_later(JOIN_SECONDS, self._refuse_unless_joined, line)

    async def _handle_eio_message(self, line: str, data: object) -> None:
        if line not in self.environ:
            return
        try:
            await super()._handle_eio_message(line, data)
        except ServiceError as refused:
            self.refuse(line, refused.code)
        except Exception:
            log.exception("crash", socket_event="message")
            self.refuse(line, "server.broken")

    async def _handle_eio_disconnect(self, line: str, reason: str) -> None:
        environ = self.environ.get(line)
        await super()._handle_eio_disconnect(line, reason)
        if environ is not None:
            request = environ["aiohttp.request"]
            asyncio.get_running_loop().call_later(channel.GRACE_SECONDS, abort, request)

    async def _handle_connect(self, line: str, namespace: str | None, data: object) -> None:
        self._require(line, namespace)
        if self._joined(line):
            raise ServiceError("join.repeated")
        await super()._handle_connect(line, namespace, data)

    async def _handle_event(
        self, line: str, namespace: str | None, number: int | None, data: list[object]
    ) -> None:
        self._require(line, namespace)
        await super()._handle_event(line, namespace, number, data)

    def _require(self, line: str, namespace: str | None) -> None:
        if (namespace or "/") != self._namespace(line):
            raise ServiceError("namespace.unknown")

    def _namespace(self, line: str) -> str:
        environ = self.environ.get(line)
        return "/" if environ is None else str(environ["aiohttp.request"][NAMESPACE])

    def _refuse_unless_joined(self, line: str) -> None:
        if not self._joined(line):
            self.refuse(line, "join.missing")

    def _joined(self, line: str) -> bool:
        return self.manager.sid_from_eio_sid(line, self._namespace(line)) is not None

    def _engineio_server_class(self) -> type[_Engine]:
        return _Engine


class _Engine(engineio.AsyncServer):  # type: ignore[misc]  # engineio has no type marker
    """Has our own channel to its clients, and does not queue without end for one.

    A client that does not read is cut off without a word: it would not read that either.
    """

    cut: Callable[[str], None]

    def __init__(self, **options: object) -> None:
        """Take engine.io's options."""
        super().__init__(**options)
        # The library has no other way to bring a driver; a test says when its parts are others.
        self._async: dict[str, object] = {**self._async, "websocket": Channel}

    async def send_packet(self, sid: str, pkt: object) -> None:
        """Queue one packet, or cut the connection when too many wait."""
        socket = self.sockets.get(sid)
        if socket is not None and socket.queue.qsize() >= MAX_QUEUED_PACKETS:
            log.warning("socket dropped", why="does not read")
            self.cut(sid)
            return
        await super().send_packet(sid, pkt)


def _end_writer(socket: engineio.AsyncSocket) -> None:
    """Let a connection close, after all that was put before."""
    socket.queue.put_nowait(None)

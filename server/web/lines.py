"""Engine.IO connections: each one ends at the first fault, with its login, and with its client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import engineio
import socketio
import structlog
from aiohttp import web
from engineio.packet import CLOSE, MESSAGE, PONG, Packet

log = structlog.get_logger("kuayu.socket")

MAX_QUEUED_PACKETS = 500
JOIN_SECONDS = 10
GRACE_SECONDS = 5
FROM_CLIENTS = frozenset({CLOSE, PONG, MESSAGE})

# The id that Engine.IO gave to the connection which came of a request.
LINE = web.RequestKey("line", str)


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
            _abort(environ["aiohttp.request"])

    async def close(self, line: str) -> None:
        """Send what waits, then end the connection; cut it if that takes too long."""
        sid = self.manager.sid_from_eio_sid(line, "/")
        if sid is not None and self.manager.is_connected(sid, "/"):
            await self.disconnect(sid, ignore_queue=True)
        socket = self.eio.sockets.get(line)
        if socket is not None and not socket.closed and not socket.closing:
            await socket.close(wait=False)
            # What ends the writer, after all that was put before.
            socket.queue.put_nowait(None)

    async def forget(self, request: web.Request) -> None:
        """Take away what a connection left that is over."""
        socket = self.eio.sockets.pop(request.get(LINE, ""), None)
        if socket is not None and not socket.closed:
            await socket.close(wait=False, abort=True)
            socket.queue.put_nowait(None)

    async def _handle_eio_connect(self, line: str, environ: Mapping[str, Any]) -> None:
        environ["aiohttp.request"][LINE] = line
        await super()._handle_eio_connect(line, environ)
        socket = self.eio.sockets[line]
        socket.receive = partial(self._receive, line, socket.receive)
        asyncio.get_running_loop().call_later(JOIN_SECONDS, self._cut_unless_joined, line)

    async def _receive(
        self, line: str, receive: Callable[[Packet], Awaitable[None]], packet: Packet
    ) -> None:
        if packet.packet_type in FROM_CLIENTS:
            await receive(packet)
        else:
            self.cut(line)

    async def _handle_eio_message(self, line: str, data: object) -> None:
        if line not in self.environ:
            return
        try:
            await super()._handle_eio_message(line, data)
        except Exception as error:  # noqa: BLE001 (whatever it was, this connection ends)
            log.info("socket dropped", why=type(error).__name__)
            self.cut(line)

    async def _handle_eio_disconnect(self, line: str, reason: str) -> None:
        environ = self.environ.get(line)
        await super()._handle_eio_disconnect(line, reason)
        if environ is not None:
            request = environ["aiohttp.request"]
            asyncio.get_running_loop().call_later(GRACE_SECONDS, _abort, request)

    async def _handle_connect(self, line: str, namespace: str | None, data: object) -> None:
        if self._joined(line):
            self.cut(line)
        else:
            await super()._handle_connect(line, namespace, data)

    def _cut_unless_joined(self, line: str) -> None:
        if not self._joined(line):
            self.cut(line)

    def _joined(self, line: str) -> bool:
        return self.manager.sid_from_eio_sid(line, "/") is not None

    def _engineio_server_class(self) -> type[_Engine]:
        return _Engine


class _Engine(engineio.AsyncServer):  # type: ignore[misc]  # engineio has no type marker
    """Drops a client that does not read, instead of queueing for it without end."""

    cut: Callable[[str], None]

    async def send_packet(self, sid: str, pkt: object) -> None:
        """Queue one packet, or cut the connection when too many wait."""
        socket = self.sockets.get(sid)
        if socket is not None and socket.queue.qsize() >= MAX_QUEUED_PACKETS:
            log.warning("socket dropped", why="does not read")
            self.cut(sid)
            return
        await super().send_packet(sid, pkt)


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()

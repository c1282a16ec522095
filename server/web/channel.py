"""One WebSocket under Engine.IO: what may come in, and how it closes with the reason."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import structlog
from aiohttp import WSCloseCode, WSMsgType, web
from engineio.packet import CLOSE, MESSAGE, PONG

log = structlog.get_logger("kuayu.socket")

GRACE_SECONDS = 5
LINGER_SECONDS = 1

# Engine.IO's packets that a client may send, by the character that they begin with.
FROM_CLIENTS = frozenset(str(kind) for kind in (CLOSE, PONG, MESSAGE))
# RFC 6455, 7.4.1; every other refusal is a violation of our policy.
CLOSE_CODES = {
    "frame.too_large": WSCloseCode.MESSAGE_TOO_BIG,
    "server.broken": WSCloseCode.INTERNAL_ERROR,
}


def close_code(refusal: str) -> int:
    """Return the code with which a WebSocket closes for this refusal."""
    return CLOSE_CODES.get(refusal, WSCloseCode.POLICY_VIOLATION)


def abort(request: web.Request) -> None:
    """Break the connection of a request off at once."""
    if request.transport is not None:
        request.transport.abort()


class _Socket(web.WebSocketResponse):
    """Leaves it to its channel to close when something came that cannot be read."""

    unreadable: int | None = None

    async def close(
        self, *, code: int = WSCloseCode.OK, message: bytes = b"", drain: bool = True
    ) -> bool:
        """Close; but note a close code of aiohttp's own, which would come without a reason."""
        if code == WSCloseCode.OK or message:
            return await super().close(code=code, message=message, drain=drain)
        self.unreadable = code
        return False


class Channel:
    """Engine.IO's WebSocket of aiohttp, which ends at the first fault and says at which.

    Nothing is read after a fault. What was to be sent before it still goes out, then the close
    frame, whose reason is the refusal's stable code.
    """

    def __init__(self, serve: Callable[[Channel], Awaitable[None]], server: Any) -> None:  # noqa: ANN401 (engine.io has no types)
        """Take what engine.io gives to its driver: whom to serve, and its own settings."""
        self._serve = serve
        self._socket = _Socket(timeout=GRACE_SECONDS, max_msg_size=server.max_http_buffer_size)
        self._request: web.Request | None = None
        self._refusal: str | None = None
        self._ended = False

    async def __call__(self, environ: Mapping[str, Any]) -> web.StreamResponse:
        """Take the upgrade and serve the connection to its end."""
        self._request = request = environ["aiohttp.request"]
        request[CHANNEL] = self
        await self._socket.prepare(request)
        try:
            await self._serve(self)
        except Exception as error:  # noqa: BLE001 (whatever engine.io cannot decode)
            log.info("frame not read", why=type(error).__name__)
            self.refuse("frame.malformed")
            await self.close()
        return self._socket

    def refuse(self, code: str) -> None:
        """Read no more, and close with `code`; a client that will not go is cut off."""
        if self._refusal is None and self._request is not None:
            self._refusal = code
            log.info("socket refused", code=code)
            asyncio.get_running_loop().call_later(GRACE_SECONDS, abort, self._request)

    async def wait(self) -> str:
        """Return the next frame; OSError is what engine.io takes as the end."""
        if self._refusal is None:
            message = await self._socket.receive()
            match message.type:
                case WSMsgType.TEXT if message.data[:1] in FROM_CLIENTS:
                    return str(message.data)
                case WSMsgType.TEXT | WSMsgType.BINARY:
                    self.refuse("frame.malformed")
                case _ if self._socket.unreadable == WSCloseCode.MESSAGE_TOO_BIG:
                    self.refuse("frame.too_large")
                case _ if self._socket.unreadable is not None:
                    self.refuse("frame.malformed")
                case _:
                    pass
        raise OSError

    async def send(self, frame: str) -> None:
        """Send a frame; engine.io has nothing binary to send for us."""
        await self._socket.send_str(frame)

    async def close(self) -> None:
        """Close, with the reason if something was refused."""
        if self._refusal is None:
            await self._socket.close()
        elif not self._ended:
            self._ended = True
            code, reason = close_code(self._refusal), self._refusal.encode()
            if self._socket.unreadable is None:
                await self._socket.close(code=code, message=reason)
            else:
                await self._close_unread(struct.pack("!H", code) + reason)

    async def _close_unread(self, payload: bytes) -> None:
        """Close although the client may be in the middle of a frame of any length.

        aiohttp would close the transport at once; to what the client still sends the kernel then
        answers with a reset, and the close frame is lost. So we listen on a little, to nothing.
        """
        with suppress(ConnectionError):
            await self._socket.send_frame(payload, WSMsgType.CLOSE)
            await asyncio.sleep(LINGER_SECONDS)
        if self._request is not None and self._request.transport is not None:
            self._request.transport.close()


CHANNEL = web.RequestKey("channel", Channel)

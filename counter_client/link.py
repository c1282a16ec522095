"""One person's or device's line to the service: commands by HTTP, news by socket."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self

import aiohttp
import socketio
from yarl import URL

from .answers import Data, Refusal, ServerLostError, decode_answer, read_answer
from .news import News, Notice, Where

Login = Literal["staff", "device", "citizen"]

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 1.0
ANSWER_TIME = aiohttp.ClientTimeout(total=60, sock_connect=10)
JSON = "application/json"


def new_key() -> str:
    """Return a fresh Idempotency-Key: 32 characters of `A-Za-z0-9_-`."""
    return secrets.token_urlsafe(24)


def plain_http(base: str) -> set[URL]:
    """Return the origins to which Secure cookies may go although they are not https.

    The cookie jar compares whole origins and the socket's handshake has the scheme ws, so an
    http origin stands beside its ws twin.
    """
    origin = URL(base).origin()
    return {origin, origin.with_scheme("ws")} if origin.scheme == "http" else set()


class WebSocket(aiohttp.ClientWebSocketResponse):
    """Keeps the reason with which the other side closed it."""

    reason = ""

    async def receive(self, timeout: float | None = None) -> aiohttp.WSMessage:  # noqa: ASYNC109 (aiohttp's)
        """Return what comes next."""
        message = await super().receive(timeout)
        if message.type is aiohttp.WSMsgType.CLOSE:
            self.reason = str(message.extra or "")
        return message


@dataclass(frozen=True)
class Request:
    """One command as it goes over the wire, the same on every attempt."""

    method: str
    path: str
    content: bytes | None = None
    media_type: str = JSON
    key: str | None = None
    query: Mapping[str, str | int] | None = None

    @property
    def repeatable(self) -> bool:
        """Say whether sending it twice does no more than sending it once."""
        return self.method == "GET" or self.key is not None

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers that this request needs beside Origin and cookies."""
        headers = {} if self.content is None else {"Content-Type": self.media_type}
        return headers if self.key is None else {**headers, "Idempotency-Key": self.key}


class Link:
    """A line to the service at `base`, to be made inside a running event loop and closed.

    A request that got no answer is sent again, for `patience` seconds, if it never left, is a
    GET or bears an Idempotency-Key; else ServerLostError says that its fate is unknown.
    """

    def __init__(
        self,
        base: str,
        *,
        origin: str | None = None,
        patience: float = 5.0,
        tls: ssl.SSLContext | None = None,
        source: str | None = None,
    ) -> None:
        """Speak to `base`, calling ourselves a page of `origin` (`base` itself by default).

        `source` is the address of ours to speak from.
        """
        self.base = base.rstrip("/")
        self.patience = patience
        self.news = News()
        self._http = aiohttp.ClientSession(
            headers={"Origin": origin or str(URL(base).origin())},
            cookie_jar=aiohttp.CookieJar(unsafe=True, treat_as_secure_origin=plain_http(base)),
            connector=aiohttp.TCPConnector(
                ssl=tls if tls is not None else True,
                local_addr=None if source is None else (source, 0),
            ),
            timeout=ANSWER_TIME,
            ws_response_class=WebSocket,
        )
        self._socket: socketio.AsyncClient | None = None
        self._lost = asyncio.Event()
        self._why: str | None = None
        self._unanswered: set[asyncio.Future[object]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Leave: the socket and every connection are closed, whoever waits for news is told."""
        await self.stop_listening()
        await self._http.close()

    # Commands

    async def command(
        self,
        method: str,
        path: str,
        body: Data | None = None,
        *,
        key: str | None = None,
        query: Mapping[str, str | int] | None = None,
    ) -> Data:
        """Send a command and return the answer's data; a refused one raises Refusal."""
        data = await self._ask(self._json(method, path, body, key, query))
        if not isinstance(data, dict):
            raise Refusal("answer.unreadable", 200)
        return data

    async def find(self, path: str) -> Data | None:
        """Return what is at `path`, or None where the service says that there is nothing yet."""
        data = await self._ask(Request("GET", path))
        if data is not None and not isinstance(data, dict):
            raise Refusal("answer.unreadable", 200)
        return data

    async def upload(
        self,
        path: str,
        content: bytes,
        media_type: str,
        *,
        key: str | None = None,
        query: Mapping[str, str | int] | None = None,
    ) -> Data:
        """Send a raw file with its length and return the answer's data."""
        data = await self._ask(Request("POST", path, content, media_type, key, query))
        if not isinstance(data, dict):
            raise Refusal("answer.unreadable", 200)
        return data

    async def fetch(
        self,
        path: str,
        *,
        method: str = "GET",
        body: Data | None = None,
        query: Mapping[str, str | int] | None = None,
    ) -> bytes:
        """Return a file's bytes; what the service refuses is raised as Refusal."""
        status, content = await self._send(self._json(method, path, body, None, query))
        if status != 200:  # noqa: PLR2004 (OK)
            decode_answer(content, status)
            raise Refusal("answer.unreadable", status)
        return content

    @staticmethod
    def _json(
        method: str,
        path: str,
        body: Data | None,
        key: str | None,
        query: Mapping[str, str | int] | None,
    ) -> Request:
        """Return the request for a JSON command; every change has a body, if an empty one."""
        content = None
        if method not in {"GET", "HEAD"}:
            content = json.dumps(body or {}, ensure_ascii=False).encode()
        return Request(method, path, content, JSON, key, query)

    async def _ask(self, request: Request) -> Any:  # noqa: ANN401 (data is any JSON value)
        """Send a request and return the data of its answer."""
        status, content = await self._send(request)
        return decode_answer(content, status)

    async def _send(self, request: Request) -> tuple[int, bytes]:
        """Return status and body of the answer, asking again after a lost connection if we may."""
        clock = asyncio.get_running_loop().time
        deadline, pause = clock() + self.patience, FIRST_PAUSE
        while True:
            try:
                return await self._send_once(request)
            except aiohttp.ClientSSLError as refused:
                raise ServerLostError(str(refused)) from refused
            except aiohttp.ClientConnectorError as never_sent:
                if clock() + pause > deadline:
                    raise ServerLostError(str(never_sent)) from never_sent
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as broken:
                if not request.repeatable or clock() + pause > deadline:
                    raise ServerLostError(
                        f"{request.method} {request.path}: {broken!r}"
                    ) from broken
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _send_once(self, request: Request) -> tuple[int, bytes]:
        """Send a request once and read the whole answer."""
        async with self._http.request(
            request.method,
            self.base + request.path,
            data=request.content,
            headers=request.headers,
            params=request.query,
            allow_redirects=False,
        ) as response:
            return response.status, await response.read()

    # News

    async def listen(self, login: Login = "staff", *, within: float = 30.0) -> None:
        """Open the socket of that kind of login; from now on news is heard, or kept for `heard`.

        Raises Refusal `socket.refused` with the handshake's status when we are not let in.
        """
        await self.stop_listening()
        socket = socketio.AsyncClient(
            reconnection=False, handle_sigint=False, http_session=self._http
        )
        socket.on("*", self._hear)
        socket.on("disconnect", self._lose)
        self._socket, self._lost, self._why = socket, asyncio.Event(), None
        self.news.begin()
        try:
            await socket.connect(
                f"{self.base}/?as={login}", transports=["websocket"], wait_timeout=within
            )
        except socketio.exceptions.ConnectionError as refused:
            self._lose()
            raise _why_not_let_in(refused) from refused

    async def stop_listening(self) -> None:
        """Close the socket; whoever waits for news is told that none will come."""
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.shutdown()
            self._lose()

    @property
    def listening(self) -> bool:
        """Say whether the socket is open."""
        return self._socket is not None and not self._lost.is_set()

    async def lost(self) -> str | None:
        """Wait until the socket is gone; return the code with which the service closed it, if any.

        Such a code says that something we sent was refused: to connect again and send the same
        ends the same.
        """
        await self._lost.wait()
        return self._why

    async def heard(self, event: str, where: Where = None, within: float | None = 30.0) -> Data:
        """Return the oldest notice of that event that is meant, heard already or yet to come.

        `where` is a mapping of values that must be equal, or a question put to the notice's
        data. Each notice is returned once. Raises TimeoutError, or ServerLostError when the socket
        is gone.
        """
        return await self.news.next(event, where, within)

    async def emit(self, event: str, body: Data, *, within: float = 30.0) -> Data:
        """Send an event and return its acknowledgement's data; a refused one raises Refusal."""
        if self._socket is None or self._lost.is_set():
            raise ServerLostError("the socket is gone", self._why)
        answered: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._unanswered.add(answered)

        def acknowledge(*answers: object) -> None:
            if not answered.done():
                answered.set_result(answers[0] if len(answers) == 1 else None)

        try:
            await self._socket.emit(event, body, callback=acknowledge)
            async with asyncio.timeout(within):
                return read_answer(await answered, None) or {}
        except socketio.exceptions.BadNamespaceError as error:
            raise ServerLostError("the socket is gone", self._why) from error
        finally:
            self._unanswered.discard(answered)

    def _hear(self, event: str, *arguments: object) -> None:
        """Keep a notice, or give it to whoever waits for it."""
        data = arguments[0] if arguments else {}
        self.news.add(Notice(event, data if isinstance(data, dict) else {"value": data}))

    def _lose(self, *_reason: object) -> None:
        """Tell everyone who waits that the socket is gone, and why if the service said so."""
        if not self._lost.is_set():
            self._why = _code_of(self._socket)
            self._lost.set()
        self.news.end(self._why)
        for answered in self._unanswered:
            if not answered.done():
                answered.set_exception(ServerLostError("the socket is gone", self._why))


def _code_of(socket: socketio.AsyncClient | None) -> str | None:
    """Return the code with which the service closed a socket, if it did."""
    wire = None if socket is None else socket.eio.ws
    said = wire.reason if isinstance(wire, WebSocket) else ""
    return said if re.fullmatch(r"[a-z_]+\.[a-z_]+", said) else None


def _why_not_let_in(refused: BaseException) -> Exception:
    """Return the refusal behind a failed handshake, or ServerLostError when nobody answered."""
    reason: BaseException | None = refused
    while reason is not None:
        if isinstance(reason, aiohttp.WSServerHandshakeError):
            return Refusal("socket.refused", reason.status)
        if isinstance(reason, aiohttp.ClientConnectionError):
            return ServerLostError(str(reason))
        reason = reason.__cause__ or reason.__context__
    return Refusal("socket.refused")

"""A WebSocket by hand: what a client could send that no library would."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientWebSocketResponse, WSMsgType

from server.web.login import COOKIES, Audience
from tests.support.site import Site

QUERY = "EIO=4&transport=websocket"
ENDS = {WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR}


@dataclass
class Wire:
    """One connection, frame by frame."""

    ws: ClientWebSocketResponse
    # Code and reason of the close frame that came.
    closed: tuple[int, str] | None = None
    # What stands before the data of a packet: nothing for the namespace of all.
    space: str = ""

    async def send(self, frame: str | bytes) -> None:
        if isinstance(frame, bytes):
            await self.ws.send_bytes(frame)
        else:
            await self.ws.send_str(frame)

    async def frame(self) -> str | None:
        """Return the next frame that is no ping; None when the connection has ended."""
        async with asyncio.timeout(60):
            while True:
                message = await self.ws.receive()
                if message.type is WSMsgType.CLOSE:
                    self.closed = (message.data, str(message.extra))
                if message.type in ENDS:
                    return None
                if message.data != "2":
                    return str(message.data)

    async def join(self) -> None:
        """Open the connection as clients do."""
        opened = await self.frame()
        assert opened is not None
        assert opened.startswith("0{")
        await self.send(f"40{self.space}")
        joined = await self.frame()
        assert joined is not None
        assert joined.startswith(f'40{self.space}{{"sid":')

    async def say(self, event: str, data: object, number: int = 1) -> Any:  # noqa: ANN401
        """Send an event and return its acknowledgement; notices between are passed over."""
        await self.send(f"42{self.space}{number}{json.dumps([event, data])}")
        answer = f"43{self.space}{number}"
        while (frame := await self.frame()) is not None:
            if frame.startswith(f"{answer}["):
                return json.loads(frame.removeprefix(answer))[0]
        return None

    async def notice(self) -> tuple[str, Any] | None:
        """Return the next notice's name and object; None when the connection has ended."""
        while (frame := await self.frame()) is not None:
            if frame.startswith("42"):
                name, data = json.loads(frame.removeprefix(f"42{self.space}"))
                return name, data
        return None

    async def ended(self) -> list[str]:
        """Wait for the end, and return the frames that came before it."""
        frames = []
        while (frame := await self.frame()) is not None:
            frames.append(frame)
        return frames


@asynccontextmanager
async def wired(
    site: Site,
    token: str = "clerk",
    *,
    audience: Audience = Audience.STAFF,
    join: bool = True,
    compress: int = 0,
) -> AsyncIterator[Wire]:
    """Connect with a login's cookie, and join unless told not to."""
    async with site.browser.ws_connect(
        site.url(f"/socket.io/?{QUERY}&as={audience}"),
        headers=site.headers() | {"Cookie": f"{COOKIES[audience]}={token}"},
        compress=compress,
        max_msg_size=0,
    ) as ws:
        wire = Wire(ws)
        if join:
            await wire.join()
        yield wire


@asynccontextmanager
async def worker_wired(
    site: Site, secret: str = "secret", *, join: bool = True, **more: str
) -> AsyncIterator[Wire]:
    """Connect as a media worker, with further headers, and join unless told not to."""
    async with site.browser.ws_connect(
        site.url(f"/socket.io/?{QUERY}&as={Audience.WORKER}"),
        headers={"Authorization": f"Bearer {secret}", **more},
        max_msg_size=0,
    ) as ws:
        wire = Wire(ws, space="/media,")
        if join:
            await wire.join()
        yield wire

"""Who is measured in two pages: a bare call, PeerJS, and our own calls, relayed and direct."""

from __future__ import annotations

import asyncio
import re
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from aiohttp import web
from playwright.async_api import Browser, Page, expect

import hatch_build
from tests.support.acts import hang_up, ready_case
from tests.support.media_worker import media_worker
from tests.support.screens import Screen, Stage
from tests.support.service import demonstration, free_port

SITE: Final = Path(__file__).parent / "site"
PEERJS: Final = ("peer@1.0.2", "peerjs@1.5.5")
PORTS: Final = range(39_000, 39_050)
CONNECTED = "() => watch.connections.some((one) => one.connectionState === 'connected')"


@dataclass(frozen=True, slots=True)
class Pages:
    """Both pages of a call that rings on the first of them."""

    accepting: Page
    other: Page


@dataclass(frozen=True, slots=True)
class Place:
    """The browser, and what runs in each of its pages before their own scripts."""

    browser: Browser
    script: str


Ring = Callable[[], AbstractAsyncContextManager[Pages]]


@asynccontextmanager
async def bare(place: Place, *, before: bool) -> AsyncIterator[Ring]:
    """Two connections and a WebSocket; `before`: connected before the click."""
    lines: list[web.WebSocketResponse] = []

    async def carry(request: web.Request) -> web.WebSocketResponse:
        line = web.WebSocketResponse()
        await line.prepare(request)
        lines.append(line)
        async for said in line:
            for other in lines:
                if other is not line and not other.closed:
                    await other.send_str(said.data)
        return line

    @asynccontextmanager
    async def ring() -> AsyncIterator[Pages]:
        lines.clear()
        async with AsyncExitStack() as stack:
            pages = [
                await stack.enter_async_context(opened(place, f"{home}/bare.html?{query}"))
                for query in (f"before={before}", f"before={before}&first=True")
            ]
            wanted = ("data-state", "connected") if before else ("data-rings", "true")
            for page in pages if before else pages[:1]:
                await expect(page.locator("body")).to_have_attribute(*wanted)
            yield Pages(*pages)

    async with site([web.get("/line", carry)]) as home:
        yield ring


@asynccontextmanager
async def peerjs(place: Place) -> AsyncIterator[Ring]:
    """PeerJS and its server, brought by npm into a folder that goes with the run."""
    numbers = count(1)

    @asynccontextmanager
    async def ring() -> AsyncIterator[Pages]:
        number = next(numbers)
        path = f"{home}/peerjs.html?port={port}"
        async with opened(place, f"{path}&id=b{number}") as accepting:
            body = accepting.locator("body")
            await expect(body).to_have_attribute("data-state", "open")
            async with opened(place, f"{path}&id=a{number}&call=b{number}") as other:
                await expect(body).to_have_attribute("data-rings", "true")
                yield Pages(accepting, other)

    with tempfile.TemporaryDirectory() as name:
        modules = await asyncio.to_thread(install, Path(name))
        port = free_port()
        server = subprocess.Popen(
            [hatch_build.npm()[0], modules / "peer/dist/bin/peerjs.js", "--port", str(port)],
            stdout=subprocess.DEVNULL,
        )
        try:
            async with site([web.static("/peerjs", modules / "peerjs/dist")]) as home:
                await answering(port)
                yield ring
        finally:
            server.terminate()
            server.wait()


def install(folder: Path) -> Path:
    """Install PeerJS of these versions; return the folder that its packages lie in."""
    order = hatch_build.npm("install", "--prefix", str(folder), "--no-audit", "--no-fund",
                            "--ignore-scripts", *PEERJS)  # fmt: skip
    subprocess.run(order, env=hatch_build.environment(), check=True, capture_output=True)
    return folder / "node_modules"


async def answering(port: int) -> None:
    """Wait until another process listens on a port."""
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


@asynccontextmanager
async def ours(place: Place, *, relayed: bool) -> AsyncIterator[Ring]:
    """Two workbenches of one demonstration; one case is called again and again."""
    with tempfile.TemporaryDirectory() as name:
        async with AsyncExitStack() as stack:
            service = await stack.enter_async_context(demonstration(Path(name) / "data"))
            if relayed:
                await stack.enter_async_context(media_worker(service, PORTS))
            stage = Stage(place.browser, service.url, place.script)
            counter = await stack.enter_async_context(stage.desk("wujiang-counter"))
            agent = await stack.enter_async_context(stage.desk("huoqiu-agent"))
            await ready_case(counter)
            await counter.click("next-step")

            @asynccontextmanager
            async def ring() -> AsyncIterator[Pages]:
                await agent.click("agent-ready")
                await expect(agent.at("offer-accept")).to_be_visible(timeout=20_000)
                if relayed:
                    for one in (agent, counter):
                        await one.page.wait_for_function(CONNECTED)
                await cameras(agent, counter)
                yield Pages(agent.page, counter.page)
                await hang_up(agent)

            yield ring


async def cameras(*screens: Screen) -> None:
    """Wait until the cameras are open: they are when a call is near."""
    for one in screens:
        await one.page.wait_for_function("() => watch.cameras > 0")


@asynccontextmanager
async def site(routes: Iterable[web.AbstractRouteDef]) -> AsyncIterator[str]:
    """Serve our own pages and these routes; yields where."""
    app = web.Application()
    app.add_routes([*routes, web.static("/", SITE)])
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", free_port())
    await listener.start()
    try:
        yield re.sub("/$", "", listener.name)
    finally:
        await runner.cleanup()


@asynccontextmanager
async def opened(place: Place, url: str) -> AsyncIterator[Page]:
    """Open a page in a context of its own."""
    context = await place.browser.new_context()
    await context.add_init_script(place.script)
    page = await context.new_page()
    try:
        await page.goto(url)
        yield page
    finally:
        await context.close()

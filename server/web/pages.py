"""The built browser client: one page for every screen, and assets that never change."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from server.errors import ServiceError

STATIC = Path(__file__).parent / "static"
SCREENS = (
    "/", "/login", "/board", "/recordings", "/recordings/{call}", "/register", "/facing",
    "/facing/{counter}", "/hall/{hall}", "/c", "/verify", "/v/{number}",
)  # fmt: skip


def add_pages(app: web.Application, folder: Path = STATIC) -> None:
    """Serve the client's one page at every screen's path, and its hashed assets for a year."""

    async def page(_request: web.Request) -> web.StreamResponse:
        index = folder / "index.html"
        if not index.is_file():
            raise ServiceError("route.unknown")
        return web.FileResponse(index, headers={"Cache-Control": "no-cache"})

    async def asset(request: web.Request) -> web.StreamResponse:
        found = (folder / "assets" / request.match_info["name"]).resolve()
        if found.parent != (folder / "assets").resolve() or not found.is_file():
            raise ServiceError("route.unknown")
        forever = {"Cache-Control": "public, max-age=31536000, immutable"}
        return web.FileResponse(found, headers=forever)

    async def icon(_request: web.Request) -> web.StreamResponse:
        found = folder / "favicon.svg"
        if not found.is_file():
            raise ServiceError("route.unknown")
        return web.FileResponse(found)

    for screen in SCREENS:
        app.router.add_get(screen, page)
    app.router.add_get("/assets/{name}", asset)
    app.router.add_get("/favicon.svg", icon)

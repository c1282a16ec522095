"""The built browser client: one page for every screen, and assets that never change."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from aiohttp import web

from server.errors import ServiceError

STATIC = Path(__file__).parent / "static"
SCREENS = (
    "/", "/login", "/board", "/recordings", "/recordings/{call}", "/register", "/facing",
    "/facing/{counter}", "/hall/{hall}", "/c", "/verify", "/v/{number}",
)  # fmt: skip
# Whatever is no part of the API, no file and no screen.
ELSEWHERE = r"/{rest:(?!api/|assets/|socket\.io/).+}"
# What browsers look for under one name for ever. The worker stands at the top, so that it may
# serve both /verify and /v/…; it asks for no more than these.
NAMED = {
    "favicon.svg": "image/svg+xml",
    "verify.webmanifest": "application/manifest+json",
    "verify-worker.js": "text/javascript",
    "verify-192.png": "image/png",
    "verify-512.png": "image/png",
    "verify-maskable-512.png": "image/png",
}
# Asked for again each time: a new version counts at once.
ASKED_AGAIN = {"Cache-Control": "no-cache"}
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}


@dataclass(frozen=True, slots=True)
class _Pages:
    folder: Path

    async def page(self, _request: web.Request) -> web.StreamResponse:
        return web.FileResponse(_found(self.folder / "index.html"), headers=ASKED_AGAIN)

    async def missing(self, request: web.Request) -> web.StreamResponse:
        """Show who followed a wrong address the page that says so; programs read a refusal."""
        if "text/html" not in request.headers.get("Accept", ""):
            raise ServiceError("route.unknown")
        answer = await self.page(request)
        answer.set_status(HTTPStatus.NOT_FOUND)
        return answer

    async def asset(self, request: web.Request) -> web.StreamResponse:
        found = (self.folder / "assets" / request.match_info["name"]).resolve()
        if found.parent != (self.folder / "assets").resolve():
            raise ServiceError("route.unknown")
        return web.FileResponse(_found(found), headers=FOREVER)

    async def named(self, request: web.Request) -> web.StreamResponse:
        name = request.path.removeprefix("/")
        kind = {"Content-Type": NAMED[name]}
        return web.FileResponse(_found(self.folder / name), headers=ASKED_AGAIN | kind)


def add_pages(app: web.Application, folder: Path = STATIC) -> None:
    """Serve the client's one page at every screen's path, and its hashed assets for a year."""
    pages = _Pages(folder)
    for screen in SCREENS:
        app.router.add_get(screen, pages.page)
    app.router.add_get("/assets/{name}", pages.asset)
    for name in NAMED:
        app.router.add_get(f"/{name}", pages.named)
    app.router.add_get(ELSEWHERE, pages.missing)


def _found(path: Path) -> Path:
    if not path.is_file():
        raise ServiceError("route.unknown")
    return path

"""For those who run the service: does it live, is it ready, what has it counted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

Ready = Callable[[], Awaitable[dict[str, bool]]]


def add_health(app: web.Application, ready: Ready, *, spared: frozenset[str]) -> None:
    """Serve /healthz, /readyz and /metrics; `ready` says of each part whether it answers.

    Without one of the parts in `spared` the service is ready all the same.
    """

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def readyz(_request: web.Request) -> web.Response:
        parts = await ready()
        needed = all(answers for part, answers in parts.items() if part not in spared)
        return web.json_response(parts, status=200 if needed else 503)

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)

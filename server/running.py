"""Running the service in this process, with or without TLS."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from server.app import HOUSE, House, create_app
from server.settings import Settings

KEEPALIVE_SECONDS = 15.0
STOP_SECONDS = 5.0


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """Return the TLS context of the configured certificate, or None without one."""
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(settings.tls_cert, settings.tls_key)
    return context


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[House]:
    """Serve on the configured address while the block runs; StartError says why not."""
    app = create_app(settings)
    runner = web.AppRunner(
        app, keepalive_timeout=KEEPALIVE_SECONDS, shutdown_timeout=STOP_SECONDS, access_log=None
    )
    try:
        await runner.setup()
        site = web.TCPSite(runner, settings.host, settings.port, ssl_context=tls_context(settings))
        await site.start()
        yield app[HOUSE]
    finally:
        await runner.cleanup()

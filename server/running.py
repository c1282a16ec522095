"""Running the service in this process, with or without TLS."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from aiohttp import web

from server.app import HOUSE, House, StartError, create_app
from server.settings import Settings

KEEPALIVE_SECONDS = 15.0
STOP_SECONDS = 5.0

log = structlog.get_logger("kuayu.app")


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """Return the TLS context of the configured certificate, or None without one.

    StartError for files that are no certificate and its key.
    """
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
    except OSError as error:  # ssl.SSLError is one.
        expected = "KUAYU_TLS_CERT, KUAYU_TLS_KEY: expected a certificate and its key, both PEM"
        raise StartError(f"{expected}; {error.strerror or error}") from error
    return context


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[House]:
    """Serve on the configured address while the block runs; ToldError says why not."""
    tls = tls_context(settings)
    app = create_app(settings)
    runner = web.AppRunner(
        app, keepalive_timeout=KEEPALIVE_SECONDS, shutdown_timeout=STOP_SECONDS, access_log=None
    )
    try:
        await runner.setup()
        await _listen(runner, settings, tls)
        yield app[HOUSE]
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, settings: Settings, tls: ssl.SSLContext | None) -> None:
    host, port = settings.host, settings.port
    try:
        await web.TCPSite(runner, host, port, ssl_context=tls).start()
    except OSError as error:
        expected = "KUAYU_HOST, KUAYU_PORT: expected an address to listen on"
        raise StartError(f"{expected}; {host} port {port}: {error.strerror or error}") from error
    log.info("serving", host=host, port=port, url=settings.public_url)

"""Running the service in this process: logs, TLS, and a clean stop on a signal."""

from __future__ import annotations

import asyncio
import logging
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from aiohttp import web

from server.app import HOUSE, House, create_app
from server.settings import Settings

KEEPALIVE_SECONDS = 15.0
STOP_SECONDS = 5.0


def set_up_logs(*, quiet: bool = False) -> None:
    """Write one JSON object a line to standard error; only warnings when `quiet`."""
    level = logging.WARNING if quiet else logging.INFO
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


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


def stop_asked() -> asyncio.Event:
    """Return what SIGINT and SIGTERM set from now on."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, stopped.set)
    return stopped

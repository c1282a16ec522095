"""The signer's process: keys loaded, the trust list kept fresh, a socket until it is stopped."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog
from aiohttp import web

from server.certificates.seals import KeyFolderError
from server.certificates.worker import keep_trust_fresh
from server.db.schema import require_newest
from server.db.unit import Clock, utc_now
from server.errors import ServiceError, ToldError
from server.lifetime import set_up_logs, stop_asked
from server.offspring import tie_to_parent
from server.settings import Settings, SignerSettings
from server.signing.joining import Signer, build_signer
from server.signing.peers import SocketTakenError, only_socket
from server.signing.publishing import Publisher
from server.signing.routes import create_app

log = structlog.get_logger("kuayu.signing")

STOP_SECONDS: Final = 5.0
MEMORY_BYTES: Final = 4 * 1024**3


class SignerError(ToldError):
    """The signer does not start; says why."""


@asynccontextmanager
async def signing(
    settings: Settings, own: SignerSettings, clock: Clock = utc_now
) -> AsyncIterator[Signer]:
    """Answer on the socket while the block runs; ToldError says why not."""
    signer = build_signer(settings, own, clock)
    runner = web.AppRunner(
        create_app(signer.signing, own.clients), access_log=None, shutdown_timeout=STOP_SECONDS
    )
    try:
        async with only_socket(settings.signer_socket) as listening:
            await _start(signer, settings)
            publisher = Publisher(signer.seals, settings.trust, clock)
            await publisher.look()
            await runner.setup()
            await web.SockSite(runner, listening).start()
            timers = [
                asyncio.create_task(keep_trust_fresh(signer.seals, clock)),
                asyncio.create_task(publisher.run()),
            ]
            try:
                yield signer
            finally:
                for timer in timers:
                    timer.cancel()
                await asyncio.gather(*timers, return_exceptions=True)
                await runner.cleanup()
    except SocketTakenError as error:
        raise SignerError(str(error)) from None
    finally:
        await signer.close()


async def _start(signer: Signer, settings: Settings) -> None:
    await require_newest(signer.database.reader, settings.data)
    now = signer.signing.clock()
    try:
        if settings.demo:
            await signer.seals.prepare_demo(signer.catalogue.authorities, now)
        await signer.seals.renew(now)
        await signer.seals.start(demo=settings.demo)
    except (KeyFolderError, ServiceError) as error:
        raise SignerError(f"the seal keys cannot be used: {error}") from error


def serve(settings: Settings, own: SignerSettings) -> None:
    """Sign until SIGTERM or SIGINT; ToldError says why it does not begin."""

    async def work() -> None:
        stopped = stop_asked()
        async with signing(settings, own):
            log.info("signing", socket=str(settings.signer_socket))
            await stopped.wait()

    asyncio.run(work())


def serve_as_child(settings: Settings, own: SignerSettings) -> None:
    """Sign for the process that started this one, until that ends; status 1 with words if not."""
    tie_to_parent(MEMORY_BYTES)
    set_up_logs(quiet=True)
    try:
        serve(settings, own)
    except ToldError as error:
        sys.exit(f"kuayu: {error}")

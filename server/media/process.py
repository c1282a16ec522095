"""A worker as a process: its end by a signal, its logs, and several of them on one machine."""

from __future__ import annotations

import asyncio
import gc
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
import uvloop

from server.lifetime import set_up_logs, stop_asked
from server.media.network import Network, own_address
from server.media.ports import PortsError
from server.media.worker import RefusedError, Worker

log = structlog.get_logger("kuayu.media")

ENDED, REFUSED_BY_SERVICE, NO_NETWORK, NO_PORT = 0, 3, 4, 5
# Two for each call of two; a core carried 200 such calls when it was measured.
LEGS_A_CORE: Final = 400
WORDS: Final = {
    REFUSED_BY_SERVICE: "the service refused the secret: KUAYU_MEDIA_SECRET must be the same there",
    NO_NETWORK: "this machine has no address that browsers could reach: name one with --address",
    NO_PORT: "no UDP port of --ports is free here: each worker of a machine needs one",
}


@dataclass(frozen=True, slots=True)
class Orders:
    """What a worker process is to do; `secret` never stands on a command line."""

    url: str
    secret: str
    name: str
    address: str = ""
    announced: str = ""
    ports: range = range(40_000, 40_064)
    capacity: int = LEGS_A_CORE
    ca: Path | None = None
    quiet: bool = False


def serve(orders: Orders) -> int:
    """Serve until SIGTERM or SIGINT; return how it ended, by a number that WORDS explains."""
    set_up_logs(quiet=orders.quiet)
    return uvloop.run(_serve(orders))


async def _serve(orders: Orders) -> int:
    stopped = stop_asked()
    try:
        network = Network(orders.address or own_address(), orders.ports, orders.announced)
    except OSError:
        return NO_NETWORK
    tls = None if orders.ca is None else ssl.create_default_context(cafile=str(orders.ca))
    try:
        worker = Worker(
            orders.url, orders.secret, name=orders.name, network=network,
            capacity=orders.capacity, tls=tls,
        )  # fmt: skip
    except PortsError as error:
        log.error("no port", why=str(error))  # noqa: TRY400 (no fault of ours)
        return NO_PORT
    # What is there by now stays: a full collection would look at all of it, and calls would wait.
    gc.freeze()
    work, stop = asyncio.create_task(worker.run()), asyncio.create_task(stopped.wait())
    await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
    work.cancel()
    stop.cancel()
    [ended, _] = await asyncio.gather(work, stop, return_exceptions=True)
    if isinstance(ended, RefusedError):
        return REFUSED_BY_SERVICE
    if isinstance(ended, BaseException) and not isinstance(ended, asyncio.CancelledError):
        raise ended
    return ENDED

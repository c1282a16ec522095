"""Keeps the trust list fresh: CRLs live seven days and are issued anew at start and daily."""

from __future__ import annotations

import asyncio

import structlog

from server.certificates.seals import KeyFolderError, Seals
from server.db.unit import Clock

log = structlog.get_logger("kuayu.certificates")

DAY = 86_400.0
AGAIN = 600.0


async def keep_trust_fresh(seals: Seals, clock: Clock, *, every: float = DAY) -> None:
    """Renew the CRLs every `every` seconds, until cancelled; the first time is the start's own.

    A renewal that fails is tried again after ten minutes: the last list still counts for days.
    """
    pause = every
    while True:
        await asyncio.sleep(pause)
        pause = every
        try:
            await seals.renew(clock())
        except (KeyFolderError, OSError):
            log.exception("trust list not renewed")
            pause = min(AGAIN, every)

"""What certificates need now and then: a fresh trust list, and time-stamps that came not at once.

CRLs live seven days and are issued anew at start and daily.
"""

from __future__ import annotations

import asyncio

import structlog

from server.certificates.seals import KeyFolderError, Seals
from server.certificates.stamping import StampError, Stamping
from server.db.unit import Clock

log = structlog.get_logger("kuayu.certificates")

DAY = 86_400.0
AGAIN = 600.0
MINUTE = 60.0


async def keep_trust_fresh(seals: Seals, clock: Clock, *, every: float = DAY) -> None:
    """Renew the CRLs now and then every `every` seconds, until cancelled.

    A renewal that fails is tried again after ten minutes: the last list still counts for days.
    """
    while True:
        pause = every
        try:
            await seals.renew(clock())
        except (KeyFolderError, OSError):
            log.exception("trust list not renewed")
            pause = min(AGAIN, every)
        await asyncio.sleep(pause)


async def keep_stamping(stamping: Stamping, *, every: float = MINUTE) -> None:
    """Have the time-stamps made that are lacking, every `every` seconds, until cancelled."""
    while True:
        try:
            if kept := await stamping.stamp_some():
                log.info("stamped later", certificates=kept)
        except (StampError, KeyFolderError, OSError) as error:
            log.warning("not stamped", why=str(error))
        except Exception:
            log.exception("crash", worker="stamps")
        await asyncio.sleep(every)

"""What certificates get after their release is tried until they have it, whatever goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

log = structlog.get_logger("kuayu.certificates")

MINUTE: Final = 60.0


async def keep_at(
    work: Callable[[], Awaitable[int]], done: str, expected: tuple[type[Exception], ...],
    *, every: float,
) -> None:  # fmt: skip
    """Do what is lacking every `every` seconds, until cancelled; `done` is what it is called.

    What is `expected` to keep it from being done is said in a line.
    """
    while True:
        try:
            if kept := await work():
                log.info(done, certificates=kept)
        except expected as error:
            log.warning("tried again later", work=done, why=str(error))
        except Exception:
            log.exception("crash", worker=done)
        await asyncio.sleep(every)

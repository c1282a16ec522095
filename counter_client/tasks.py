"""The work that goes on beside its owner's own steps."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from .answers import ServerLostError

log = logging.getLogger(__name__)


class Tasks:
    """Some tasks with one end; what broke one off is told, unless the socket was gone."""

    def __init__(self, owner: str) -> None:
        """Begin with none; `owner` names whose they are."""
        self._owner = owner
        self._running: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Let some work run until it is over or cancelled with the others."""
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._ended)

    async def cancel(self) -> None:
        """End them all, and leave none behind."""
        ending = list(self._running)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, ServerLostError):
            log.error("work of %s broke off", self._owner, exc_info=error)

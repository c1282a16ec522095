"""Processes that one of ours starts, and what each of them owes to it."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import signal
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from multiprocessing import get_context
from multiprocessing.context import SpawnProcess
from typing import Any, Final

END_SECONDS: Final = 5.0


@asynccontextmanager
async def children(
    work: Callable[..., None], given: Sequence[tuple[Any, ...]]
) -> AsyncIterator[list[SpawnProcess]]:
    """Have a process that does `work` for each of these while the block runs.

    What they are given goes through a pipe: a secret among arguments could be read by everybody.
    """
    started = [get_context("spawn").Process(target=work, args=each) for each in given]
    try:
        for child in started:
            await asyncio.to_thread(child.start)
        yield started
    finally:
        for child in started:
            if child.is_alive():
                child.terminate()
        for child in started:
            if child.pid is not None:
                await asyncio.to_thread(child.join, END_SECONDS)
            if child.is_alive():
                child.kill()


def tie_to_parent(memory_bytes: int) -> None:
    """Bound this worker's memory, write no core, and leave Ctrl-C and the end to the parent.

    Ctrl-C reaches the whole group, and the service ends its workers itself. If it is killed and
    cannot, they leave all the same.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)

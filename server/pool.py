"""Worker processes with limits on memory and CPU, which never outlive the service."""

from __future__ import annotations

import asyncio
import logging
import resource
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any, TypeVar, TypeVarTuple, Unpack

import structlog

from server.errors import ServiceError
from server.offspring import tie_to_parent

log = structlog.get_logger("kuayu.pool")

MEMORY_BYTES = 2 * 1024**3
JOB_CPU_SECONDS = 20
JOB_SECONDS = 30
MOST_AT_ONCE = 64

Given = TypeVarTuple("Given")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal on its way between processes; `why` is for the log alone."""

    code: str
    details: Mapping[str, object] = field(default_factory=dict)
    why: str = ""


def unless_refused(found: R | Refused) -> R:
    """Return what a job has made; a job that refused is refused here."""
    if isinstance(found, Refused):
        raise ServiceError(found.code, **found.details)
    return found


class WorkerPool:
    """A few processes for one kind of work; one that dies takes its job along and is replaced."""

    def __init__(
        self,
        name: str,
        workers: int,
        prepare: Callable[..., None],
        given: tuple[Any, ...],
        *,
        refusal: str,
        cpu_seconds: int = JOB_CPU_SECONDS,
    ) -> None:
        """Run `prepare(*given)` once in each process; start none before the first job.

        `refusal` is the code for a job whose process died or hangs.
        """
        self._refusal = refusal
        self._cpu_seconds = cpu_seconds
        self._at_once = 0
        self.name = name
        self._workers = workers
        self._prepare = prepare
        self._given = given
        self._pool: ProcessPoolExecutor | None = None

    async def run(self, work: Callable[[Unpack[Given]], R], *given: *Given) -> R:
        """Return what `work` makes of `given`.

        Refuses with the pool's own code if its process died or hangs, and server.busy if too many
        wait.
        """
        if self._at_once >= MOST_AT_ONCE:
            raise ServiceError("server.busy")
        pool = self._pool or self._build()
        loop = asyncio.get_running_loop()
        self._at_once += 1
        try:
            async with asyncio.timeout(JOB_SECONDS):
                return await loop.run_in_executor(pool, _limited, self._cpu_seconds, work, given)
        except (BrokenProcessPool, TimeoutError) as error:
            log.warning("pool broken", pool=self.name, why=type(error).__name__)
            self._drop(pool)
            raise ServiceError(self._refusal) from None
        finally:
            self._at_once -= 1

    async def close(self) -> None:
        """Stop the processes and wait until they are gone."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)

    def _build(self) -> ProcessPoolExecutor:
        self._pool = ProcessPoolExecutor(
            self._workers,
            mp_context=get_context("spawn"),
            initializer=_set_up,
            initargs=(self._prepare, self._given),
        )
        return self._pool

    def _drop(self, pool: ProcessPoolExecutor) -> None:
        pool.shutdown(wait=False, cancel_futures=True)
        if self._pool is pool:
            self._pool = None


def _set_up(prepare: Callable[..., None], given: tuple[Any, ...]) -> None:
    tie_to_parent(MEMORY_BYTES)
    # What is wrong with a stranger's file is the answer, and no news for the service's log.
    logging.disable(logging.CRITICAL)
    prepare(*given)


def _limited(cpu_seconds: int, work: Callable[..., R], given: tuple[Any, ...]) -> R:
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    spent = int(time.process_time()) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (spent + cpu_seconds, most))
    return work(*given)

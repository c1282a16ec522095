"""Issuing in other processes that are killed with SIGKILL where they stand still at a step."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

from server.errors import ServiceError
from server.supervision.audit import Audit, Fault, copied
from tests.support.desk import Desk

ROOT = Path(__file__).parents[2]
PATIENCE = 200


@asynccontextmanager
async def _run(module: str, *args: object) -> AsyncIterator[Process]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"tests.support.{module}", *map(str, args),
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(PATIENCE):
            yield child
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


async def _hear(child: Process, words: str) -> None:
    assert child.stdout is not None
    assert (await child.stdout.readline()).decode().strip() == words


async def _kill(child: Process) -> None:
    assert child.stdout is not None
    child.send_signal(signal.SIGKILL)
    # The end of the pipe: its workers held it too, and are gone.
    assert await child.stdout.read() == b""
    assert await child.wait() == -signal.SIGKILL


async def kill_service(desk: Desk, url: str, case_id: str, step: str) -> None:
    """Issue in another process, and kill that when it stands at a step of `issue_and_stop`."""
    keys = desk.seals.folder
    async with _run("issue_and_stop", url, desk.files.folder, keys, case_id, step) as child:
        await _hear(child, f"at {step}")
        await _kill(child)


async def kill_signer(
    desk: Desk, url: str, socket: Path, step: str, asking: Coroutine[object, object, object]
) -> str:
    """Have a signer in another process asked by `asking`, and kill it at a step of its own.

    Return why nothing was signed.
    """
    async with _run("sign_and_stop", url, desk.seals.folder, socket, step) as child:
        await _hear(child, "signing")
        asked = asyncio.create_task(asking)
        await _hear(child, f"at {step}")
        await _kill(child)
        try:
            made = await asked
        except ServiceError as error:
            return error.code
        raise AssertionError(f"{made} was signed by a signer that was killed")


async def faults(desk: Desk, url: str, folder: Path) -> list[Fault]:
    """What `kuayu verify-store` would name."""
    async with copied(url, folder) as copy:
        audit = Audit(copy, desk.files, desk.vault, desk.drawing, desk.units.clock())
        return await audit.walk()

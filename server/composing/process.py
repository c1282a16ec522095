"""Composing in a process of its own: it is given neither key nor file, only a pipe.

It decodes what strangers sent. What it wants to read and what it has made go through the pipe as
plain bytes, each answered by the service, so that it can neither run ahead nor run away.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Final, Protocol

import structlog

from server.composing.compose import compose
from server.composing.film import best_format
from server.composing.plan import Made, Plan
from server.offspring import tie_to_parent

log = structlog.get_logger("kuayu.composing")

# Address space, not what is used.
MEMORY_BYTES: Final = 4 * 1024**3
READ_BYTES: Final = 1 << 20
# Calls that go on now are worth more than a film of one that is over.
NICENESS: Final = 10
# It says something at least once a second of film; what takes longer than this hangs.
ANSWER_WITHIN: Final = 120.0
# The first bytes come in one piece; a day's index would be longer.
_MOST_SAID: Final = 256 << 20
_READ, _PAGE, _HEAD, _REACHED, _MADE, _BROKEN = b"r", b"p", b"h", b"s", b"m", b"x"
_WHERE = struct.Struct(">IQI")
_WHEN = struct.Struct(">d")


class ComposeError(Exception):
    """The process died, or could not make anything of what it was given."""


class Desk(Protocol):
    """What the service does for the process."""

    async def read(self, clip: int, at: int, count: int) -> bytes:
        """Return so many bytes of a clip's file, fewer at its end."""

    async def keep(self, number: int, page: bytes) -> None:
        """Put a page of the film away; page 0 comes last and stands first."""

    async def reached(self, seconds: float) -> None:
        """Hear how much of it is done."""


async def compose_apart(plan: Plan, desk: Desk, niceness: int = NICENESS) -> Made:
    """Compose a plan in a process that lives as long as this call does; ComposeError if it fails.

    What `desk` raises ends it.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=_work, args=(theirs, plan, niceness), daemon=True)
    try:
        _start(child)
        theirs.close()
        return await _serve(ours, desk)
    except (EOFError, OSError) as error:
        if isinstance(error, EOFError | ConnectionError):
            raise ComposeError("its process died") from None
        raise
    finally:
        await _end(child)
        theirs.close()
        ours.close()


def _start(child: SpawnProcess) -> None:
    """Start it without our settings: what its environment holds can be read in /proc.

    Nothing reads them any more once the service runs. On the loop, so that no other child of ours
    is started meanwhile.
    """
    ours = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("KUAYU_")}
    try:
        child.start()
    finally:
        os.environ.update(ours)


async def _end(child: SpawnProcess) -> None:
    if child.pid is not None:
        child.kill()
        await asyncio.to_thread(child.join)


async def _serve(link: Connection, desk: Desk, within: float = ANSWER_WITHIN) -> Made:
    """Answer the process until it is through; it has so many seconds to speak and to listen.

    A thread that waits for it when the time is over is set free by the end of the process.
    """
    number = 0
    while True:
        with _patience():
            async with asyncio.timeout(within):
                said = await asyncio.to_thread(link.recv_bytes, _MOST_SAID)
        kind, rest, answer = said[:1], said[1:], b""
        if kind == _READ:
            clip, at, count = _WHERE.unpack(rest)
            answer = await desk.read(clip, at, min(count, READ_BYTES))
        elif kind == _PAGE:
            number += 1
            await desk.keep(number, rest)
        elif kind == _HEAD:
            await desk.keep(0, rest)
        elif kind == _REACHED:
            await desk.reached(_WHEN.unpack(rest)[0])
        elif kind == _MADE:
            return Made(**json.loads(rest))
        else:
            raise ComposeError(rest.decode(errors="replace")[:200])
        with _patience():
            async with asyncio.timeout(within):
                await asyncio.to_thread(link.send_bytes, answer)


@contextmanager
def _patience() -> Iterator[None]:
    """Say of a process that hangs that it does."""
    try:
        yield
    except TimeoutError:
        raise ComposeError("its process hangs") from None


class _Clip(io.RawIOBase):
    """A clip's file, read through the pipe."""

    def __init__(self, link: Connection, number: int, size: int) -> None:
        super().__init__()
        self._link, self._number, self._size, self._at = link, number, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        before = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}
        self._at = max(0, before[whence] + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = min(len(buffer), READ_BYTES, max(self._size - self._at, 0))
        if count == 0:
            return 0
        found = _ask(self._link, _READ, _WHERE.pack(self._number, self._at, count))
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)


def _ask(link: Connection, kind: bytes, rest: bytes) -> bytes:
    link.send_bytes(kind + rest)
    return link.recv_bytes()


def _work(link: Connection, plan: Plan, niceness: int) -> None:
    tie_to_parent(MEMORY_BYTES)
    os.nice(niceness)
    # What is wrong with a stranger's film is the answer, and no news for the service's log.
    logging.disable(logging.CRITICAL)
    try:
        made, head = compose(
            plan,
            lambda number: io.BufferedReader(
                _Clip(link, number, plan.clips[number].size), READ_BYTES
            ),
            lambda page: _drop(_ask(link, _PAGE, page)),
            lambda seconds: _drop(_ask(link, _REACHED, _WHEN.pack(seconds))),
            best_format(),
        )
        _ask(link, _HEAD, head)
        link.send_bytes(_MADE + json.dumps(asdict(made)).encode())
    except (EOFError, OSError):
        # The service wants no more of it, or cannot be reached.
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 (whatever it is, the service is told)
        with suppress(OSError):
            link.send_bytes(_BROKEN + f"{type(error).__name__}: {error}".encode())


def _drop(_answer: bytes) -> None:
    """An answer that says nothing."""

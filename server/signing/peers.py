"""Who may ask the signer: one socket, one signer behind it, and the users that it is told of."""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import stat
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Final

FOLDER_MODE: Final = 0o750
# Owner and group may connect; the folder's group says which group that is.
NOT_FOR_OTHERS: Final = 0o117
BACKLOG: Final = 64
TRIES: Final = 20
PAUSE = 0.1
_CREDENTIALS: Final = struct.Struct("3i")  # struct ucred: process, user, group.


class SocketTakenError(Exception):
    """The signer's socket cannot be had; says why."""


@asynccontextmanager
async def only_socket(path: Path) -> AsyncIterator[socket.socket]:
    """Listen at `path` while the block runs; SocketTakenError if another signer does.

    What a killed signer left is taken over: the lock beside the socket ends with its process.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not await _take(lock):
            raise SocketTakenError(f"another signer answers at {path}, process {_holder(lock)}")
        with _bound(path) as listening:
            yield listening
    finally:
        os.close(lock)


async def _take(lock: int) -> bool:
    """Lock a file and write our process into it; say whether nobody else had it.

    Waits a little for a process that is about to end.
    """
    for left in reversed(range(TRIES)):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if left:
                await asyncio.sleep(PAUSE)
        else:
            os.truncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)
            return True
    return False


def _holder(lock: int) -> str:
    return os.pread(lock, 16, 0).decode() or "unknown"


@contextmanager
def _bound(path: Path) -> Iterator[socket.socket]:
    if path.exists() and not stat.S_ISSOCK(path.lstat().st_mode):
        raise SocketTakenError(f"{path} is there and is no socket")
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        before = os.umask(NOT_FOR_OTHERS)
        try:
            listening.bind(str(path))
        finally:
            os.umask(before)
        listening.listen(BACKLOG)
        try:
            yield listening
        finally:
            with suppress(OSError):
                path.unlink()


def peer_of(connection: socket.socket) -> int:
    """Return the user who connected, as the kernel says."""
    said = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(said)
    return int(user)

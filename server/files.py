"""Where files live: a small protocol, and a local folder that fulfils it."""

from __future__ import annotations

import asyncio
import math
import os
import re
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

_NAME = re.compile(r"[a-z]+(/[0-9a-z][0-9a-z._-]*)+")
TEMPORARY = ".part"
# What another process has not written to for so many seconds it will never finish.
OTHERS_IDLE = 3600.0


class FileStore(Protocol):
    """Keeps bytes under names of ours; a name once written never changes its bytes."""

    async def put(self, name: str, content: bytes) -> None:
        """Write `content` whole and durably under `name`; the same bytes again change nothing."""

    async def get(self, name: str) -> bytes:
        """Return the bytes under `name`; FileNotFoundError if there are none."""

    async def remove(self, name: str) -> None:
        """Take `name` away if it is there."""

    async def names(self, folder: str) -> list[str]:
        """Return every name under `folder`, sorted."""

    async def remove_folder(self, folder: str) -> None:
        """Take a folder away into which nothing is written any more, if it is there and empty."""

    async def room(self) -> int:
        """Return how many more bytes can be kept."""


class LocalFiles:
    """A FileStore in one folder of this machine."""

    def __init__(self, folder: Path) -> None:
        """Keep everything under `folder`, which is made if it is missing."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def put(self, name: str, content: bytes) -> None:
        """Write by temporary file, fsync, link and fsync of the folder.

        FileExistsError if other bytes are there under that name already.
        """
        await asyncio.to_thread(self._put, name, content)

    async def get(self, name: str) -> bytes:
        """Return the bytes under `name`; FileNotFoundError if there are none."""
        return await asyncio.to_thread(self._path(name).read_bytes)

    async def remove(self, name: str) -> None:
        """Take `name` away if it is there."""
        await asyncio.to_thread(self._path(name).unlink, missing_ok=True)

    async def names(self, folder: str) -> list[str]:
        """Return every name under `folder`, sorted; temporary files are not names."""
        return await asyncio.to_thread(self._names, folder)

    async def remove_folder(self, folder: str) -> None:
        """Take a folder away into which nothing is written any more, if it is there and empty."""
        with suppress(OSError):
            await asyncio.to_thread(self._path(folder).rmdir)

    async def room(self) -> int:
        """Return how many bytes are free on the disk."""
        return (await asyncio.to_thread(shutil.disk_usage, self.folder)).free

    def sweep(self, idle: float = 0.0) -> int:
        """Remove what a killed process left half written; return how many files that were.

        At its start, and where other processes write here too only what is `idle` for so many
        seconds: they may be about to finish the rest.
        """
        until = time.time() - idle
        strays = [one for one in self.folder.rglob(f"*{TEMPORARY}") if _written(one) <= until]
        for stray in strays:
            stray.unlink(missing_ok=True)
        return len(strays)

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name) or name.endswith(TEMPORARY):
            raise ValueError(f"not a name of ours: {name!r}")
        return self.folder / name

    def _names(self, folder: str) -> list[str]:
        root = self.folder / folder
        return sorted(
            str(path.relative_to(self.folder))
            for path in root.rglob("*")
            if path.is_file() and not path.name.endswith(TEMPORARY)
        )

    def _put(self, name: str, content: bytes) -> None:
        target = self._path(name)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = target.with_name(f"{target.name}.{secrets.token_hex(6)}{TEMPORARY}")
        try:
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(temporary, target)
            except FileExistsError:
                if target.read_bytes() != content:
                    raise
        finally:
            temporary.unlink(missing_ok=True)
        # A new folder is an entry in the one above it, and lost with it.
        _make_durable(target.parent)
        for above in target.parent.relative_to(self.folder).parents:
            _make_durable(self.folder / above)


def _make_durable(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _written(path: Path) -> float:
    """Return when a file was last written to; one that is gone by now was just finished."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf

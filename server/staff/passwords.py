"""Argon2id off the event loop: two threads, and a line before them that has an end."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from server.errors import ServiceError

THREADS = 2
# At about 34 ms each, the last one in line waits less than a second.
LINE = 50

Result = TypeVar("Result")


class PasswordHashes:
    """Makes and checks password hashes; server.busy when too many wait."""

    def __init__(self, *, line: int = LINE) -> None:
        """Start no thread yet; make the hash that unknown names are checked against."""
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._nobodys = self._hasher.hash(secrets.token_urlsafe(32))
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._line = line
        self._waiting = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place in line for one check; server.busy if there is none."""
        if self._waiting >= self._line:
            raise ServiceError("server.busy", seconds=1)
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    async def make(self, password: str) -> str:
        """Return a hash with a salt of its own; server.busy if the line is full."""
        with self.place():
            return await self._run(lambda: self._hasher.hash(password))

    async def check(self, password_hash: str | None, password: str) -> bool:
        """Say whether the password is right; without a hash it takes as long and is wrong.

        The caller holds a place in line.
        """
        matches = await self._run(lambda: self._matches(password_hash or self._nobodys, password))
        return matches and password_hash is not None

    def close(self) -> None:
        """Let the threads go when they have done what waits."""
        self._threads.shutdown(wait=False)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

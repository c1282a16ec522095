"""Notices as they came, each kept until somebody asks for it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .answers import Data, ServerLostError

# A clerk who never asks for anything must not grow without end; the log is the truth anyway.
KEPT = 4096

Where = Mapping[str, object] | Callable[[Data], bool] | None


@dataclass(frozen=True)
class Notice:
    """One event heard from the service."""

    event: str
    data: Data


@dataclass(eq=False)
class Waiter:
    """Somebody who waits for a notice that has not come yet."""

    event: str
    where: Where
    heard: asyncio.Future[Notice]


def matches(notice: Notice, event: str, where: Where) -> bool:
    """Say whether `notice` is meant: by its name, and by equal values or a question to its data."""
    if notice.event != event:
        return False
    if where is None:
        return True
    if callable(where):
        return where(notice.data)
    return all(notice.data.get(name) == value for name, value in where.items())


class News:
    """Notices in the order in which they came, each given to one asker.

    None is lost between two askings; only the newest 4,096 unasked-for ones are kept.
    """

    def __init__(self) -> None:
        """Begin with nothing heard; nothing can be waited for until `begin`."""
        self._kept: deque[Notice] = deque(maxlen=KEPT)
        self._waiting: list[Waiter] = []
        self._over = True
        self._why: str | None = None

    def begin(self) -> None:
        """From now on notices may come."""
        self._over, self._why = False, None

    def end(self, why: str | None = None) -> None:
        """No more will come: everyone who waits is told, what was heard before stays.

        `why` is the code with which the service closed the socket, if it did.
        """
        if self._over:
            return
        self._over, self._why = True, why
        for waiter in self._waiting:
            if not waiter.heard.done():
                waiter.heard.set_exception(ServerLostError("the socket is gone", why))
        self._waiting.clear()

    def add(self, notice: Notice) -> None:
        """Give a notice to whoever has waited longest for one like it, or keep it."""
        for waiter in self._waiting:
            if not waiter.heard.done() and matches(notice, waiter.event, waiter.where):
                self._waiting.remove(waiter)
                waiter.heard.set_result(notice)
                return
        self._kept.append(notice)

    def take(self, event: str, where: Where = None) -> Data | None:
        """Return the oldest kept notice that is meant, which is then no longer kept."""
        for notice in self._kept:
            if matches(notice, event, where):
                self._kept.remove(notice)
                return notice.data
        return None

    def forget(self, event: str, where: Where = None) -> None:
        """Drop every kept notice that is meant."""
        while self.take(event, where) is not None:
            pass

    async def next(self, event: str, where: Where, within: float | None) -> Data:
        """Return the notice that is meant, heard already or yet to come.

        Raises TimeoutError after `within` seconds and ServerLostError when no more will come.
        """
        if (data := self.take(event, where)) is not None:
            return data
        if self._over:
            raise ServerLostError("the socket is gone", self._why)
        waiter = Waiter(event, where, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(within):
                notice = await waiter.heard
        except BaseException:
            self._give_back(waiter)
            raise
        return notice.data

    def _give_back(self, waiter: Waiter) -> None:
        """Keep what a waiter was given in the very moment in which it gave up waiting."""
        if waiter in self._waiting:
            self._waiting.remove(waiter)
        if waiter.heard.cancelled() or not waiter.heard.done():
            return
        if waiter.heard.exception() is None:
            self._kept.appendleft(waiter.heard.result())

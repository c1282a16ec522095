"""What every domain's timers share: when to look, and how one due thing is done.

Everything due stands in the database, so a restart loses none of it; several processes may run
the same timers, for every move is settled in its WHERE clause.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from server.db.unit import Unit, Units
from server.errors import ServiceError

log = structlog.get_logger("kuayu.timers")
LONGEST_SLEEP = 1.0
SHORTEST_SLEEP = 0.05
AT_ONCE = 1000
RENEW_EVERY = timedelta(seconds=20)


@dataclass
class Timers(ABC):
    """The timers of one domain, and the leases that present sockets renew."""

    name: ClassVar[str]
    units: Units
    renewed_at: datetime | None = field(default=None, kw_only=True)
    renewed: set[str] = field(default_factory=set, kw_only=True)

    async def run(self) -> None:
        """Work until cancelled; a failure is logged and the next round tries again."""
        while True:
            try:
                pause = await self.tick()
            except Exception:
                log.exception("crash", worker=self.name)
                pause = LONGEST_SLEEP
            await asyncio.sleep(pause)

    async def tick(self) -> float:
        """Do what is due now; return for how many seconds nothing will be."""
        now = self.units.clock()
        await self._renew_all(now)
        return await self._pause() if all(await self.carry_out(now)) else LONGEST_SLEEP

    @abstractmethod
    async def carry_out(self, now: datetime) -> list[bool]:
        """Do each due thing by `one`; return what it said."""

    @abstractmethod
    def holders(self) -> set[str]:
        """Return whose leases this process renews."""

    @abstractmethod
    async def renew(self, unit: Unit, holders: Sequence[str]) -> None:
        """Renew these leases in one statement."""

    @abstractmethod
    async def next_due(self, session: AsyncSession) -> datetime | None:
        """Return when the next thing is due."""

    async def one(self, verb: Callable[[Unit, str], Awaitable[None]], which: str) -> bool:
        """Do one due thing in a unit of its own, so that none stops the others; say if it went."""
        try:
            async with self.units.open() as unit:
                await verb(unit, which)
        except ServiceError as refused:
            log.warning("put off", worker=self.name, verb=verb.__name__, code=refused.code)
            return False
        except Exception:
            log.exception("crash", worker=self.name, verb=verb.__name__)
            return False
        return True

    async def _renew_all(self, now: datetime) -> None:
        """Renew all leases every RENEW_EVERY, and a newcomer's at once."""
        present = self.holders()
        if self.renewed_at is None or abs(now - self.renewed_at) >= RENEW_EVERY:
            self.renewed_at, self.renewed = now, set()
        holders = sorted(present - self.renewed)
        self.renewed = present
        for start in range(0, len(holders), AT_ONCE):
            async with self.units.open() as unit:
                await self.renew(unit, holders[start : start + AT_ONCE])

    async def _pause(self) -> float:
        async with self.units.database.reading() as session:
            due = await self.next_due(session)
        if due is None:
            return LONGEST_SLEEP
        left = (due - self.units.clock()).total_seconds()
        return min(max(left, SHORTEST_SLEEP), LONGEST_SLEEP)

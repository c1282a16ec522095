"""The timers of workers and legs, and what of them is counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from prometheus_client import Counter, Gauge
from sqlalchemy.ext.asyncio import AsyncSession

from server.db.timers import Timers
from server.db.unit import Unit
from server.relays import queries
from server.relays.service import Relays

WORKERS: Final = Gauge("kuayu_media_workers", "Live media workers")
CAPACITY: Final = Gauge("kuayu_media_capacity", "Legs that the live media workers can take")
LEGS: Final = Gauge("kuayu_media_legs", "Legs on the live media workers")
DROPPED: Final = Counter("kuayu_media_dropped", "Packets that media workers threw away", ["reason"])


def count_dropped(dropped: Mapping[str, int]) -> None:
    """Count what a worker threw away since its last report, by reason."""
    for reason, packets in dropped.items():
        DROPPED.labels(reason).inc(packets)


@dataclass
class RelayWorker(Timers):
    """Gives up workers and legs that nobody has heard of for the length of their lease."""

    name = "relays"
    relays: Relays
    sockets: Callable[[], set[str]]

    async def carry_out(self, now: datetime) -> list[bool]:
        """Do what is due now."""
        async with self.units.database.reading() as session:
            workers = await queries.lapsed_workers(session, now)
            legs = await queries.lapsed_legs(session, now)
            loads = await queries.loads(session, now)
        WORKERS.set(len(loads))
        CAPACITY.set(sum(one.capacity for one in loads))
        LEGS.set(sum(one.legs for one in loads))
        done = [await self.one(self.relays.lapse_worker, worker_id) for worker_id in workers]
        return done + [await self.one(self.relays.lapse_leg, leg_id) for leg_id in legs]

    def holders(self) -> set[str]:
        """Return this process's sockets."""
        return self.sockets()

    async def renew(self, unit: Unit, holders: Sequence[str]) -> None:
        """Let the legs of present sockets stay."""
        await self.relays.renew(unit, holders)

    async def next_due(self, session: AsyncSession) -> datetime | None:
        """Return when the next lease runs out."""
        return await queries.next_due(session)

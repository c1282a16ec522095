"""Workers and legs by their verbs, without media."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from server.db.unit import Units
from server.media import messages as media
from server.relays.models import MediaLeg, MediaWorker
from server.relays.rules import Tab
from server.relays.service import Relays


def id_of(name: str) -> str:
    """An id that a test can call by a name."""
    return name.encode().hex().ljust(32, "0")[:32]


@dataclass
class Relay:
    """What workers and tabs do, each in a unit of its own; a worker's socket is called like it."""

    units: Units
    relays: Relays = field(default_factory=Relays)

    async def report(self, name: str, *legs: str, capacity: int = 10, sid: str = "") -> bool:
        """Have a worker say what it has."""
        said = media.WorkerReported(
            worker_id=id_of(name), name=name, capacity=capacity, legs=list(legs)
        )
        async with self.units.open() as unit:
            return await self.relays.report(unit, sid or name, said)

    async def part(self, sid: str) -> bool:
        """Have a worker's socket go."""
        async with self.units.open() as unit:
            return await self.relays.part(unit, sid)

    async def open(
        self, sid: str, *, on: str | None = None, holder: str = "", has: str | None = None,
        another: bool = False,
    ) -> str | None:  # fmt: skip
        """Have a tab open a leg; return its id. Sockets of one login are called `login/socket`."""
        on = None if on is None else id_of(on)
        login = sid.split("/", maxsplit=1)[0]
        tab = Tab(sid, login, holder or login)
        async with self.units.open() as unit:
            leg = await self.relays.open_leg(unit, tab, on=on, has=has, another=another)
            return None if leg is None else leg.id

    async def change(self, worker: str, leg_id: str, state: str) -> None:
        """Have a worker say what became of a leg."""
        said = media.LegChanged.model_validate({"leg_id": leg_id, "state": state})
        async with self.units.open() as unit:
            await self.relays.note_state(unit, worker, said)

    async def connected(
        self, sid: str, worker: str, *, holder: str = "", on: str | None = None
    ) -> str:
        """A tab's leg that is connected."""
        leg_id = await self.open(sid, holder=holder, on=on)
        assert leg_id is not None
        await self.change(worker, leg_id, "connected")
        return leg_id

    async def workers(self) -> list[str]:
        """The names of the workers that are believed in."""
        async with self.units.database.reading() as session:
            return sorted((await session.scalars(select(MediaWorker.name))).all())

    async def legs(self) -> Sequence[MediaLeg]:
        """Every leg, oldest first."""
        async with self.units.database.reading() as session:
            return (await session.scalars(select(MediaLeg).order_by(MediaLeg.opened_at))).all()

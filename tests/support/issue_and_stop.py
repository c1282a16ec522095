"""A process that issues a certificate and stands still at a named step, to be killed there.

Run as a script: DATABASE_URL FILES_FOLDER KEYS_FOLDER CASE_ID STEP. It says "at STEP" on its
standard output and then does nothing more.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from server import pool
from server.certificates.drawing import Drawing
from server.certificates.forms import Forms, Order, Signed
from server.certificates.seals import Seals
from server.db.engine import open_database
from server.db.unit import Unit, Units
from server.files import LocalFiles
from tests.support.database import News, SetClock
from tests.support.desk import PASSPHRASE, Desk, load_catalogue

STEPS = (
    "reserving", "reserved", "signed", "linking", "linked", "kept", "releasing", "released",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stop:
    """Stands still when its step comes."""

    step: str

    async def at(self, step: str) -> None:
        if step == self.step:
            self._say()
            await asyncio.Event().wait()

    def at_in_thread(self, step: str) -> None:
        if step == self.step:
            self._say()
            threading.Event().wait()

    def _say(self) -> None:
        sys.stdout.write(f"at {self.step}\n")
        sys.stdout.flush()


@dataclass(frozen=True, slots=True)
class StoppingUnits(Units):
    """Units that stand still before and after their commits: first reserve, then release."""

    stop: Stop = Stop("")
    opened: list[int] | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Unit]:
        count = len(self.opened or [])
        if self.opened is not None:
            self.opened.append(count)
        before, after = (("reserving", "reserved"), ("releasing", "released"))[count]
        async with Units.open(self) as unit:
            yield unit
            await unit.session.flush()
            await self.stop.at(before)
        await self.stop.at(after)


class StoppingSeals(Seals):
    """Seals that stand still when they have signed."""

    stop = Stop("")

    async def issue(self, order: Order, now: object) -> Signed:
        signed = await super().issue(order, now)  # type: ignore[arg-type]
        await self.stop.at("signed")
        return signed


class StoppingFiles(LocalFiles):
    """Files that stand still before and after the new file has its name, and when it is safe."""

    stop = Stop("")

    async def put(self, name: str, content: bytes) -> None:
        await super().put(name, content)
        await self.stop.at("kept")


def stop_around_link(stop: Stop) -> None:
    """Stand still before and after a file gets its name."""
    link = os.link

    def stopping(*given: object, **named: object) -> None:
        stop.at_in_thread("linking")
        link(*given, **named)  # type: ignore[arg-type]
        stop.at_in_thread("linked")

    os.link = stopping  # type: ignore[assignment]


async def main(url: str, files: str, keys: str, case_id: str, step: str) -> None:
    pool.JOB_SECONDS = 200  # Its process starts slowly on a machine that does other work.
    stop = Stop(step)
    StoppingSeals.stop = StoppingFiles.stop = stop
    stop_around_link(stop)
    catalogue, items = load_catalogue()
    database = open_database(url)
    units = StoppingUnits(database, News().publish, SetClock(), stop, [])
    drawing, seals = Drawing(Forms(), Path(keys)), StoppingSeals(Path(keys), PASSPHRASE)
    await seals.start(demo=True)
    desk = Desk(units, StoppingFiles(Path(files)), drawing, seals, catalogue, items)
    row = await desk.issue(case_id, f"key-{case_id}")
    sys.stdout.write(f"issued {row.number} {row.sha256}\n")
    await drawing.close()
    await seals.close()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

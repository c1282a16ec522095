"""The timers of exports: what is composed next, attempts that fell silent, films that are over."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from server.db.timers import Timers
from server.db.unit import Unit
from server.exports import queries
from server.exports.making import Making
from server.exports.rules import LEASE, SIGN_EVERY

log = structlog.get_logger("kuayu.timers")


@dataclass
class ExportWorker(Timers):
    """Has one export composed at a time, beside all else."""

    name = "exports"
    making: Making
    _running: asyncio.Task[None] | None = field(default=None, kw_only=True)

    async def run(self) -> None:
        """Work until cancelled; what is composed then is put back."""
        try:
            await super().run()
        finally:
            if self._running is not None:
                self._running.cancel()
                with suppress(asyncio.CancelledError):
                    await self._running

    async def carry_out(self, now: datetime) -> list[bool]:
        """Do what is due now."""
        exports = self.making.exports
        async with self.units.database.reading() as session:
            unheard = await queries.unheard(session, now - LEASE)
            overdue = await queries.overdue(session, now)
        done = [await self.one(exports.take_up, export_id) for export_id in unheard]
        done += [await self.one(exports.expire, export_id) for export_id in overdue]
        async with self.units.database.reading() as session:
            emptied = await queries.to_empty(session, now - 2 * SIGN_EVERY)
            next_one = await self.making.exports.next_waiting(session, now)
        done += [await self._empty(export_id) for export_id in emptied]
        if next_one is not None and (self._running is None or self._running.done()):
            await self._take(next_one)
        return done

    async def _take(self, export_id: str) -> None:
        async with self.units.open() as unit:
            claim = await self.making.exports.take(unit, export_id)
        if claim is not None:
            self._running = asyncio.create_task(self.making.make(claim))

    async def _empty(self, export_id: str) -> bool:
        try:
            await self.making.empty(export_id)
        except OSError:
            log.exception("crash", worker=self.name, export=export_id)
            return False
        return True

    async def settle(self) -> None:
        """Wait for what is composed now."""
        if self._running is not None:
            await self._running

    def holders(self) -> set[str]:
        """Return nobody: exports live by their composers' signs."""
        return set()

    async def renew(self, unit: Unit, holders: Sequence[str]) -> None:
        """Renew nothing."""

    async def next_due(self, session: AsyncSession) -> datetime | None:
        """Return when the next film's time is over; what waits is looked for every second."""
        return await queries.next_overdue(session)

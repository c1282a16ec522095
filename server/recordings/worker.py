"""The timers of recordings: who brings no chunk for its time has failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from server.db.timers import Timers
from server.db.unit import Unit
from server.recordings import queries
from server.recordings.rules import SILENCE
from server.recordings.service import Recordings


@dataclass
class RecordingWorker(Timers):
    """Raises the alarm for recordings that give no sign."""

    name = "recordings"
    recordings: Recordings

    async def carry_out(self, now: datetime) -> list[bool]:
        """Do what is due now."""
        async with self.units.database.reading() as session:
            silent = await queries.silent(session, now - SILENCE)
        return [await self.one(self.recordings.hush, recording_id) for recording_id in silent]

    def holders(self) -> set[str]:
        """Return nobody: recordings live by their chunks."""
        return set()

    async def renew(self, unit: Unit, holders: Sequence[str]) -> None:
        """Renew nothing."""

    async def next_due(self, session: AsyncSession) -> datetime | None:
        """Return when the next silence is long enough."""
        oldest = await queries.oldest_sign(session)
        return None if oldest is None else oldest + SILENCE

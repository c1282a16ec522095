"""The timers of recordings: silence that is a failure, and the end of what need not be kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from server.db.timers import Timers
from server.db.unit import Unit
from server.recordings import queries
from server.recordings.purging import Purging
from server.recordings.rules import SILENCE
from server.recordings.service import Recordings

log = structlog.get_logger("kuayu.timers")


@dataclass
class RecordingWorker(Timers):
    """Raises the alarm for recordings that give no sign, and purges those of the past."""

    name = "recordings"
    recordings: Recordings
    purging: Purging

    async def carry_out(self, now: datetime) -> list[bool]:
        """Do what is due now."""
        async with self.units.database.reading() as session:
            silent = await queries.silent(session, now - SILENCE)
            overdue = await queries.overdue(session, now)
        done = [await self.one(self.recordings.hush, recording_id) for recording_id in silent]
        done += [await self.one(self.purging.destroy, recording_id) for recording_id in overdue]
        async with self.units.database.reading() as session:
            emptied = await queries.half_purged(session)
        return done + [await self._empty(recording_id) for recording_id in emptied]

    async def _empty(self, recording_id: str) -> bool:
        try:
            await self.purging.empty(self.units, recording_id)
        except OSError:
            log.exception("crash", worker=self.name, recording=recording_id)
            return False
        return True

    def holders(self) -> set[str]:
        """Return nobody: recordings live by their chunks."""
        return set()

    async def renew(self, unit: Unit, holders: Sequence[str]) -> None:
        """Renew nothing."""

    async def next_due(self, session: AsyncSession) -> datetime | None:
        """Return when the next silence is long enough, or the next part need not be kept."""
        oldest = await queries.oldest_sign(session)
        due = [await queries.next_overdue(session), oldest and oldest + SILENCE]
        return min((one for one in due if one is not None), default=None)

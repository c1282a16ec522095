"""The end of recordings: when their time is over the key is destroyed, and then the files."""

from __future__ import annotations

from dataclasses import dataclass

from server.cases.record import Records
from server.db.unit import Unit, Units
from server.files import FileStore
from server.recordings import queries
from server.recordings.rules import FOLDER, LIVE


@dataclass(frozen=True, slots=True)
class Purging:
    """Destroys what need not be kept any longer; the row and the log stay and say so.

    The key goes first: from then on nothing can be read, whatever is left of the files. Files
    that a crash leaves are removed by the next round.
    """

    records: Records
    files: FileStore

    async def destroy(self, unit: Unit, recording_id: str) -> None:
        """Destroy a part's key, if its time is over and nobody has."""
        part = await queries.find(unit.session, recording_id)
        if part is None:
            return
        entry = await self.records.begin_as_service(unit, part.case_id)
        await unit.session.refresh(part)
        if part.sealed_key is None or part.state in LIVE or part.retain_until > unit.now:
            return
        part.sealed_key, part.purged_at = None, unit.now
        data = {
            **part.named, "call_id": part.call_id,
            "retain_until": part.retain_until.isoformat(),
        }  # fmt: skip
        await entry.append("recording.purged", data)

    async def empty(self, units: Units, recording_id: str) -> None:
        """Remove the files of a part whose key is destroyed."""
        folder = f"{FOLDER}/{recording_id}"
        for name in await self.files.names(folder):
            await self.files.remove(name)
        await self.files.remove_folder(folder)
        async with units.open() as unit:
            await queries.note_emptied(unit.session, recording_id, unit.now)

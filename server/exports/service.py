"""The verbs of exports: who asks for a call's film, what becomes of it, and who takes it away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Action, Actor
from server.calls.models import Call
from server.calls.queries import find_call
from server.cases.models import Case
from server.cases.record import Entry, Records
from server.composing.plan import Made
from server.db.base import new_id
from server.db.unit import Unit
from server.errors import ServiceError
from server.exports import messages as wire
from server.exports import queries
from server.exports.models import Export, ExportOrder
from server.exports.rules import (
    DONE,
    EXPORT_LASTS,
    MOST_TRIES,
    UNDER_WAY,
    ExportFailure,
    ExportState,
    may_still_grow,
)
from server.recordings.queries import parts_of
from server.rooms import clerk as clerk_room
from server.tickets.rules import unknown_as


@dataclass(frozen=True, slots=True)
class Claim:
    """An export that an attempt of ours composes."""

    export_id: str
    claim: str
    case_id: str
    call_id: str
    sealed_key: str


@dataclass(frozen=True, slots=True)
class Exports:
    """Keeps account of exports; each verb works in the unit it is given."""

    records: Records

    # What supervisors say

    async def request(self, unit: Unit, actor: Actor, call_id: str, reason: str) -> wire.ExportJob:
        """Order a call's film, and log who did and why; who asks for one that is there has it too.

        The same again changes nothing. What of the recording can be opened was found out before.
        """
        call, _ = await self._call(unit.session, actor, call_id)
        with unknown_as("call.unknown"):
            entry = await self.records.begin(unit, actor, call.case_id, Action.EXPORT_RECORDING)
        row = await queries.current_of(unit.session, call_id)
        if row is None:
            row = await self._new(entry, call)
        if not await queries.has_ordered(unit.session, row.id, actor.id):
            unit.session.add(ExportOrder(export_id=row.id, clerk_id=actor.id, at=unit.now))
            data = {"call_id": call.id, "export_id": row.id}
            await entry.append("export.requested", data, private={"reason": reason})
            await self._tell(unit, row.id)
        return wire.ExportJob.of(row, mine=True)

    async def _new(self, entry: Entry, call: Call) -> Export:
        unit = entry.unit
        row = Export(
            id=new_id(), case_id=call.case_id, call_id=call.id, state=ExportState.QUEUED,
            progress=0, asked_at=unit.now, asked_by_name=entry.actor.name, tries=0,
            expires_at=unit.now + EXPORT_LASTS,
        )  # fmt: skip
        unit.session.add(row)
        await unit.session.flush()
        return row

    async def newest(
        self, session: AsyncSession, actor: Actor, call_id: str
    ) -> wire.ExportJob | None:
        """Return the newest export of a call, if there ever was one."""
        await self._call(session, actor, call_id)
        row = await queries.newest_of(session, call_id)
        if row is None:
            return None
        return wire.ExportJob.of(row, mine=await queries.has_ordered(session, row.id, actor.id))

    async def cancel(self, unit: Unit, actor: Actor, export_id: str) -> wire.ExportJob:
        """Withdraw my order; the export itself is given up with the last one.

        Refuses export.over once nothing is under way.
        """
        row = await self._mine(unit.session, actor, export_id)
        with unknown_as("export.unknown"):
            entry = await self.records.begin(unit, actor, row.case_id, Action.EXPORT_RECORDING)
        # The record is locked: nobody else orders or withdraws now.
        is_last = await queries.orderers(unit.session, row.id) == [actor.id]
        gone = {"state": ExportState.CANCELLED, "ended_at": unit.now, "sealed_key": None}
        changed = gone if is_last else {"progress": Export.progress}
        if not await queries.leave(unit.session, row.id, UNDER_WAY, **changed):
            raise ServiceError("export.over")
        data = {"call_id": row.call_id, "export_id": row.id}
        await entry.append("export.cancelled", data)
        await self._tell(unit, row.id)
        if not is_last:
            await queries.withdraw(unit.session, row.id, actor.id)
        return wire.ExportJob.of(await self._row(unit.session, row.id), mine=is_last)

    async def film(
        self, session: AsyncSession, actor: Actor, export_id: str, now: datetime
    ) -> Export:
        """Return a film to who asked for it, and refuse export.unknown to everybody else.

        Refuses export.unready before it is made, and export.over when it is no more.
        """
        row = await self._mine(session, actor, export_id)
        with unknown_as("export.unknown"):
            await self.records.read(session, actor, row.case_id, Action.EXPORT_RECORDING)
        if row.state in UNDER_WAY:
            raise ServiceError("export.unready")
        if row.state is not ExportState.READY or row.expires_at <= now:
            raise ServiceError("export.over")
        return row

    async def note_taken(self, unit: Unit, actor: Actor, row: Export) -> str:
        """Log that a film is taken away; return its case's number."""
        with unknown_as("export.unknown"):
            entry = await self.records.begin(unit, actor, row.case_id, Action.EXPORT_RECORDING)
        await entry.append("export.downloaded", {"call_id": row.call_id, "export_id": row.id})
        return entry.case.number

    async def _call(self, session: AsyncSession, actor: Actor, call_id: str) -> tuple[Call, Case]:
        call = await find_call(session, call_id)
        if call is None:
            raise ServiceError("call.unknown")
        with unknown_as("call.unknown"):
            case = await self.records.read(session, actor, call.case_id, Action.EXPORT_RECORDING)
        return call, case

    async def _mine(self, session: AsyncSession, actor: Actor, export_id: str) -> Export:
        row = await queries.find(session, export_id)
        if row is None or not await queries.has_ordered(session, export_id, actor.id):
            raise ServiceError("export.unknown")
        return row

    async def _row(self, session: AsyncSession, export_id: str) -> Export:
        row = await queries.find(session, export_id)
        if row is None:
            raise ServiceError("export.unknown")
        return row

    # What becomes of it

    async def next_waiting(self, session: AsyncSession, now: datetime) -> str | None:
        """Return the oldest export that waits and whose recording can grow no more."""
        for row in await queries.waiting(session):
            if not await self._may_grow(session, row.call_id, now):
                return row.id
        return None

    async def take(self, unit: Unit, export_id: str) -> Claim | None:
        """Take a waiting export up; None if another attempt has, or it has been given up."""
        row = await self._row(unit.session, export_id)
        claim, key = new_id(), self.records.vault.new_key(row.id)
        if not await queries.claim(
            unit.session, row.id, claim=claim, tries=row.tries + 1, heard_at=unit.now,
            sealed_key=key, progress=0,
        ):  # fmt: skip
            return None
        await self._tell(unit, row.id)
        return Claim(row.id, claim, row.case_id, row.call_id, key)

    async def _may_grow(self, session: AsyncSession, call_id: str, now: datetime) -> bool:
        return any(
            may_still_grow(
                part.state, part.ended_for, part.ended_at, chunks=part.chunks,
                told=part.told_chunks, now=now,
            )
            for part in await parts_of(session, call_id)
        )  # fmt: skip

    async def heard(self, unit: Unit, claim: Claim) -> bool:
        """Note that an attempt is alive; say whether it is still ours to do."""
        return await queries.change(unit.session, claim.export_id, claim.claim, heard_at=unit.now)

    async def reached(self, unit: Unit, claim: Claim, progress: int) -> bool:
        """Note how much is done; say whether it is still ours to do."""
        changed = {"progress": progress, "heard_at": unit.now}
        if not await queries.change(unit.session, claim.export_id, claim.claim, **changed):
            return False
        await self._tell(unit, claim.export_id)
        return True

    async def finish(
        self, unit: Unit, claim: Claim, made: Made, *, seconds: float, pages: int, sha256: str,
        until: datetime,
    ) -> bool:  # fmt: skip
        """Enter a film that is there; False if somebody has given it up meanwhile.

        `until` is when the first part of its recording need not be kept any longer.
        """
        entry = await self.records.begin_as_service(unit, claim.case_id)
        expires_at = min(unit.now + EXPORT_LASTS, until)
        if not await queries.change(
            unit.session, claim.export_id, claim.claim, state=ExportState.READY, progress=DONE,
            ended_at=unit.now, media_type=made.media_type, seconds=seconds, size=made.size,
            pages=pages, sha256=sha256, expires_at=expires_at,
        ):  # fmt: skip
            return False
        data: dict[str, object] = {
            "call_id": claim.call_id, "export_id": claim.export_id, "sha256": sha256,
            "size": made.size, "seconds": round(seconds, 3), "media_type": made.media_type,
        }  # fmt: skip
        await entry.append("export.finished", data)
        await self._tell(unit, claim.export_id)
        return True

    async def fail(
        self,
        unit: Unit,
        claim: Claim,
        code: ExportFailure,
        damage: Mapping[str, object] | None = None,
    ) -> None:
        """Give an attempt's export up, for good, and say why."""
        entry = await self.records.begin_as_service(unit, claim.case_id)
        if await queries.change(
            unit.session, claim.export_id, claim.claim, state=ExportState.FAILED, code=code,
            damage=damage, ended_at=unit.now, sealed_key=None,
        ):  # fmt: skip
            await self._log_failure(entry, claim.call_id, claim.export_id, code, damage)

    async def _log_failure(
        self, entry: Entry, call_id: str, export_id: str, code: ExportFailure,
        damage: Mapping[str, object] | None = None,
    ) -> None:  # fmt: skip
        data = {"call_id": call_id, "export_id": export_id, "code": code.value, **(damage or {})}
        await entry.append("export.failed", data)
        await self._tell(entry.unit, export_id)

    async def put_back(self, unit: Unit, claim: Claim) -> None:
        """Let another attempt compose it: the service ends, and that is not the film's fault."""
        row = await self._row(unit.session, claim.export_id)
        await queries.change(
            unit.session, claim.export_id, claim.claim, state=ExportState.QUEUED, claim=None,
            tries=max(0, row.tries - 1), sealed_key=None, progress=0,
        )  # fmt: skip

    async def take_up(self, unit: Unit, export_id: str) -> None:
        """Have an export composed anew whose composer gives no sign; after some tries it failed."""
        row = await self._row(unit.session, export_id)
        entry = await self.records.begin_as_service(unit, row.case_id)
        composing = (ExportState.COMPOSING,)
        if row.tries < MOST_TRIES:
            await queries.leave(unit.session, export_id, composing, state=ExportState.QUEUED,
                                claim=None, sealed_key=None, progress=0)  # fmt: skip
            await self._tell(unit, export_id)
        elif await queries.leave(
            unit.session, export_id, composing, state=ExportState.FAILED,
            code=ExportFailure.INTERRUPTED, ended_at=unit.now, sealed_key=None,
        ):  # fmt: skip
            await self._log_failure(entry, row.call_id, export_id, ExportFailure.INTERRUPTED)

    async def expire(self, unit: Unit, export_id: str) -> None:
        """Destroy the key of a film whose time is over; its files are removed by and by."""
        row = await self._row(unit.session, export_id)
        entry = await self.records.begin_as_service(unit, row.case_id)
        if await queries.leave(unit.session, export_id, (ExportState.READY,),
                               state=ExportState.EXPIRED, sealed_key=None):  # fmt: skip
            await entry.append("export.purged", {"call_id": row.call_id, "export_id": export_id})
            await self._tell(unit, export_id)

    async def _tell(self, unit: Unit, export_id: str) -> None:
        await unit.session.flush()
        row = await self._row(unit.session, export_id)
        news = {
            "export_id": row.id, "call_id": row.call_id, "state": row.state.value,
            "progress": row.progress,
        }  # fmt: skip
        for clerk_id in await queries.orderers(unit.session, export_id):
            unit.notify(clerk_room(clerk_id), "export.changed", news)

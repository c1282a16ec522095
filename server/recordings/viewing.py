"""Looking at recordings: who may, for which reason, and for how long it was opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Action, Actor, authorize
from server.calls.models import Call
from server.calls.queries import find_call
from server.calls.rules import CallState, SeatSide
from server.cases.models import Case
from server.cases.reading import Reader
from server.cases.record import Records
from server.db.base import new_id
from server.db.unit import Unit
from server.errors import ServiceError
from server.recordings import messages as wire
from server.recordings import queries
from server.recordings.films import Film
from server.recordings.models import Recording, RecordingChunk, RecordingViewing
from server.recordings.rules import VIEWING_LASTS
from server.tickets.rules import unknown_as


@dataclass(frozen=True, slots=True)
class Viewings:
    """Opens recordings for supervisors of either side; every opening is in the case's log."""

    records: Records
    reader: Reader

    async def find(
        self, session: AsyncSession, actor: Actor, query: wire.RecordedQuery
    ) -> wire.RecordedCalls:
        """Return the newest recorded calls of the actor's region."""
        authorize(actor, Action.LIST_RECORDINGS)
        found = await queries.recorded_calls(
            session, actor.region, number=query.number, before=query.before, limit=queries.PAGE + 1
        )
        names = await queries.names_of(session, [call.id for call, _, _ in found])
        return wire.RecordedCalls(
            calls=[self._row(*one, names) for one in found[: queries.PAGE]],
            more=len(found) > queries.PAGE,
        )

    def _row(
        self, call: Call, case: Case, kept: queries.Kept, names: Mapping[tuple[str, SeatSide], str]
    ) -> wire.RecordedCall:
        return wire.RecordedCall(
            call_id=call.id,
            case_id=case.id,
            number=case.number,
            item_name=self.reader.item_of(case).name,
            local_name=names.get((call.id, SeatSide.LOCAL), ""),
            agent_name=names.get((call.id, SeatSide.REMOTE), ""),
            started_at=call.started_at,
            ended_at=call.ended_at,
            parts=kept.parts,
            size=kept.size,
            retain_until=kept.retain_until,
            purged=kept.purged == kept.parts,
        )

    async def parts(
        self, session: AsyncSession, actor: Actor, call_id: str
    ) -> list[tuple[Recording, Sequence[RecordingChunk]]]:
        """Return what of a call may be opened, each part with its chunks.

        Refuses call.live while it goes on, recording.missing where there is nothing, and
        recording.purged where there is nothing any more.
        """
        call, _ = await self._call(session, actor, call_id)
        if call.state is not CallState.ENDED:
            raise ServiceError("call.live")
        parts = await queries.parts_of(session, call.id)
        if not parts:
            raise ServiceError("recording.missing")
        there = [part for part in parts if part.sealed_key is not None]
        if not there:
            raise ServiceError("recording.purged")
        return [(part, await queries.chunks_of(session, part.id)) for part in there]

    async def open(
        self, unit: Unit, actor: Actor, call_id: str, reason: str, films: Mapping[str, Film]
    ) -> wire.Viewing:
        """Open a call's recording to the actor's login for a while, and log who did and why."""
        call, _ = await self._call(unit.session, actor, call_id)
        with unknown_as("call.unknown"):
            entry = await self.records.begin(unit, actor, call.case_id, Action.VIEW_RECORDING)
        row = RecordingViewing(
            id=new_id(), call_id=call.id, clerk_id=actor.id, login_id=actor.login_id,
            at=unit.now, expires_at=unit.now + VIEWING_LASTS,
        )  # fmt: skip
        unit.session.add(row)
        data = {"call_id": call.id, "viewing_id": row.id}
        await entry.append("recording.viewed", data, private={"reason": reason})
        parts = await queries.parts_of(unit.session, call.id)
        begins = await queries.beginnings(unit.session, call.id)
        seats = await queries.seats_of(unit.session, call.id)
        return wire.Viewing(
            id=row.id,
            expires_at=row.expires_at,
            call_id=call.id,
            case_id=entry.case.id,
            number=entry.case.number,
            item_code=entry.case.item_code,
            item_version=entry.case.item_version,
            item_name=self.reader.item_of(entry.case).name,
            started_at=call.started_at,
            ended_at=call.ended_at,
            seats=[
                wire.ViewedSeat(id=seat.id, side=seat.side, name=seat.name, office=seat.office)
                for seat in seats
            ],
            parts=[
                _viewed(part, begins.get(part.id, part.began_at), films.get(part.id))
                for part in parts
            ],
        )  # fmt: skip

    async def opened(
        self, session: AsyncSession, actor: Actor, viewing_id: str, recording_id: str, now: datetime
    ) -> tuple[Recording, Sequence[RecordingChunk]]:
        """Return a part that was opened to this very login, with its chunks.

        Refuses viewing.unknown to everybody else, and viewing.expired when its time is over.
        """
        row = await session.get(RecordingViewing, viewing_id)
        mine = row is not None and (row.clerk_id, row.login_id) == (actor.id, actor.login_id)
        part = await queries.find(session, recording_id)
        if row is None or not mine or part is None or part.call_id != row.call_id:
            raise ServiceError("viewing.unknown")
        with unknown_as("viewing.unknown"):
            await self.records.read(session, actor, part.case_id, Action.VIEW_RECORDING)
        if row.expires_at <= now:
            raise ServiceError("viewing.expired")
        return part, await queries.chunks_of(session, part.id)

    async def _call(self, session: AsyncSession, actor: Actor, call_id: str) -> tuple[Call, Case]:
        call = await find_call(session, call_id)
        if call is None:
            raise ServiceError("call.unknown")
        with unknown_as("call.unknown"):
            case = await self.records.read(session, actor, call.case_id, Action.VIEW_RECORDING)
        return call, case


def _viewed(part: Recording, began_at: datetime, film: Film | None) -> wire.ViewedPart:
    return wire.ViewedPart(
        id=part.id,
        seat_id=part.seat_id,
        part=part.part,
        began_at=began_at,
        seconds=0.0 if film is None else film.seconds,
        chunks=0 if film is None else len(film.chunks) + len(film.lost) + len(film.altered),
        lost=[] if film is None else list(film.lost),
        altered=[] if film is None else list(film.altered),
        purged=part.sealed_key is None,
    )

"""The verbs of recordings: what of a call is recorded, by consent, and what becomes of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Action, Actor
from server.calls.models import Call, Seat
from server.calls.queries import find_call, live_call
from server.calls.relaying import Tape
from server.calls.rules import CallState, SeatSide
from server.cases.models import Case
from server.cases.queries import find_case, find_consent
from server.cases.reading import Reader
from server.cases.record import Entry
from server.cases.rules import ConsentState
from server.db.base import new_id
from server.db.unit import Unit
from server.errors import ServiceError
from server.recordings import messages as wire
from server.recordings import queries
from server.recordings.models import Recording, RecordingOrder
from server.recordings.parts import Parts
from server.recordings.rules import (
    LIVE,
    PASSING,
    RECORDED,
    EndedFor,
    Light,
    PartState,
    is_kept,
    light_of,
)
from server.relays.queries import find_worker
from server.texts import RECORDING_NOTICES
from server.tickets.rules import unknown_as

Arrange = Callable[[Unit, Call], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Recordings(Parts):
    """Orders recordings and keeps account of them; each verb works in the unit it is given.

    `arrange` tells a call's worker what it is to do, and asks `tapes` for it.
    """

    reader: Reader
    arrange: Arrange

    # What is recorded

    async def tapes(self, unit: Unit, call: Call, seats: Sequence[Seat]) -> Mapping[str, Tape]:
        """Say which part each seat goes into; end and begin parts as seats and legs are now.

        The unit has locked the call's case.
        """
        parts = await queries.parts_of(unit.session, call.id)
        live = [part for part in parts if part.state in LIVE]
        order = None if call.state is CallState.ENDED else await self._order(unit, call)
        if order is None and not live:
            return {}
        entry = await self.records.begin_as_service(unit, call.case_id)
        before = entry.case.seq
        legs = {seat.id: seat.leg_id for seat in seats if seat.side in RECORDED}
        for part in live:
            if order is None or legs.get(part.seat_id) != part.leg_id:
                why = await self._why(unit, call, part, legs, ordered=order is not None)
                await self._end(entry, part, why)
        if order is not None:
            for part in parts:
                if part.state is PartState.FAILED and part.seat_id not in legs:
                    # Nothing more is to come from who has left: no reason for an alarm.
                    part.state = PartState.ENDED
        found = {} if order is None else await self._running(entry, call, seats, order)
        if entry.case.seq != before:
            await self._tell(entry, call.id)
        return found

    async def _running(
        self, entry: Entry, call: Call, seats: Sequence[Seat], order: RecordingOrder
    ) -> dict[str, Tape]:
        newest = await self._newest(entry.unit.session, call.id)
        if call.worker_id is None and not order.paused:
            for cut in newest.values():
                if cut.state is PartState.CUT:
                    # Nothing can follow it in a direct call: there is nothing to wait for.
                    await self._fail(entry, cut, cut.ended_for or EndedFor.WORKER_LOST)
        tapes = {}
        for seat in seats:
            if seat.side not in RECORDED or seat.leg_id is None or call.worker_id is None:
                continue
            part = newest.get(seat.id)
            over = part is not None and part.state in {PartState.CUT, PartState.ENDED}
            if part is None or over or part.leg_id != seat.leg_id:
                part = await self._begin(entry, call, seat, part, paused=order.paused)
            if part.state in LIVE or part.ended_for in PASSING:
                tapes[seat.id] = Tape(part.id, order.paused)
        return tapes

    async def _order(self, unit: Unit, call: Call) -> RecordingOrder | None:
        """Return a call's order while consent to it lasts; an item may demand one by itself."""
        case = await find_case(unit.session, call.case_id)
        if case is None or not await self._consented(unit.session, case):
            return None
        order = await queries.find_order(unit.session, call.id)
        if order is None and self.reader.item_of(case).recording_required:
            order = await self._new_order(unit, call)
        return order

    async def _new_order(self, unit: Unit, call: Call) -> RecordingOrder:
        order = RecordingOrder(call_id=call.id, paused=False, at=unit.now)
        unit.session.add(order)
        await unit.session.flush()
        return order

    async def _consented(self, session: AsyncSession, case: Case) -> bool:
        consent = await find_consent(session, case.id)
        return (
            consent is not None
            and consent.state is ConsentState.GIVEN
            and consent.notice_version in RECORDING_NOTICES
        )

    async def _why(
        self, unit: Unit, call: Call, part: Recording, legs: Mapping[str, str | None], *,
        ordered: bool,
    ) -> EndedFor:  # fmt: skip
        if call.state is CallState.ENDED:
            return EndedFor.CALL_ENDED
        if not ordered:
            return EndedFor.CONSENT_MISSING
        if part.seat_id not in legs:
            return EndedFor.SEAT_LEFT
        if await find_worker(unit.session, part.worker_id) is None:
            return EndedFor.WORKER_LOST
        return EndedFor.LEG_LOST if legs.get(part.seat_id) is None else EndedFor.SEAT_MOVED

    async def _newest(self, session: AsyncSession, call_id: str) -> dict[str, Recording]:
        return {part.seat_id: part for part in await queries.parts_of(session, call_id)}

    async def _begin(
        self, entry: Entry, call: Call, seat: Seat, before: Recording | None, *, paused: bool
    ) -> Recording:
        """Begin a seat's next part; the gap since the last one is marked with its reason."""
        unit, part_id = entry.unit, new_id()
        days = self.reader.item_of(entry.case).recording_days
        part = Recording(
            id=part_id,
            case_id=call.case_id,
            call_id=call.id,
            seat_id=seat.id,
            side=seat.side,
            leg_id=seat.leg_id,
            worker_id=call.worker_id,
            part=1 if before is None else before.part + 1,
            state=PartState.PAUSED if paused else PartState.RECORDING,
            began_at=unit.now,
            heard_at=unit.now,
            chunks=0,
            size=0,
            sealed_key=self.records.vault.new_key(part_id),
            retain_until=unit.now + timedelta(days=days),
        )
        unit.session.add(part)
        await unit.session.flush()
        if before is not None:
            if before.state is PartState.CUT:
                before.state = PartState.ENDED
            since = before.ended_at or before.heard_at
            why = before.ended_for or EndedFor.SEAT_MOVED
            data = {
                **part.named, "after": before.id, "reason": why.value,
                "from": since.isoformat(), "to": unit.now.isoformat(),
            }  # fmt: skip
            await entry.append("recording.gap", data)
        begun = {**part.named, "call_id": call.id, "seat_id": seat.id, "part": part.part}
        await entry.append("recording.started", begun)
        return part

    async def _end(self, entry: Entry, part: Recording, why: EndedFor) -> None:
        over = why in {EndedFor.CALL_ENDED, EndedFor.CONSENT_MISSING, EndedFor.SEAT_LEFT}
        if part.state is PartState.CUT:
            part.state = PartState.ENDED if over else PartState.CUT
            return
        part.state = PartState.ENDED if over else PartState.CUT
        part.ended_for, part.ended_at, part.heard_at = why, entry.unit.now, entry.unit.now
        await entry.append("recording.ended", {**part.named, "reason": why.value})

    async def consider(self, unit: Unit, case_id: str) -> None:
        """Begin or end recording as the consent is now; the unit has locked the case."""
        call = await live_call(unit.session, case_id)
        if call is not None:
            await self.arrange(unit, call)

    # What the agent says

    async def start(self, unit: Unit, actor: Actor, call_id: str) -> wire.CallRecording:
        """Record a call from now on, or go on after a pause.

        Refuses consent.missing, and recording.unavailable where no media worker has the call.
        """
        entry, call = await self._command(unit, actor, call_id)
        if not await self._consented(unit.session, entry.case):
            raise ServiceError("consent.missing")
        if call.worker_id is None:
            raise ServiceError("recording.unavailable")
        order = await queries.find_order(unit.session, call.id) or await self._new_order(unit, call)
        if order.paused:
            await self._set_pause(entry, call, order, paused=False)
            await entry.append("recording.resumed", {"call_id": call.id})
        for part in await queries.parts_of(unit.session, call.id):
            if part.state is PartState.FAILED:
                # Another part is to follow it.
                part.state = PartState.ENDED
        await self.arrange(unit, call)
        await self._tell(entry, call.id)
        return await self._shown(unit.session, call)

    async def pause(
        self, unit: Unit, actor: Actor, call_id: str, reason: str
    ) -> wire.CallRecording:
        """Keep nothing for a while; refuses recording.missing if the call is not recorded."""
        entry, call = await self._command(unit, actor, call_id)
        if (order := await queries.find_order(unit.session, call.id)) is None:
            raise ServiceError("recording.missing")
        if not order.paused:
            await self._set_pause(entry, call, order, paused=True)
            await entry.append("recording.paused", {"call_id": call.id}, private={"reason": reason})
            await self.arrange(unit, call)
            await self._tell(entry, call.id)
        return await self._shown(unit.session, call)

    async def _set_pause(
        self, entry: Entry, call: Call, order: RecordingOrder, *, paused: bool
    ) -> None:
        order.paused = paused
        before, after = PartState.RECORDING, PartState.PAUSED
        if not paused:
            before, after = after, before
        for part in await queries.parts_of(entry.unit.session, call.id):
            if part.state is before:
                part.state, part.heard_at = after, entry.unit.now
        await entry.unit.session.flush()

    async def _command(self, unit: Unit, actor: Actor, call_id: str) -> tuple[Entry, Call]:
        call = await find_call(unit.session, call_id)
        if call is None:
            raise ServiceError("call.unknown")
        with unknown_as("call.unknown"):
            entry = await self.records.begin(unit, actor, call.case_id, Action.RECORD_CALL)
        await unit.session.refresh(call)
        if call.state is CallState.ENDED:
            raise ServiceError("call.over")
        return entry, call

    async def read(self, session: AsyncSession, actor: Actor, call_id: str) -> wire.CallRecording:
        """Return whether a call is recorded now, and every part of it."""
        call = await find_call(session, call_id)
        if call is None:
            raise ServiceError("call.unknown")
        with unknown_as("call.unknown"):
            await self.records.read(session, actor, call.case_id, Action.READ_RECORDING)
        return await self._shown(session, call)

    async def _shown(self, session: AsyncSession, call: Call) -> wire.CallRecording:
        parts = await queries.parts_of(session, call.id)
        newest = {part.seat_id: part.state for part in parts}
        light = Light.OFF if call.state is CallState.ENDED else light_of(newest.values())
        shown = [wire.Part.of(part) for part in parts]
        return wire.CallRecording(call_id=call.id, light=light, parts=shown)

    async def require(self, session: AsyncSession, case: Case) -> None:
        """Refuse recording.missing if the item demands a recording that is not whole so far."""
        if not self.reader.item_of(case).recording_required:
            return
        call = await queries.last_call(session, case.id)
        parts = [] if call is None else await queries.parts_of(session, call.id)
        newest: dict[SeatSide, tuple[PartState, EndedFor | None, int]] = {
            part.side: (part.state, part.ended_for, part.chunks) for part in parts
        }
        if not is_kept(newest):
            raise ServiceError("recording.missing")

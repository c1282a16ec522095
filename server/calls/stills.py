"""Stills: a full-resolution picture from the counter's camera, asked for and answered."""

from __future__ import annotations

from dataclasses import dataclass

from server.access import Action, Actor
from server.calls import messages as wire
from server.calls import queries
from server.calls.models import Call, Still
from server.calls.rules import STILL_LASTS, CallState, SeatSide, StillState
from server.cases.record import Entry, Records
from server.cases.rules import Side
from server.db.base import new_id
from server.db.unit import Unit
from server.errors import ServiceError
from server.rooms import seat as seat_room
from server.tickets.rules import unknown_as
from server.tickets.service import Tickets


@dataclass(frozen=True, slots=True)
class Stills:
    """Asks the counter for pictures; each verb is one command in the unit it is given."""

    records: Records
    tickets: Tickets

    async def ask_still(
        self, unit: Unit, actor: Actor, call_id: str, order: wire.StillOrder
    ) -> wire.Still:
        """Ask the counter's camera for a full-resolution picture; five seconds to answer."""
        call = await queries.find_call(unit.session, call_id)
        if call is None:
            raise ServiceError("call.unknown")
        entry = await self.enter(unit, actor, call, Action.ASK_STILL)
        if not self.tickets.reader.item_of(entry.case).takes_material(order.kind):
            raise ServiceError("material.unknown", field="kind")
        still = Still(
            id=new_id(),
            call_id=call.id,
            case_id=call.case_id,
            kind=order.kind,
            remark=order.remark,
            state=StillState.ASKED,
            asked_by=actor.name,
            asked_at=unit.now,
            expires_at=unit.now + STILL_LASTS,
        )
        unit.session.add(still)
        await entry.append("still.requested", {"still_id": still.id, "kind": order.kind})
        shown = wire.Still.of(still)
        for seat in await queries.list_seats(unit.session, call.id):
            if seat.side is SeatSide.LOCAL:
                unit.notify(seat_room(seat.id), "still.requested", shown.model_dump(mode="json"))
        return shown

    async def refuse_still(
        self, unit: Unit, actor: Actor, still_id: str, reason: str
    ) -> wire.Still:
        """Say at the counter that no picture is taken, and why; refuses still.gone."""
        still = await queries.find_still(unit.session, still_id)
        if still is None:
            raise ServiceError("still.unknown")
        with unknown_as("still.unknown"):
            entry = await self.records.begin(unit, actor, still.case_id, Action.REFUSE_STILL)
        moved = await queries.move_still(
            unit.session, still.id, [StillState.ASKED], StillState.REFUSED
        )
        if not moved:
            raise ServiceError("still.gone")
        return await self._close(entry, still, private={"reason": reason})

    async def file_still(self, entry: Entry, still_id: str, material_id: str) -> None:
        """Answer a still with the material that the counter has just filed.

        Late is better than lost: one that was missed may still be answered. Refuses still.gone
        for one that was answered or refused.
        """
        still = await queries.find_still(entry.unit.session, still_id)
        if still is None or still.case_id != entry.case.id:
            raise ServiceError("still.unknown")
        if entry.side is not Side.LOCAL:
            raise ServiceError("action.forbidden")
        moved = await queries.move_still(
            entry.unit.session,
            still.id,
            [StillState.ASKED, StillState.MISSED],
            StillState.FILED,
            material_id=material_id,
        )
        if not moved:
            raise ServiceError("still.gone")
        await self._close(entry, still)

    async def miss_still(self, unit: Unit, still_id: str) -> None:
        """Close a still that nobody answered in time."""
        still = await queries.find_still(unit.session, still_id)
        if still is None:
            return
        entry = await self.records.begin_as_service(unit, still.case_id)
        if await queries.move_still(
            unit.session, still.id, [StillState.ASKED], StillState.MISSED, due=unit.now
        ):
            await self._close(entry, still)

    async def _close(
        self, entry: Entry, still: Still, private: dict[str, object] | None = None
    ) -> wire.Still:
        session = entry.unit.session
        await session.refresh(still)
        data: dict[str, object] = {"still_id": still.id, "kind": still.kind}
        if still.material_id is not None:
            data["material_id"] = still.material_id
        await entry.append(f"still.{still.state.value}", data, private=private)
        shown = wire.Still.of(still)
        news = shown.model_dump(mode="json")
        for seat in await queries.list_seats(session, still.call_id):
            if seat.side is not SeatSide.CITIZEN:
                entry.unit.notify(seat_room(seat.id), "still.closed", news)
        return shown

    # What every verb on a call begins with.

    async def enter(self, unit: Unit, actor: Actor, call: Call, action: Action) -> Entry:
        """Lock a call's case for a command; refuses call.over, and call.unknown to strangers."""
        with unknown_as("call.unknown"):
            if call.state is CallState.ENDED:
                await self.records.read(unit.session, actor, call.case_id, Action.READ_CALL)
                raise ServiceError("call.over")
            return await self.records.begin(unit, actor, call.case_id, action)

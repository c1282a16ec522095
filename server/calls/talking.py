"""What is said in a call beside the picture: remarks, and who sits at the counter after a cut."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Action, Actor
from server.calls import messages as wire
from server.calls import queries
from server.calls.models import Call
from server.calls.service import Calls
from server.cases.models import Case
from server.cases.record import Entry
from server.cases.rules import CaseState
from server.db.unit import Unit
from server.errors import ServiceError
from server.items.values import check_text

LONGEST: Final = 500


@dataclass(frozen=True, slots=True)
class Talking:
    """Keeps in the case what both sides say to each other; each verb is one command."""

    calls: Calls

    async def say(self, unit: Unit, actor: Actor, call_id: str, text: str) -> wire.Said:
        """Keep a remark in the case, as ciphertext under its key; both sides hear of it.

        Refuses what `check_text` refuses, and call.over. No picture is needed for it.
        """
        said = check_text(text, "text", LONGEST)
        entry, call = await self._begin(unit, actor, call_id, Action.SAY)
        event = await entry.append("chat.said", {"call_id": call.id}, private={"text": said})
        return wire.Said(seq=event.seq, at=event.at)

    async def confirm_person(self, unit: Unit, actor: Actor, call_id: str) -> wire.Call:
        """Attest at the counter that the same person sits there as before the cut.

        Refuses call.interrupted while the line is down, and person.confirmed where there is
        nothing to attest.
        """
        entry, call = await self._begin(unit, actor, call_id, Action.CONFIRM_PERSON)
        attendance = await queries.attendance(unit.session, entry.case.id)
        if attendance.down_since is not None:
            raise ServiceError("call.interrupted")
        cut = attendance.unconfirmed
        if cut is None:
            raise ServiceError("person.confirmed")
        data = {"call_id": call.id, **wire.Gap.of(cut).model_dump(mode="json")}
        await entry.append("person.confirmed", data)
        await self.calls.tell_changed(entry, call)
        mine = await queries.find_seat(unit.session, call.id, actor.id)
        return await self.calls.show(unit.session, call, mine)

    async def _begin(
        self, unit: Unit, actor: Actor, call_id: str, action: Action
    ) -> tuple[Entry, Call]:
        """Lock the case of a live call for one of its seats; refuses call.over."""
        call = await queries.find_call(unit.session, call_id)
        if call is None:
            raise ServiceError("call.unknown")
        entry = await self.calls.enter(unit, actor, call, action)
        locked = await queries.live_call(unit.session, call.case_id)
        if locked is None or locked.id != call.id:
            raise ServiceError("call.over")
        return entry, locked


async def require_same_person(session: AsyncSession, case: Case, now: datetime) -> None:
    """Refuse person.unconfirmed while somebody else may sit at the counter since a cut.

    Of a case that is left with the jurisdiction, or settled, nobody sits there any more.
    """
    if case.state in {CaseState.WITH_JURISDICTION, CaseState.SETTLED}:
        return
    attendance = await queries.attendance(session, case.id)
    if attendance.is_doubtful(now):
        raise ServiceError("person.unconfirmed")

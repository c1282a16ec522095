"""What clients say about a case without changing it: that they watch it, that they type in it."""

from __future__ import annotations

from dataclasses import dataclass

from server.access import Action
from server.cases.notices import CaseWatched, FieldEdited, Watching
from server.cases.record import Records
from server.db.engine import Database
from server.db.unit import Notice
from server.rooms import case as case_room
from server.web.socket import Heard, SocketEvent


@dataclass(frozen=True, slots=True)
class _Listeners:
    records: Records
    database: Database

    async def watch(self, heard: Heard[CaseWatched]) -> Watching:
        async with self.database.reading() as session:
            case = await self.records.read(
                session, heard.actor, heard.said.case_id, Action.WATCH_CASE
            )
        await heard.hub.enter(heard.connection, case_room(case.id))
        return Watching(seq=case.seq)

    async def unwatch(self, heard: Heard[CaseWatched]) -> None:
        await heard.hub.leave(heard.connection, case_room(heard.said.case_id))

    async def edited(self, heard: Heard[FieldEdited]) -> None:
        async with self.database.reading() as session:
            await self.records.read(
                session, heard.actor, heard.said.case_id, Action.ANNOUNCE_EDITING
            )
        by = {"id": heard.actor.id, "name": heard.actor.name}
        news = {**heard.said.model_dump(), "by": by}
        await heard.hub.publish(Notice(case_room(heard.said.case_id), "field.edited", news))


def events(
    records: Records, database: Database
) -> list[SocketEvent[CaseWatched] | SocketEvent[FieldEdited]]:
    """Return the socket events of this domain."""
    listeners = _Listeners(records, database)
    return [
        SocketEvent("case.watched", CaseWatched, listeners.watch, Watching),
        SocketEvent("case.unwatched", CaseWatched, listeners.unwatch),
        SocketEvent("field.edited", FieldEdited, listeners.edited),
    ]

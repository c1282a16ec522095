"""Halls whose calls are recorded, without media: by the verbs, and over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from server.access import Actor, Role
from server.calls.models import Call
from server.calls.service import Calls
from server.cases.models import Consent
from server.cases.rules import ConsentState
from server.db.unit import Unit
from server.errors import ServiceError
from server.exports.making import Making
from server.exports.routes import routes as export_routes
from server.files import LocalFiles
from server.recordings import messages as wire
from server.recordings import queries
from server.recordings.models import Recording
from server.recordings.purging import Purging
from server.recordings.routes import routes
from server.recordings.service import Recordings
from server.recordings.worker import RecordingWorker
from server.rooms import MEDIA
from server.texts import NOTICE_VERSION
from server.web.login import Audience
from tests.support.database import News, SetClock
from tests.support.halls import CLERK, HUOQIU, PENSION, STRANGER, WANG, WUJIANG, ZHOU, Halls, clerk
from tests.support.relay import Relay
from tests.support.site import Logins, Site, serving

BYTES = b"webm" * 1000
LU, FANG = clerk("lu", WUJIANG, Role.SUPERVISOR), clerk("fang", HUOQIU, Role.SUPERVISOR)
NOWHERE = replace(clerk("tao", HUOQIU, Role.SUPERVISOR), region="", hall="")
SUPERVISORS = (LU, FANG, NOWHERE)
ADMIN = Actor("admin", "admin", "login-admin", frozenset({Role.ADMINISTRATOR}))


@dataclass
class Studio:
    """Halls whose calls a worker `w1` records."""

    halls: Halls
    relay: Relay
    news: News
    clock: SetClock
    folder: Path

    def __post_init__(self) -> None:
        halls = self.halls

        async def arrange(unit: Unit, call: Call) -> None:
            await halls.calls.arrange(unit, call)

        self.recordings = Recordings(halls.records, halls.reader, arrange)
        halls.calls = Calls(halls.records, halls.tickets, self.relay.relays,
                            tapes=self.recordings.tapes)  # fmt: skip
        self.files = LocalFiles(self.folder / "files")
        # Tests wait for what it makes.
        self.making = Making(halls.units, halls.records, self.files, niceness=0)

    def demand(self) -> None:
        """Have the item demand a recording."""
        for key, item in self.halls.items.by_version.items():
            if item.code == PENSION:
                made = replace(item, recording_required=True)
                self.halls.items.by_version[key] = made  # type: ignore[index]

    async def met(self) -> tuple[str, str]:
        """Both clerks on legs of `w1`, in a call."""
        await self.relay.report("w1")
        for who in (CLERK, WANG):
            await self.relay.connected(who.name, "w1", holder=who.id)
        return await self.halls.in_call()

    async def consent(
        self, case_id: str, state: ConsentState = ConsentState.GIVEN, version: str = NOTICE_VERSION
    ) -> None:
        async with self.halls.units.open() as unit:
            await self.halls.records.begin_as_service(unit, case_id)
            await unit.session.merge(
                Consent(case_id=case_id, state=state, notice_version=version, asked_at=unit.now)
            )
            await unit.session.flush()
            await self.recordings.consider(unit, case_id)

    async def start(self, call_id: str, who: Actor = WANG) -> wire.CallRecording:
        async with self.halls.units.open() as unit:
            return await self.recordings.start(unit, who, call_id)

    async def pause(self, call_id: str) -> wire.CallRecording:
        async with self.halls.units.open() as unit:
            return await self.recordings.pause(unit, WANG, call_id, "群众要求")

    async def advise(self, call_id: str, whom: Actor = ZHOU) -> None:
        """Have a ready agent asked into a call, and come."""
        await self.halls.become(whom)
        async with self.halls.units.open() as unit:
            asked = await self.halls.calls.invite(unit, WANG, call_id, whom.id)
        async with self.halls.units.open() as unit:
            await self.halls.calls.accept_invitation(unit, whom, asked.id)

    async def parts(self, call_id: str) -> list[Recording]:
        async with self.halls.units.database.reading() as session:
            return list(await queries.parts_of(session, call_id))

    def named(self) -> list[tuple[str | None, bool]]:
        """Which recordings the last arrangement named, and whether they were paused."""
        told = [n for n in self.news.notices if n.event == "call.arranged" and n.namespace == MEDIA]
        seats: Any = told[-1].data["seats"]
        return [(one["record"], one["paused"]) for one in seats]

    def alarms(self) -> set[str]:
        return {n.room for n in self.news.notices if n.event == "recording.failed"}

    async def required(self, case_id: str) -> None:
        async with self.halls.units.database.reading() as session:
            await self.recordings.require(session, await self.halls.case_row(case_id))

    async def tick(self) -> None:
        purging = Purging(self.halls.records, self.files)
        await RecordingWorker(self.halls.units, self.recordings, purging).tick()

    async def chunk(self, recording_id: str, number: int = 0) -> None:
        """Enter a chunk without its file."""
        given = wire.ChunkGiven(sha256=sha256(BYTES).hexdigest(), began=1.0, ended=2.0)
        async with self.halls.units.open() as unit:
            await self.recordings.keep(
                unit, recording_id, number, given, size=len(BYTES), file_name="none"
            )


async def refused(code: str, attempt: Any) -> None:  # noqa: ANN401 (any verb)
    with pytest.raises(ServiceError) as found:
        await attempt
    assert found.value.code == code


@asynccontextmanager
async def open_site(studio: Studio) -> AsyncIterator[Site]:
    logins = Logins()
    for who in (CLERK, WANG, STRANGER, *SUPERVISORS, ADMIN):
        logins.actors[Audience.STAFF, who.name] = who
    logins.actors[Audience.WORKER, "secret"] = Actor("worker", "", "", frozenset({Role.WORKER}))
    table = [
        *routes(studio.recordings, studio.files),
        *export_routes(studio.making, studio.halls.reader),
    ]
    async with serving(studio.halls.units, routes=table, find=logins.find) as site:
        yield site


async def put(
    site: Site, recording_id: str, content: bytes, *, number: int = 0, digest: str = "",
    began: float = 1_764_000_000.5, **headers: str,
) -> tuple[int, str]:  # fmt: skip
    path = f"/api/media/recordings/{recording_id}/chunks/{number}"
    said = {
        "sha256": digest or sha256(content).hexdigest(), "began": f"{began:.3f}",
        "ended": f"{began + 5:.3f}",
    }  # fmt: skip
    bearing = {"Authorization": "Bearer secret", "Content-Type": "video/webm", **headers}
    async with site.browser.put(
        site.url(path), params=said, data=content, headers=bearing
    ) as answer:
        body = await answer.json()
        return answer.status, body["error"]["code"] if body["error"] else ""

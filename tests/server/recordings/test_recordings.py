"""Recordings by their verbs, and chunks over HTTP, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from server.access import Actor, Role
from server.calls.models import Call
from server.calls.service import Calls
from server.cases.models import Consent
from server.cases.rules import ConsentState
from server.db.unit import Unit, Units
from server.errors import ServiceError
from server.files import LocalFiles
from server.media import messages as media
from server.recordings import messages as wire
from server.recordings import queries
from server.recordings.models import Recording
from server.recordings.routes import chunk_context, routes
from server.recordings.rules import SILENCE, EndedFor, PartState
from server.recordings.service import Recordings
from server.recordings.worker import RecordingWorker
from server.rooms import MEDIA
from server.texts import NOTICE_VERSION
from server.web.login import Audience
from tests.support.database import News, SetClock
from tests.support.halls import CLERK, HUOQIU, PENSION, STRANGER, WANG, WUJIANG, Halls
from tests.support.relay import Relay, id_of
from tests.support.site import Logins, Site, serving

BYTES = b"webm" * 1000


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
        await RecordingWorker(self.halls.units, self.recordings).tick()

    async def chunk(self, recording_id: str, number: int = 0) -> None:
        """Enter a chunk without its file."""
        given = wire.ChunkGiven(sha256=sha256(BYTES).hexdigest(), began=1.0, ended=2.0)
        async with self.halls.units.open() as unit:
            await self.recordings.keep(
                unit, recording_id, number, given, size=len(BYTES), file_name="none"
            )


@pytest.fixture
def studio(either_units: Units, news: News, clock: SetClock, tmp_path: Path) -> Studio:
    return Studio(Halls(either_units), Relay(either_units), news, clock, tmp_path)


async def refused(code: str, attempt: Any) -> None:  # noqa: ANN401 (any verb)
    with pytest.raises(ServiceError) as found:
        await attempt
    assert found.value.code == code


async def test_without_consent_nothing_is_recorded(studio: Studio) -> None:
    studio.demand()
    case_id, call_id = await studio.met()
    await refused("consent.missing", studio.start(call_id))
    await studio.consent(case_id, ConsentState.REFUSED)
    await studio.consent(case_id, version="2026-11-1")
    await refused("consent.missing", studio.start(call_id))
    assert await studio.parts(call_id) == []
    assert {one for one, _ in studio.named()} == {None}
    await refused("recording.missing", studio.required(case_id))


async def test_an_item_that_demands_it_is_recorded_from_the_consent_on(studio: Studio) -> None:
    studio.demand()
    case_id, call_id = await studio.met()
    await studio.consent(case_id)
    parts = await studio.parts(call_id)
    assert {part.side.value for part in parts} == {"local", "remote"}
    assert {one for one, _ in studio.named()} == {part.id for part in parts}
    assert (await studio.halls.log(case_id)).count("recording.started") == 2
    await refused("recording.missing", studio.required(case_id))
    for part in parts:
        await studio.chunk(part.id)
    await studio.required(case_id)
    await studio.pause(call_id)
    await refused("recording.missing", studio.required(case_id))


async def test_another_items_call_is_recorded_on_the_agents_word_only(studio: Studio) -> None:
    case_id, call_id = await studio.met()
    await studio.consent(case_id)
    assert await studio.parts(call_id) == []
    await refused("call.unknown", studio.start(call_id, STRANGER))
    await refused("action.forbidden", studio.start(call_id, CLERK))
    await refused("recording.missing", studio.pause(call_id))
    assert (await studio.start(call_id)).light == "recording"
    assert [paused for _, paused in studio.named()] == [False, False]
    assert (await studio.pause(call_id)).light == "paused"
    assert [paused for _, paused in studio.named()] == [True, True]
    assert (await studio.start(call_id)).light == "recording"
    assert len(await studio.parts(call_id)) == 2
    [paused] = [e for e in await studio.halls.events(case_id) if e.kind == "recording.paused"]
    assert "群众要求" not in str(paused.data)


async def test_another_leg_is_another_part_and_the_gap_is_marked(studio: Studio) -> None:
    case_id, call_id = await studio.met()
    await studio.consent(case_id)
    await studio.start(call_id)
    first = {part.side.value: part.id for part in await studio.parts(call_id)}
    await studio.relay.report("w2")
    await studio.relay.part("w1")
    async with studio.halls.units.open() as unit:
        await studio.halls.calls.settle(unit, call_id)
    assert {part.state for part in await studio.parts(call_id)} == {PartState.CUT}
    studio.clock.advance(seconds=3)
    leg = await studio.relay.connected(CLERK.name, "w2", holder=CLERK.id)
    async with studio.halls.units.open() as unit:
        await studio.halls.calls.take_seat(unit, CLERK, call_id, CLERK.name, leg)
    [old, new] = [p for p in await studio.parts(call_id) if p.side.value == "local"]
    assert (old.id, old.state, old.ended_for) == (
        first["local"], PartState.ENDED, EndedFor.WORKER_LOST,
    )  # fmt: skip
    assert (new.part, new.state, new.worker_id) == (2, PartState.RECORDING, id_of("w2"))
    [gap] = [e for e in await studio.halls.events(case_id) if e.kind == "recording.gap"]
    assert (gap.data["recording_id"], gap.data["reason"]) == (new.id, "worker_lost")
    assert gap.data["from"] < gap.data["to"]


async def test_a_part_that_gives_no_sign_raises_the_alarm_and_may_come_back(
    studio: Studio,
) -> None:
    case_id, call_id = await studio.met()
    await studio.consent(case_id)
    await studio.start(call_id)
    local, remote = await studio.parts(call_id)
    studio.clock.advance(seconds=SILENCE.total_seconds() - 1)
    await studio.chunk(remote.id)
    await studio.tick()
    assert studio.alarms() == set()
    studio.clock.advance(seconds=1)
    await studio.tick()
    assert studio.alarms() >= {
        f"clerk:{CLERK.id}", f"clerk:{WANG.id}", f"board:{HUOQIU}", f"board:{WUJIANG}",
    }  # fmt: skip
    states = {part.id: part.state for part in await studio.parts(call_id)}
    assert states == {local.id: PartState.FAILED, remote.id: PartState.RECORDING}
    await studio.chunk(local.id)
    assert {part.state for part in await studio.parts(call_id)} == {PartState.RECORDING}


async def test_what_a_worker_gives_up_has_failed_and_goes_on_as_another_part(
    studio: Studio,
) -> None:
    case_id, call_id = await studio.met()
    await studio.consent(case_id)
    await studio.start(call_id)
    part = (await studio.parts(call_id))[0]
    said = media.RecordingFailed(recording_id=part.id, reason="overflow")
    for sid in ("w2", "w1", "w1"):
        async with studio.halls.units.open() as unit:
            await studio.recordings.note_failure(unit, sid, said)
    assert (await studio.halls.log(case_id)).count("recording.failed") == 1
    shown = await studio.start(call_id)
    assert shown.light == "recording"
    assert len(shown.parts) == 3


async def test_the_end_of_a_call_ends_its_recording_and_chunks_still_come(studio: Studio) -> None:
    studio.demand()
    case_id, call_id = await studio.met()
    await studio.consent(case_id)
    parts = await studio.parts(call_id)
    await studio.halls.hang_up(WANG, call_id)
    for part in parts:
        await studio.chunk(part.id, 1)
        said = media.RecordingEnded(recording_id=part.id, chunks=2, frames=9)
        async with studio.halls.units.open() as unit:
            await studio.recordings.note_end(unit, "w1", said)
    assert {part.ended_for for part in await studio.parts(call_id)} == {EndedFor.CALL_ENDED}
    gaps = [e.data for e in await studio.halls.events(case_id) if e.kind == "recording.gap"]
    assert [gap["numbers"] for gap in gaps] == [[0], [0]]
    await studio.required(case_id)
    studio.clock.advance(seconds=100)
    await studio.tick()
    assert studio.alarms() == set()


async def test_a_direct_call_cannot_be_recorded(studio: Studio) -> None:
    case_id, call_id = await studio.halls.in_call()
    await studio.consent(case_id)
    await refused("recording.unavailable", studio.start(call_id))


@asynccontextmanager
async def open_site(studio: Studio) -> AsyncIterator[Site]:
    logins = Logins()
    logins.actors[Audience.WORKER, "secret"] = Actor("worker", "", "", frozenset({Role.WORKER}))
    table = routes(studio.recordings, studio.files)
    async with serving(studio.halls.units, routes=table, find=logins.find) as site:
        yield site


async def put(
    site: Site, recording_id: str, content: bytes, *, number: int = 0, digest: str = "",
    **headers: str,
) -> tuple[int, str]:  # fmt: skip
    path = f"/api/media/recordings/{recording_id}/chunks/{number}"
    said = {
        "sha256": digest or sha256(content).hexdigest(), "began": "1764000000.5",
        "ended": "1764000005.5",
    }  # fmt: skip
    bearing = {"Authorization": "Bearer secret", "Content-Type": "video/webm", **headers}
    async with site.browser.put(
        site.url(path), params=said, data=content, headers=bearing
    ) as answer:
        body = await answer.json()
        return answer.status, body["error"]["code"] if body["error"] else ""


async def test_a_chunk_is_sealed_kept_once_and_in_the_log(studio: Studio) -> None:
    case_id, call_id = await studio.met()
    await studio.consent(case_id)
    await studio.start(call_id)
    part = (await studio.parts(call_id))[0]
    async with open_site(studio) as site:
        assert await put(site, part.id, BYTES) == (200, "")
        assert await put(site, part.id, BYTES) == (200, "")
        assert await put(site, part.id, b"other") == (409, "chunk.taken")
        assert await put(site, part.id, BYTES, number=1, digest="0" * 64) == (422, "chunk.altered")
        assert await put(site, "0" * 32, BYTES) == (404, "recording.unknown")
        wrong = {"Authorization": "Bearer d3Jvbmc="}
        assert await put(site, part.id, BYTES, **wrong) == (401, "login.refused")
        assert (await put(site, part.id, BYTES, Cookie="a=b"))[0] == 403
    [chunk] = [e for e in await studio.halls.events(case_id) if e.kind == "recording.chunk"]
    assert chunk.data == {
        "recording_id": part.id, "number": 0, "sha256": sha256(BYTES).hexdigest(),
        "size": len(BYTES),
    }  # fmt: skip
    name = f"recordings/{part.id}/00000-{sha256(BYTES).hexdigest()}"
    sealed = await studio.files.get(name)
    assert BYTES not in sealed
    assert await studio.files.names(f"recordings/{part.id}") == [name]
    key = studio.halls.vault.open_key(part.sealed_key or "", part.id)
    assert key.open_bytes(sealed, chunk_context(part.id, 0)) == BYTES
    [row] = [p for p in await studio.parts(call_id) if p.id == part.id]
    assert (row.chunks, row.size) == (1, len(BYTES))
    assert row.retain_until == row.began_at + timedelta(days=180)

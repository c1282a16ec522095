"""Recordings by their verbs, and chunks over HTTP, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

import pytest

from server.cases.rules import ConsentState
from server.media import messages as media
from server.recordings.rules import SILENCE, EndedFor, PartState, chunk_context
from tests.support.halls import CLERK, HUOQIU, STRANGER, WANG, WUJIANG, ZHOU
from tests.support.relay import id_of
from tests.support.studio import BYTES, Studio, open_site, put, refused


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
    assert gap.data.items() >= {**new.named, "reason": "worker_lost"}.items()
    assert gap.data["side"] == "local"
    assert gap.data["from"] < gap.data["to"]


async def test_a_chunk_changes_nothing_on_the_screen_before_the_citizen(studio: Studio) -> None:
    case_id, call_id = await studio.met()
    await studio.consent(case_id)
    await studio.start(call_id)
    [part, _] = await studio.parts(call_id)
    assert "facing.changed" in {n.event for n in studio.news.notices}
    studio.news.notices.clear()
    await studio.chunk(part.id)
    told = {(n.event, n.data.get("kind")) for n in studio.news.notices}
    assert ("case.changed", "recording.chunk") in told
    assert ("facing.changed", None) not in told


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
        "board:340000",
    }  # fmt: skip
    states = {part.id: part.state for part in await studio.parts(call_id)}
    assert states == {local.id: PartState.FAILED, remote.id: PartState.RECORDING}
    await studio.chunk(local.id)
    assert {part.state for part in await studio.parts(call_id)} == {PartState.RECORDING}


@pytest.mark.parametrize("silent", [False, True])
async def test_an_adviser_who_leaves_raises_no_alarm_and_is_recorded_when_back(
    studio: Studio, *, silent: bool
) -> None:
    case_id, call_id = await studio.met()
    await studio.consent(case_id)
    await studio.start(call_id)
    halls = await studio.parts(call_id)
    await studio.relay.connected(ZHOU.name, "w1", holder=ZHOU.id)
    await studio.advise(call_id)
    if silent:
        studio.clock.advance(seconds=SILENCE.total_seconds())
        for part in halls:
            await studio.chunk(part.id)
        await studio.tick()
        assert studio.alarms()
        studio.news.notices.clear()
    async with studio.halls.units.open() as unit:
        await studio.halls.calls.depart(unit, ZHOU, call_id)
    studio.clock.advance(seconds=SILENCE.total_seconds())
    for part in halls:
        await studio.chunk(part.id, 1)
    await studio.tick()
    assert studio.alarms() == set()
    [left] = [part for part in await studio.parts(call_id) if part.side.value == "adviser"]
    assert left.state is PartState.ENDED
    assert left.ended_for is (EndedFor.SILENT if silent else EndedFor.SEAT_LEFT)
    await studio.relay.report("w1", *[leg.id for leg in await studio.relay.legs()])
    await studio.advise(call_id)
    [_, back] = [part for part in await studio.parts(call_id) if part.side.value == "adviser"]
    assert (back.part, back.state) == (2, PartState.RECORDING)
    assert back.id in {recording for recording, _ in studio.named()}


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

"""Recorded calls between aiortc ends, over media workers that are killed in the middle."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
from collections.abc import Callable
from contextlib import AsyncExitStack
from hashlib import sha256
from pathlib import Path
from typing import Any

import av
import pytest
from sqlalchemy import select

from counter_client.answers import Data
from server.backup import back_up, restore
from server.recordings import queries
from server.recordings.models import Recording, RecordingChunk
from server.recordings.rules import chunk_context
from tests.support.child import kuayu
from tests.support.relayed_call import Call, in_call, see_more, workers
from tests.support.service import Service, demonstration

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]


async def events(call: Call, kind: str) -> list[dict[str, Any]]:
    """Return what the case's log says of one kind."""
    found, after = [], 0
    while page := (await call.counter.events(call.case_id, after))["events"]:
        found += [event["data"] for event in page if event["kind"] == kind]
        after = page[-1]["seq"]
    return found


async def until(call: Call, holds: Callable[[Data], bool]) -> Data:
    """Wait until the call's recording is so, asking whenever the log goes on."""
    async with asyncio.timeout(60):
        while not holds(shown := await call.agent.recording(call.id)):
            await call.agent.heard("case.changed", {"case_id": call.case_id}, None)
    return shown


def have_chunks(count: int, *parts: int) -> Callable[[Data], bool]:
    """Say whether both seats have so many chunks of each of these parts."""

    def hold(shown: Data) -> bool:
        there = {(one["side"], one["part"]): one["chunks"] for one in shown["parts"]}
        wanted = [(side, part) for side in ("local", "remote") for part in parts]
        return all(there.get(one, 0) >= count for one in wanted)

    return hold


async def files_of(
    service: Service, call_id: str
) -> dict[tuple[str, int], tuple[Recording, bytes]]:
    """Return each part's file, opened with its own key, its chunks as the database has them."""
    found = {}
    async with service.house.database.reading() as session:
        for part in await queries.parts_of(session, call_id):
            key = service.house.vault.open_key(part.sealed_key or "", part.id)
            content = b""
            for chunk in await session.scalars(
                select(RecordingChunk)
                .where(RecordingChunk.recording_id == part.id)
                .order_by(RecordingChunk.number)
            ):
                sealed = await service.house.files.get(chunk.file_name)
                opened = key.open_bytes(sealed, chunk_context(part.id, chunk.number))
                assert sha256(opened).hexdigest() == chunk.sha256
                content += opened
            found[part.side.value, part.part] = part, content
    return found


def decoded(content: bytes, folder: Path) -> tuple[int, int]:
    """Decode a part's file; return how many pictures and how many packets of sound it has."""
    path = folder / "part.webm"
    path.write_bytes(content)
    with av.open(str(path)) as file:
        pictures = sum(1 for _ in file.decode(video=0))
    with av.open(str(path)) as file:
        sounds = sum(1 for _ in file.decode(audio=0))
    return pictures, sounds


async def test_a_recorded_call_outlives_its_worker_and_its_files_open_and_play(
    tmp_path: Path,
) -> None:
    async with demonstration(tmp_path / "data") as service, AsyncExitStack() as stack:
        [first] = await stack.enter_async_context(workers(service, "w1"))
        async with in_call(service) as call:
            await see_more(call, "relay")
            await call.check_and_consent()
            assert (await call.agent.record(call.id))["light"] == "recording"
            await until(call, have_chunks(1, 1))
            async with workers(service, "w2"):
                first.kill()
                await until(call, have_chunks(1, 1, 2))
                await call.agent.hang_up(call.id)
                shown = await until(
                    call, lambda now: all(one["frames"] for one in now["parts"] if one["part"] == 2)
                )
            gaps = await events(call, "recording.gap")
            logged = await events(call, "recording.chunk")
        assert shown["light"] == "off"
        cut = [gap for gap in gaps if "after" in gap]
        assert [gap["reason"] for gap in cut] == ["worker_lost", "worker_lost"]
        hashes = [(one["recording_id"], one["sha256"]) for one in logged]
        files = await files_of(service, call.id)
        assert sorted(files) == [("local", 1), ("local", 2), ("remote", 1), ("remote", 2)]
        async with service.house.database.reading() as session:
            rows = (await session.scalars(select(RecordingChunk))).all()
        assert sorted(hashes) == sorted((row.recording_id, row.sha256) for row in rows)
        for (_, number), (part, content) in files.items():
            pictures, sounds = await asyncio.to_thread(decoded, content, tmp_path)
            assert pictures > 0
            assert sounds > 0
            if number == 2:
                assert pictures + sounds >= (part.frames or 0)


async def test_a_backup_has_what_was_recorded_and_keeps_its_key_apart(tmp_path: Path) -> None:
    data, target, again = tmp_path / "data", tmp_path / "backup", tmp_path / "again"
    async with (
        demonstration(data) as service, workers(service, "w1"), in_call(service) as call
    ):  # fmt: skip
        await see_more(call, "relay")
        await call.check_and_consent()
        await call.agent.record(call.id)
        await until(call, have_chunks(1, 1))
        late = data / "files/recordings" / ("0" * 32) / "00000-late"
        late.parent.mkdir()
        late.write_bytes(b"a chunk of a part that began after the database was copied")
        await asyncio.to_thread(back_up, data, target)
    chunks = list((target / "files/recordings").glob("*/*"))
    assert len(chunks) >= 2
    assert not (target / "keys").exists()
    secret = base64.b64decode((data / "keys/secret").read_text())
    assert all(secret not in path.read_bytes() for path in target.rglob("*") if path.is_file())
    restore(target, again)
    shutil.copytree(data / "keys", again / "keys")
    walked = await asyncio.to_thread(kuayu, "verify-store", "--json", "--data", str(again))
    found = json.loads(walked.stdout)
    assert found["faults"] == []
    assert found["counted"]["recordings"] == 2
    assert found["counted"]["chunks"] == len(chunks)


async def test_without_another_worker_the_alarm_is_heard_and_nothing_is_recorded(
    tmp_path: Path,
) -> None:
    async with (
        demonstration(tmp_path) as service,
        workers(service, "w1") as [only],
        in_call(service) as call,
        service.signed_in("huoqiu-supervisor") as board,
    ):
        await board.listen()
        await see_more(call, "relay")
        await call.check_and_consent()
        await call.agent.record(call.id)
        only.kill()
        about = {"call_id": call.id}
        for who in (call.agent, call.counter, board):
            alarm = await who.heard("recording.failed", about, 20.0)
            assert alarm["reason"] == "worker_lost"
        assert (await call.agent.recording(call.id))["light"] == "failed"

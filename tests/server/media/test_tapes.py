"""Legs recorded by a worker's tapes, and chunks brought to a service that has its moods."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import av
import pytest
from aiohttp import web
from pydantic import BaseModel

from server.media import tapes as taping
from server.media.forwarding import Packet, Source
from server.media.legs import Leg
from server.media.recorder import Chunk
from server.media.rtcp import SenderInfo
from server.media.tapes import Store, Tapes, Wanted
from tests.server.media.conftest import States
from tests.support.browsers import far_end

ONE, OTHER, CALL = "1" * 32, "2" * 32, "c" * 32


@dataclass
class Shelf:
    """The service's place for chunks; `moods` are what it answers before it takes anything."""

    moods: list[int] = field(default_factory=list)
    kept: dict[str, list[bytes]] = field(default_factory=dict)
    told: asyncio.Queue[tuple[str, BaseModel]] = field(default_factory=asyncio.Queue)
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        content = await request.read()
        assert request.headers["Authorization"] == "Bearer c2VjcmV0"
        if self.moods:
            return web.Response(status=self.moods.pop(0))
        chunks = self.kept.setdefault(request.match_info["recording"], [])
        assert int(request.match_info["number"]) == len(chunks)
        assert request.query["sha256"] == sha256(content).hexdigest()
        assert float(request.query["began"]) < float(request.query["ended"])
        chunks.append(content)
        return web.Response()

    async def tell(self, event: str, what: BaseModel) -> None:
        self.told.put_nowait((event, what))

    async def hear(self, event: str) -> dict[str, object]:
        """Wait for what is told under this name."""
        async with asyncio.timeout(60):
            while True:
                name, what = await self.told.get()
                if name == event:
                    return what.model_dump()

    def file(self, recording_id: str, folder: Path) -> Path:
        path = folder / f"{recording_id}.webm"
        path.write_bytes(b"".join(self.kept[recording_id]))
        return path


@pytest.fixture
async def shelf() -> AsyncIterator[Shelf]:
    made = Shelf()
    app = web.Application(client_max_size=16 << 20)
    app.router.add_put("/api/media/recordings/{recording}/chunks/{number}", made.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
async def tapes(shelf: Shelf) -> AsyncIterator[Tapes]:
    made = Tapes(Store(shelf.url, "c2VjcmV0"), shelf.tell)
    yield made
    await made.close()


def pictures(path: Path) -> int:
    with av.open(str(path)) as file:
        assert {stream.type for stream in file.streams} == {"video", "audio"}
        return sum(1 for _ in file.decode(video=0))


class Packets:
    """A tap that waits for so many packets."""

    def __init__(self, count: int) -> None:
        self.left, self.enough = count, asyncio.Event()

    def on_rtp(self, _source: Source, packet: Packet) -> None:
        *_, repair, _ = packet
        self.left -= not repair
        if self.left <= 0:
            self.enough.set()

    def on_report(self, _source: Source, _info: SenderInfo) -> None:
        """Its clock is of no interest."""


async def recorded(tapes: Tapes, recording_id: str, frames: int) -> None:
    """Wait until a recording has so many pictures."""
    tape = tapes._running[CALL][recording_id]
    enough, tick = asyncio.Event(), tape.tick

    def watch(now: float) -> None:
        tick(now)
        if tape.recorder.frames["video"] >= frames:
            enough.set()

    tape.tick = watch  # type: ignore[method-assign]
    async with asyncio.timeout(60):
        await enough.wait()


async def test_a_leg_is_recorded_and_its_chunks_are_the_file(
    new_leg: Callable[[str], Leg], states: States, shelf: Shelf, tapes: Tapes, tmp_path: Path
) -> None:
    shelf.moods = [503, 500]
    leg = new_leg("a")
    async with far_end(leg):
        await states.become("connected", "a")
        tapes.arrange(CALL, {ONE: Wanted(leg, paused=False)})
        await recorded(tapes, ONE, 60)
        tapes.end(CALL)
        ended = await shelf.hear("recording.ended")
        assert ended["chunks"] == len(shelf.kept[ONE])
        assert pictures(shelf.file(ONE, tmp_path)) >= 60
        assert leg.tap is None


async def test_another_recording_of_the_leg_begins_where_the_first_is_over(
    new_leg: Callable[[str], Leg], states: States, shelf: Shelf, tapes: Tapes, tmp_path: Path
) -> None:
    leg = new_leg("a")
    async with far_end(leg):
        await states.become("connected", "a")
        tapes.arrange(CALL, {ONE: Wanted(leg, paused=False)})
        await recorded(tapes, ONE, 15)
        tapes.arrange(CALL, {OTHER: Wanted(leg, paused=False)})
        await shelf.hear("recording.ended")
        await recorded(tapes, OTHER, 15)
        tapes.arrange(CALL, {ONE: Wanted(leg, paused=False)})
        await shelf.hear("recording.ended")
        assert tapes._running[CALL] == {}
        assert pictures(shelf.file(ONE, tmp_path)) >= 15
        assert pictures(shelf.file(OTHER, tmp_path)) >= 15


async def test_what_the_service_does_not_want_ends_the_recording_and_not_the_call(
    new_leg: Callable[[str], Leg], states: States, shelf: Shelf, tapes: Tapes
) -> None:
    shelf.moods = [404]
    leg = new_leg("a")
    async with far_end(leg):
        await states.become("connected", "a")
        tapes.arrange(CALL, {ONE: Wanted(leg, paused=False)})
        await recorded(tapes, ONE, 15)
        tapes._running[CALL][ONE].recorder._close_chunk()
        assert (await shelf.hear("recording.failed"))["reason"] == "refused"
        after = Packets(30)
        leg.tap = after
        async with asyncio.timeout(60):
            await after.enough.wait()


async def test_a_recorder_that_breaks_is_told_and_lets_the_leg_go(
    new_leg: Callable[[str], Leg],
    states: States,
    shelf: Shelf,
    tapes: Tapes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leg = new_leg("a")
    async with far_end(leg):
        await states.become("connected", "a")
        tapes.arrange(CALL, {ONE: Wanted(leg, paused=False)})
        tape = tapes._running[CALL][ONE]
        monkeypatch.setattr(tape.recorder, "on_rtp", lambda *_given, **_more: 1 / 0)
        assert (await shelf.hear("recording.failed"))["reason"] == "broken"
        assert leg.tap is None


async def test_chunks_that_pile_up_end_the_recording(
    new_leg: Callable[[str], Leg], shelf: Shelf, tapes: Tapes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taping, "MOST_WAITING", 100)
    shelf.moods = [503] * 100
    leg = new_leg("a")
    tapes.arrange(CALL, {ONE: Wanted(leg, paused=False)})
    content = bytes(101)
    now = time.time()
    tapes._running[CALL][ONE]._keep(Chunk(0, content, sha256(content).hexdigest(), now - 1, now))
    assert (await shelf.hear("recording.failed"))["reason"] == "overflow"
    await leg.close()

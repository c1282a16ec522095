"""Tapes: each records one seat's leg and brings the chunks to the service."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Literal

import aiohttp
import structlog
from pydantic import BaseModel

from server.media import messages as wire
from server.media.forwarding import Packet, Source
from server.media.frames import RECORDABLE, Vp8
from server.media.legs import Leg
from server.media.recorder import Chunk, Gap, Recorder, UnfitCodecError
from server.media.rtcp import SenderInfo

log = structlog.get_logger("kuayu.media")

TICK: Final = 0.05
MOST_WAITING: Final = 64 << 20
FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 5.0
UPLOAD_SECONDS: Final = 30
# What is left when the worker is told to stop has so long to go.
LAST_SECONDS: Final = 5.0

Tell = Callable[[str, BaseModel], Awaitable[None]]
Why = Literal["overflow", "refused", "broken"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A recording as the service wants it: of which leg, and whether it keeps anything now."""

    leg: Leg
    paused: bool


class Store:
    """The service, where chunks go."""

    def __init__(self, url: str, secret: str, tls: ssl.SSLContext | None = None) -> None:
        """Take its address and what we prove ourselves with; connect with the first chunk."""
        self._url, self._headers = url, {"Authorization": f"Bearer {secret}"}
        self._tls = tls
        self._http: aiohttp.ClientSession | None = None

    async def put(self, recording_id: str, chunk: Chunk) -> bool:
        """Bring a chunk, as often as it takes; False if the service does not want it."""
        pause = FIRST_PAUSE
        while True:
            try:
                status = await self._put(recording_id, chunk)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                log.info("chunk not brought", recording=recording_id, why=type(error).__name__)
            else:
                if status == HTTPStatus.OK:
                    return True
                log.info("chunk not taken", recording=recording_id, status=status)
                if not _may_pass(status):
                    return False
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _put(self, recording_id: str, chunk: Chunk) -> int:
        if self._http is None:
            self._http = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=True if self._tls is None else self._tls),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=UPLOAD_SECONDS),
            )
        said = {
            "sha256": chunk.sha256, "began": f"{chunk.began_at:.3f}",
            "ended": f"{chunk.ended_at:.3f}",
        }  # fmt: skip
        async with self._http.put(
            f"{self._url}/api/media/recordings/{recording_id}/chunks/{chunk.number}",
            params=said,
            data=chunk.content,
            headers=self._headers | {"Content-Type": "video/webm"},
        ) as answer:
            return answer.status

    async def close(self) -> None:
        """Let go of the connections."""
        if self._http is not None:
            await self._http.close()


def _may_pass(status: int) -> bool:
    """Say whether a refusal may pass by itself."""
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
    }


class Tape:
    """One recording: a tap on a leg that no failure of its own disturbs."""

    def __init__(self, recording_id: str, leg: Leg, failed: Callable[[Tape, Why], None]) -> None:
        """Begin to record a leg; `failed` hears once why it cannot go on."""
        self.id, self.leg = recording_id, leg
        self.chunks: asyncio.Queue[Chunk | None] = asyncio.Queue()
        self.gaps: dict[str, Gap] = {}
        self.recorder = Recorder(leg, self._keep, self._lose, time.time, self._expect)
        self.waiting = 0
        self.over = False
        self._failed = failed
        leg.tap = self

    def on_rtp(self, source: Source, packet: Packet) -> None:
        """Take a packet."""
        self._try(lambda: self.recorder.on_rtp(source, packet))

    def on_report(self, source: Source, info: SenderInfo) -> None:
        """Take what the sender says of its clocks."""
        self._try(lambda: self.recorder.on_report(source, info))

    def tick(self, now: float) -> None:
        """Do what time brings."""
        self._try(lambda: self.recorder.tick(now))

    def pause(self, *, paused: bool) -> None:
        """Keep nothing, or go on."""
        if paused and not self.recorder.paused:
            self.recorder.pause()
        elif self.recorder.paused and not paused:
            self._try(self.recorder.resume)

    def finish(self) -> None:
        """Record no more; what there is goes out, and then its end is told."""
        self._try(lambda: self.recorder.close(time.monotonic()))
        self._let_go()

    def fail(self, why: Why) -> None:
        """Give up, for good; only the first reason is told."""
        if not self.over:
            self._let_go()
            self._failed(self, why)

    def _let_go(self) -> None:
        if self.leg.tap is self:
            self.leg.tap = None
        if not self.over:
            self.over = True
            self.chunks.put_nowait(None)

    def _try(self, act: Callable[[], None]) -> None:
        if self.over:
            return
        try:
            act()
        except UnfitCodecError as error:
            log.error("not to be recorded", recording=self.id, codec=str(error))  # noqa: TRY400
            self.fail("broken")
        except Exception:
            # Whatever is wrong with a recording, the call goes on.
            log.exception("crash", recording=self.id)
            self.fail("broken")

    def _keep(self, chunk: Chunk) -> None:
        self.waiting += len(chunk.content)
        self.chunks.put_nowait(chunk)

    def _expect(self) -> str:
        """Return the first of what was negotiated for the camera that the file has a place for."""
        cameras = (
            codec.name.lower()
            for source in self.leg.sources.values()
            if source.kind == "camera" and source.section.media == "video"
            for codec in source.section.codecs.values()
            if codec.name in RECORDABLE
        )
        return next(cameras, Vp8.codec)

    def _lose(self, gap: Gap) -> None:
        """Count what is lost of a track until it is told, once a chunk: a bad line loses often."""
        before = self.gaps.get(gap.track)
        self.gaps[gap.track] = (
            gap if before is None else Gap(before.at, gap.track, before.packets + gap.packets)
        )


class Tapes:
    """All recordings of a worker, by call."""

    def __init__(self, store: Store, tell: Tell) -> None:
        """Bring chunks to `store`; what becomes of recordings goes to `tell`."""
        self._store, self._tell = store, tell
        self._running: dict[str, dict[str, Tape]] = {}
        # Recordings of live calls that are over here: they are never taken up again.
        self._over: dict[str, set[str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ticking: asyncio.Task[None] | None = None

    def arrange(self, call_id: str, wanted: Mapping[str, Wanted]) -> None:
        """Have exactly these recordings of a call run."""
        running = self._running.setdefault(call_id, {})
        over = self._over.setdefault(call_id, set())
        for tape in list(running.values()):
            now = wanted.get(tape.id)
            if now is None or now.leg is not tape.leg:
                self._finish(call_id, tape)
        for recording_id, one in wanted.items():
            if recording_id not in running and recording_id not in over:
                running[recording_id] = self._begin(call_id, recording_id, one.leg)
            if recording_id in running:
                running[recording_id].pause(paused=one.paused)

    def end(self, call_id: str) -> None:
        """Finish the recordings of a call that is over."""
        self.arrange(call_id, {})
        del self._running[call_id], self._over[call_id]

    def drop(self, leg: Leg) -> None:
        """Finish the recordings of a leg that ends."""
        for call_id, running in self._running.items():
            for tape in list(running.values()):
                if tape.leg is leg:
                    self._finish(call_id, tape)

    async def close(self) -> None:
        """Finish everything, and give what is left a little time to go out."""
        for call_id in list(self._running):
            self.end(call_id)
        if self._ticking is not None:
            self._ticking.cancel()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=LAST_SECONDS)
            for task in late:
                task.cancel()
        await self._store.close()

    def _begin(self, call_id: str, recording_id: str, leg: Leg) -> Tape:
        def failed(tape: Tape, why: Why) -> None:
            self._forget(call_id, tape)
            log.error("recording failed", recording=tape.id, why=why)
            self._spawn(self._tell(
                "recording.failed", wire.RecordingFailed(recording_id=tape.id, reason=why)
            ))  # fmt: skip

        tape = Tape(recording_id, leg, failed)
        self._spawn(self._bring(tape))
        if self._ticking is None or self._ticking.done():
            self._ticking = asyncio.ensure_future(self._tick())
        return tape

    def _finish(self, call_id: str, tape: Tape) -> None:
        self._forget(call_id, tape)
        tape.finish()

    def _forget(self, call_id: str, tape: Tape) -> None:
        if self._running.get(call_id, {}).pop(tape.id, None) is not None:
            self._over[call_id].add(tape.id)

    async def _tick(self) -> None:
        while any(self._running.values()):
            await asyncio.sleep(TICK)
            now = time.monotonic()
            for running in list(self._running.values()):
                for tape in list(running.values()):
                    tape.tick(now)
                    if tape.waiting > MOST_WAITING:
                        tape.fail("overflow")

    async def _bring(self, tape: Tape) -> None:
        """Bring a tape's chunks in their order, tell its gaps with them and at last its end."""
        count = 0
        while (chunk := await tape.chunks.get()) is not None:
            if not await self._store.put(tape.id, chunk):
                tape.fail("refused")
                return
            count += 1
            tape.waiting -= len(chunk.content)
            await self._tell_gaps(tape)
        await self._tell_gaps(tape)
        frames = sum(tape.recorder.frames.values())
        ended = wire.RecordingEnded(recording_id=tape.id, chunks=count, frames=frames)
        await self._tell("recording.ended", ended)

    async def _tell_gaps(self, tape: Tape) -> None:
        gaps, tape.gaps = tape.gaps, {}
        for gap in gaps.values():
            said = {
                "recording_id": tape.id, "at": gap.at, "track": gap.track, "packets": gap.packets,
            }  # fmt: skip
            await self._tell("recording.gap", wire.RecordingGap.model_validate(said))

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

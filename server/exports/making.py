"""Makes an export: what is recorded goes into a process, and what comes out is sealed and kept."""

from __future__ import annotations

import asyncio
import errno
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from server.calls.rules import SeatSide
from server.cases.queries import find_case
from server.cases.record import Records
from server.composing.film import PAGE
from server.composing.process import NICENESS, ComposeError, compose_apart
from server.db.unit import Units
from server.errors import ServiceError
from server.exports import queries
from server.exports.models import Export
from server.exports.planning import Sources, plan_of
from server.exports.rules import (
    FOLDER,
    LOOK_EVERY,
    RESERVE,
    SIGN_EVERY,
    SUFFIXES,
    ExportFailure,
    page_context,
    page_name,
    pages_of,
    percent,
)
from server.exports.service import Claim, Exports
from server.files import FileStore
from server.recordings.films import Film, Films
from server.recordings.models import Recording, RecordingChunk
from server.recordings.queries import beginnings, chunks_of, parts_of, seats_of
from server.vault import CaseKey, Vault, VaultError

log = structlog.get_logger("kuayu.exports")

Parts = Sequence[tuple[Recording, Sequence[RecordingChunk]]]


class FailedError(Exception):
    """An export that cannot be made; says why, and which chunk it is if it is one."""

    def __init__(self, code: ExportFailure, damage: Mapping[str, object] | None = None) -> None:
        """Take what is kept of it."""
        super().__init__(code.value)
        self.code, self.damage = code, damage


class GivenUpError(Exception):
    """Somebody has cancelled this export, or another attempt composes it."""


def room_for(parts: Parts) -> int:
    """Return how many bytes of the disk an export may need: some as many as its recording has."""
    return RESERVE + sum(part.size for part, _ in parts)


@dataclass
class Making:
    """Composes claimed exports, one at a time, and opens what came of them."""

    units: Units
    records: Records
    files: FileStore
    niceness: int = NICENESS
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    exports: Exports = field(init=False)
    films: Films = field(init=False)

    def __post_init__(self) -> None:
        """Keep account in the same records, and open films by the same files and keys."""
        self.exports = Exports(self.records)
        self.films = Films(self.files, self.vault)

    @property
    def vault(self) -> Vault:
        """What wraps every key."""
        return self.records.vault

    async def make(self, claim: Claim) -> None:
        """Compose an export and enter what came of it; a cancelled attempt is put back."""
        try:
            failed = await self._try(claim)
        except asyncio.CancelledError:
            async with self.units.open() as unit:
                await self.exports.put_back(unit, claim)
            await self._sweep(claim.export_id, only=claim.claim)
            raise
        if failed is not None:
            async with self.units.open() as unit:
                # Nothing happens to one that has been given up: it is no longer this attempt's.
                await self.exports.fail(unit, claim, failed.code, failed.damage)
            await self._sweep(claim.export_id, only=claim.claim)

    async def _try(self, claim: Claim) -> FailedError | None:
        """Compose an export; return why there is none."""
        try:
            await self._make_heard(claim)
        except FailedError as failed:
            return failed
        except ComposeError as error:
            log.warning("export broken", export=claim.export_id, why=str(error))
        except OSError as error:
            log.exception("crash", export=claim.export_id)
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                return FailedError(ExportFailure.DISK_FULL)
        except GivenUpError:
            log.info("export given up", export=claim.export_id)
        except Exception:
            log.exception("crash", export=claim.export_id)
        else:
            return None
        return FailedError(ExportFailure.BROKEN)

    async def _make_heard(self, claim: Claim) -> None:
        """Compose an export, and give a sign for as long as that takes, however slow the disk."""
        making = asyncio.create_task(self._make(claim))
        signs = asyncio.create_task(self._give_signs(claim))
        try:
            await asyncio.wait((making, signs), return_when=asyncio.FIRST_COMPLETED)
            if making.done():
                await making
            else:
                await signs
        finally:
            for task in (making, signs):
                task.cancel()
            await asyncio.wait((making, signs))

    async def _give_signs(self, claim: Claim) -> None:
        """Keep this attempt's claim alive; GivenUpError once it has none."""
        while True:
            async with self.units.open() as unit:
                if not await self.exports.heard(unit, claim):
                    raise GivenUpError
            await self.pause(SIGN_EVERY.total_seconds())

    async def _make(self, claim: Claim) -> None:
        sources, parts, until = await self._sources(claim)
        found = plan_of(sources)
        if found is None:
            raise FailedError(ExportFailure.MISSING)
        plan, clips = found
        if await self.files.room() < room_for(parts):
            raise FailedError(ExportFailure.DISK_FULL)
        chunks = {part.id: own for part, own in parts}
        key = self.vault.open_key(claim.sealed_key, claim.export_id)
        most = pages_of(sum(part.size for part, _ in parts), plan.seconds, PAGE)
        desk = _Desk(self, claim, key, clips, sources.films, chunks, plan.seconds, most)
        made = await compose_apart(plan, desk, self.niceness)
        size, sha256 = await self._look_through(claim, key, desk.pages)
        if made.size != size or made.media_type not in SUFFIXES:
            raise ComposeError("what it says of its film is not so")
        async with self.units.open() as unit:
            is_ours = await self.exports.finish(
                unit, claim, made, seconds=plan.seconds, pages=desk.pages, sha256=sha256,
                until=until,
            )  # fmt: skip
        if not is_ours:
            raise GivenUpError
        # Only now: an attempt that lost its claim would remove its successor's pages.
        await self._sweep(claim.export_id, but=claim.claim)

    async def _sources(self, claim: Claim) -> tuple[Sources, Parts, datetime]:
        async with self.units.database.reading() as session:
            case = await find_case(session, claim.case_id)
            assert case is not None  # noqa: S101 (its export refers to it)
            every = await parts_of(session, claim.call_id)
            there = [part for part in every if part.sealed_key is not None]
            parts = [(part, await chunks_of(session, part.id)) for part in there]
            begins = await beginnings(session, claim.call_id)
            seats = await seats_of(session, claim.call_id)
            marks = await queries.marks_of(session, claim.case_id)
        if not there:
            raise FailedError(ExportFailure.PURGED)
        films = {part.id: await self.whole(part, chunks) for part, chunks in parts if chunks}
        sources = Sources(claim.call_id, case.number, seats, every, begins, films, marks)
        return sources, parts, min(part.retain_until for part in there)

    async def whole(self, part: Recording, chunks: Sequence[RecordingChunk]) -> Film:
        """Return a part's film if every chunk opens; FailedError names the first that does not."""
        film = await self.films.look_through(part, chunks)
        spoiled = sorted((*film.lost, *film.altered))
        if spoiled:
            raise _damaged(part, spoiled[0])
        return film

    async def _look_through(self, claim: Claim, key: CaseKey, pages: int) -> tuple[int, str]:
        """Read the film back as it lies there; return its size and its hash."""
        size, digest = 0, hashlib.sha256()
        for number in range(pages):
            page = await self._open(key, claim.export_id, claim.claim, number)
            await asyncio.to_thread(digest.update, page)
            size += len(page)
        return size, digest.hexdigest()

    async def _open(self, key: CaseKey, export_id: str, claim: str, number: int) -> bytes:
        sealed = await self.files.get(page_name(export_id, claim, number))
        context = page_context(export_id, claim, number)
        return await asyncio.to_thread(key.open_bytes, sealed, context)

    async def read(self, row: Export) -> AsyncIterator[bytes]:
        """Yield a film page by page; VaultError or FileNotFoundError if one is not as it was."""
        assert row.sealed_key is not None  # noqa: S101 (it is ready)
        key = self.vault.open_key(row.sealed_key, row.id)
        for number in range(row.pages or 0):
            yield await self._open(key, row.id, row.claim or "", number)

    async def is_there(self, row: Export) -> bool:
        """Say whether the film's first page opens."""
        try:
            await anext(aiter(self.read(row)))
        except (VaultError, FileNotFoundError):
            return False
        return True

    async def _sweep(self, export_id: str, *, only: str = "", but: str | None = None) -> None:
        """Remove pages: those of one attempt, or of all but one, or all."""
        folder = f"{FOLDER}/{export_id}"
        for name in await self.files.names(folder):
            attempt = name.removeprefix(f"{folder}/").partition("-")[0]
            if attempt.startswith(only) and attempt != but:
                await self.files.remove(name)
        await self.files.remove_folder(folder)

    async def empty(self, export_id: str) -> None:
        """Remove the files of an export that came to nothing or is over."""
        await self._sweep(export_id)
        async with self.units.open() as unit:
            await queries.note_emptied(unit.session, export_id, unit.now)


@dataclass
class _Desk:
    """Serves the process that composes one export."""

    making: Making
    claim: Claim
    key: CaseKey
    clips: Sequence[Recording]
    films: Mapping[str, Film]
    chunks: Mapping[str, Sequence[RecordingChunk]]
    seconds: float
    most_pages: int
    pages: int = 0
    told: int = 0
    told_at: datetime | None = None

    async def read(self, clip: int, at: int, count: int) -> bytes:
        """Return so many bytes of a part's film."""
        if not 0 <= clip < len(self.clips):
            raise ComposeError("it asks for a clip that is not in its plan")
        part = self.clips[clip]
        try:
            return await self.making.films.read(part, self.films[part.id], at, count)
        except (ServiceError, FileNotFoundError):
            # It was whole a moment ago: either its time is over, or somebody lays hands on it.
            async with self.making.units.database.reading() as session:
                now = await session.get(Recording, part.id)
            if now is None or now.purged_at is not None:
                raise FailedError(ExportFailure.PURGED) from None
            await self.making.whole(part, self.chunks[part.id])
            raise

    async def keep(self, number: int, page: bytes) -> None:
        """Seal a page and put it away, if it is no more than such a film can have."""
        if self.pages >= self.most_pages:
            raise ComposeError("its film is longer than its plan")
        if self.pages % LOOK_EVERY == 0 and await self.making.files.room() < RESERVE:
            raise FailedError(ExportFailure.DISK_FULL)
        context = page_context(self.claim.export_id, self.claim.claim, number)
        sealed = await asyncio.to_thread(self.key.seal_bytes, page, context)
        name = page_name(self.claim.export_id, self.claim.claim, number)
        await self.making.files.put(name, sealed)
        self.pages += 1

    async def reached(self, seconds: float) -> None:
        """Note how much is done, when that is news or a sign is due."""
        now = self.making.units.clock()
        done = percent(seconds, self.seconds)
        if self.told_at is not None and done == self.told and now - self.told_at < SIGN_EVERY:
            return
        self.told, self.told_at = done, now
        async with self.making.units.open() as unit:
            is_ours = await self.making.exports.reached(unit, self.claim, done)
        if not is_ours:
            raise GivenUpError


def _damaged(part: Recording, number: int) -> FailedError:
    side: SeatSide = part.side
    return FailedError(
        ExportFailure.ALTERED, {"side": side.value, "part": part.part, "chunk": number + 1}
    )

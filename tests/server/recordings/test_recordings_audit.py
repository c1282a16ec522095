"""What the audit says of recordings that were spoiled."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from server.recordings.models import Recording
from server.supervision.audit import copied
from server.supervision.recording_audit import RecordingAudit
from server.vault import Vault
from tests.support.damage import change_last_byte
from tests.support.halls import WANG
from tests.support.studio import BYTES, Studio, open_site, put


async def kept(studio: Studio) -> Recording:
    """A part of two chunks, of a call that has been over for a while."""
    case_id, call_id = await studio.met()
    await studio.consent(case_id)
    await studio.start(call_id)
    part = (await studio.parts(call_id))[0]
    async with open_site(studio) as site:
        for number in range(2):
            assert await put(site, part.id, BYTES, number=number) == (200, "")
    await studio.halls.hang_up(WANG, call_id)
    studio.clock.advance(seconds=3600)
    return part


async def walk(studio: Studio, vault: Vault | None = None) -> set[str]:
    units = studio.halls.units
    async with units.database.reading() as session:
        vault = vault or studio.halls.vault
        audit = RecordingAudit(session, studio.files, vault, units.clock(), units.database)
        return await codes(audit)


async def codes(audit: RecordingAudit) -> set[str]:
    found = [one async for _, findings in audit.parts() for one in findings]
    return {one.code for one in [*found, *[stray async for stray in audit.strays()]]}


def file_of(studio: Studio, part: Recording) -> Path:
    return next((studio.folder / "files/recordings" / part.id).glob("00001-*"))


async def change(studio: Studio, part: Recording) -> None:
    path = file_of(studio, part)
    change_last_byte(path)


async def remove(studio: Studio, part: Recording) -> None:
    file_of(studio, part).unlink()


async def exchange(studio: Studio, part: Recording) -> None:
    path = file_of(studio, part)
    other = next(path.parent.glob("00000-*"))
    path.unlink()
    shutil.copy(other, path)


async def leave_a_stray(studio: Studio, part: Recording) -> None:
    await studio.files.put(f"recordings/{part.id}/00002-{'0' * 64}", b"nobody's")


async def leave_nobodys(studio: Studio, _part: Recording) -> None:
    await studio.files.put(f"recordings/{'0' * 32}/00000-{'0' * 64}", b"nobody's")


def spoil(statement: str) -> Callable[[Studio, Recording], Awaitable[None]]:
    async def run(studio: Studio, part: Recording) -> None:
        async with studio.halls.units.open() as unit:
            values = {"part": part.id} if ":part" in statement else {}
            await unit.session.execute(text(statement), values)

    return run


SPOILED = {
    "a changed chunk": (change, "chunk.altered"),
    "a chunk in another's place": (exchange, "chunk.altered"),
    "a missing file": (remove, "chunk.lost"),
    "a stray file": (leave_a_stray, "file.stray"),
    "a file of no recording": (leave_nobodys, "file.stray"),
    "another hash in the row": (
        spoil("UPDATE recording_chunk SET sha256 = 'x' WHERE number = 1"), "chunk.rewritten",
    ),
    "a row that is gone": (
        spoil("DELETE FROM recording_chunk WHERE number = 1"), "chunk.missing",
    ),
    "a chunk that no log knows": (
        spoil("UPDATE recording_chunk SET number = 7 WHERE number = 1"), "chunk.unlogged",
    ),
    "a wrong count": (spoil("UPDATE recording SET chunks = 9 WHERE id = :part"),
                      "recording.miscounted"),
    "a key that is gone": (spoil("UPDATE recording SET sealed_key = NULL WHERE id = :part"),
                           "recording.locked"),
}  # fmt: skip


async def test_nothing_is_wrong_with_what_was_kept_or_purged(studio: Studio) -> None:
    part = await kept(studio)
    assert await walk(studio) == set()
    studio.clock.advance(seconds=timedelta(days=181).total_seconds())
    await studio.tick()
    assert await studio.files.names(f"recordings/{part.id}") == []
    assert await walk(studio) == set()


async def test_what_is_recorded_or_purged_during_the_walk_is_no_fault(
    studio: Studio, tmp_path: Path
) -> None:
    old, units = await kept(studio), studio.halls.units
    url = units.database.writer.url.render_as_string(hide_password=False)
    async with copied(url, tmp_path) as copy, copy.reading() as session:
        audit = RecordingAudit(session, studio.files, studio.halls.vault, units.clock(),
                               units.database)  # fmt: skip
        new = await kept(studio)
        studio.clock.advance(seconds=timedelta(days=180, minutes=-70).total_seconds())
        await studio.tick()
        for part, files in ((old, 0), (new, 2)):
            assert len(await studio.files.names(f"recordings/{part.id}")) == files
        assert await codes(audit) == set()


@pytest.mark.parametrize("what", SPOILED)
async def test_whatever_is_spoiled_is_named(studio: Studio, what: str) -> None:
    part = await kept(studio)
    act, code = SPOILED[what]
    await act(studio, part)
    assert code in await walk(studio)


async def test_another_secret_opens_no_recording(studio: Studio) -> None:
    await kept(studio)
    assert await walk(studio, Vault(b"x" * 32)) == {"recording.locked"}

"""What the audit says of films that were spoiled, and what a backup has of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from server.backup import back_up, restore
from server.exports import making
from server.supervision.export_audit import ExportAudit
from server.vault import Vault
from tests.support.damage import change_last_byte
from tests.support.exported import Cinema, filmed, hang_up, instead
from tests.support.studio import Studio


async def nothing(_desk: object) -> None:
    """Let the film be made."""


@pytest.fixture
async def cinema(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cinema]:
    """A call whose film can be taken away."""
    monkeypatch.setattr(making, "compose_apart", instead(nothing))
    async with filmed(studio) as made:
        await hang_up(made)
        await made.ask()
        await made.compose()
        yield made


async def walk(cinema: Cinema, vault: Vault | None = None) -> set[str]:
    units, studio = cinema.studio.halls.units, cinema.studio
    async with units.database.reading() as session:
        audit = ExportAudit(session, studio.files, vault or studio.halls.vault, units.database)
        found = [one async for _, findings in audit.films() for one in findings]
        return {one.code for one in [*found, *[stray async for stray in audit.strays()]]}


async def change(cinema: Cinema) -> None:
    change_last_byte(cinema.pages()[0])


async def remove(cinema: Cinema) -> None:
    cinema.pages()[0].unlink()


async def leave_a_stray(cinema: Cinema) -> None:
    await cinema.studio.files.put(f"exports/{'0' * 32}/{'0' * 32}-000001", b"nobody's")


def spoil(statement: str) -> Callable[[Cinema], Awaitable[None]]:
    async def run(cinema: Cinema) -> None:
        async with cinema.studio.halls.units.open() as unit:
            await unit.session.execute(text(statement))

    return run


SPOILED: dict[str, tuple[Callable[[Cinema], Awaitable[None]], str]] = {
    "a changed page": (change, "export.altered"),
    "a page that is gone": (remove, "export.lost"),
    "a stray file": (leave_a_stray, "file.stray"),
    "another hash in the row": (
        spoil("UPDATE recording_export SET sha256 = 'x'"), "export.unlogged",
    ),
    "another size in the row": (spoil("UPDATE recording_export SET size = 1"), "export.altered"),
    "a key that is gone": (
        spoil("UPDATE recording_export SET sealed_key = NULL"), "export.locked",
    ),
}  # fmt: skip


async def test_nothing_is_wrong_with_a_film_or_with_one_that_is_over(cinema: Cinema) -> None:
    assert await walk(cinema) == set()
    assert await walk(cinema, Vault(b"x" * 32)) == {"export.locked"}
    cinema.studio.clock.advance(days=8)
    await cinema.compose()
    assert (await walk(cinema), cinema.pages()) == (set(), [])


@pytest.mark.parametrize("what", SPOILED)
async def test_whatever_is_spoiled_is_named(cinema: Cinema, what: str) -> None:
    act, code = SPOILED[what]
    await act(cinema)
    assert code in await walk(cinema)


async def test_a_backup_has_the_films_that_can_be_taken_away_and_nothing_half_made(
    cinema: Cinema, tmp_path: Path
) -> None:
    data, target, again = (cinema.studio.folder, tmp_path / "backup", tmp_path / "again")
    whole = {path.relative_to(data) for path in cinema.pages()}
    await leave_a_stray(cinema)
    back_up(data, target)
    restore(target, again)
    found = (again / "files/exports").rglob("*")
    assert {path.relative_to(again) for path in found if path.is_file()} == whole

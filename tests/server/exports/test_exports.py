"""One film of a call: who has it made, what becomes of it, and who takes it away."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from server.composing.process import ComposeError, Desk
from server.exports import making, queries
from server.exports.rules import (
    EXPORT_LASTS,
    RESERVE,
    may_still_grow,
)
from server.exports.worker import ExportWorker
from server.recordings.rules import EndedFor, PartState
from tests.support.clips import look
from tests.support.damage import change_last_byte
from tests.support.database import SetClock
from tests.support.exported import (
    LATER,
    REASON,
    SECONDS,
    Act,
    Cinema,
    filmed,
    hang_up,
    instead,
)
from tests.support.halls import CLERK, STRANGER, WANG
from tests.support.studio import ADMIN, FANG, LU, Studio


@pytest.fixture
async def cinema(studio: Studio) -> AsyncIterator[Cinema]:
    async with filmed(studio) as made:
        await hang_up(made)
        yield made


@pytest.fixture
async def either_cinema(either_studio: Studio) -> AsyncIterator[Cinema]:
    async with filmed(either_studio) as made:
        await hang_up(made)
        yield made


async def nothing(_desk: Desk) -> None:
    """Let the film be made."""


def act(monkeypatch: pytest.MonkeyPatch, what: Act = nothing) -> None:
    monkeypatch.setattr(making, "compose_apart", instead(what))


async def test_a_call_becomes_one_film_of_both_sides_for_who_asked_for_it(
    cinema: Cinema, tmp_path: Path
) -> None:
    status, job = await cinema.ask()
    assert (status, job["state"], job["progress"], job["mine"]) == (200, "queued", 0, True)
    assert (await cinema.download(job["id"]))[0] == 409
    await cinema.compose()
    job = await cinema.job()
    assert (job["state"], job["progress"], job["code"]) == ("ready", 100, None)
    status, content, headers = await cinema.download(job["id"])
    assert status == 200
    assert headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert (len(content), sha256(content).hexdigest()) == (job["size"], job["sha256"])
    film = tmp_path / "film.mp4"
    film.write_bytes(content)
    seen = look(str(film))
    assert seen.seconds == pytest.approx(SECONDS + LATER, abs=0.06)
    assert seen.sizes == [(1280, 552)]
    near = [beep % 1 for beep in seen.beeps if beep > 0.5]
    assert {round(at / LATER) for at in near} == {0, 1}
    events = await cinema.studio.halls.events(cinema.case_id)
    [finished] = [one for one in events if one.kind == "export.finished"]
    assert finished.data["sha256"] == job["sha256"]
    assert await cinema.kinds() == ["export.requested", "export.finished", "export.downloaded"]
    assert cinema.pages()
    assert not any(b"ftyp" in page.read_bytes() for page in cinema.pages())


async def test_supervisors_of_both_sides_have_it_made_with_a_reason_and_nobody_else(
    either_cinema: Cinema,
) -> None:
    cinema = either_cinema
    for who, status, code in (
        (CLERK, 403, "action.forbidden"),
        (WANG, 403, "action.forbidden"),
        (ADMIN, 403, "action.forbidden"),
        (STRANGER, 404, "call.unknown"),
    ):
        answer, refusal = await cinema.ask(who.name)
        assert (answer, refusal["code"]) == (status, code), who.name
    for body in ({}, {"reason": "  "}):
        assert (await cinema.ask(body=body))[0] == 422
    assert await cinema.kinds() == []
    first, again, other = [(await cinema.ask(who.name))[1] for who in (FANG, FANG, LU)]
    assert first["id"] == again["id"] == other["id"]
    events = await cinema.studio.halls.events(cinema.case_id)
    asked = [one for one in events if one.kind == "export.requested"]
    assert [one.actor["name"] for one in asked] == [FANG.name, LU.name]
    assert REASON["reason"] not in str(asked[0].data)
    opened = cinema.studio.halls.records
    case = await cinema.studio.halls.case_row(cinema.case_id)
    assert opened.open_event(case, asked[0])["reason"] == REASON["reason"]


async def test_of_two_who_ask_at_once_both_have_the_same_film(either_cinema: Cinema) -> None:
    answers = await asyncio.gather(*(either_cinema.ask(who.name) for who in (FANG, LU)))
    assert [status for status, _ in answers] == [200, 200]
    assert len({job["id"] for _, job in answers}) == 1


async def test_of_two_workers_one_composes_it(
    either_cinema: Cinema, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 0

    async def once(_desk: Desk) -> None:
        nonlocal count
        count += 1

    act(monkeypatch, once)
    await either_cinema.ask()
    other = ExportWorker(either_cinema.studio.halls.units, either_cinema.studio.making)
    await asyncio.gather(either_cinema.worker.tick(), other.tick())
    await asyncio.gather(either_cinema.worker.settle(), other.settle())
    assert count == 1
    assert (await either_cinema.job())["state"] == "ready"


async def test_what_one_has_taken_up_no_other_takes_up(either_cinema: Cinema) -> None:
    _, job = await either_cinema.ask()
    async with either_cinema.studio.halls.units.open() as unit:
        # Both have seen it wait.
        first, second = [
            await queries.claim(unit.session, job["id"], claim=name) for name in ("one", "other")
        ]
    assert (first, second) == (True, False)


async def test_who_did_not_ask_for_it_cannot_take_it_or_cancel_it(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch
) -> None:
    act(monkeypatch)
    _, job = await cinema.ask()
    for who in (LU, STRANGER):
        status, refusal = await cinema.cancel(job["id"], who.name)
        assert (status, refusal["code"]) == (404, "export.unknown"), who.name
    assert (await cinema.cancel(job["id"], CLERK.name))[1]["code"] == "action.forbidden"
    await cinema.compose()
    assert (await cinema.download(job["id"], LU.name))[0] == 404
    assert (await cinema.job(LU.name))["mine"] is False
    assert (await cinema.ask(LU.name))[1]["state"] == "ready"
    status, content, _ = await cinema.download(job["id"], LU.name)
    assert (status, content) == (200, b"indexpictures")
    rooms = {
        one.room for one in cinema.studio.news.notices if one.event == "export.changed"
    }  # fmt: skip
    assert rooms == {f"clerk:{FANG.id}", f"clerk:{LU.id}"}


async def test_nothing_is_made_of_what_is_unknown_or_goes_on_or_is_gone(studio: Studio) -> None:
    async with filmed(studio) as cinema:
        assert (await cinema.ask())[1]["code"] == "call.live"
        await hang_up(cinema)
        known, cinema.call_id = cinema.call_id, "0" * 32
        assert (await cinema.ask())[1]["code"] == "call.unknown"
        cinema.call_id = known
        studio.clock.advance(seconds=timedelta(days=180).total_seconds())
        await studio.tick()
        assert (await cinema.ask())[1]["code"] == "recording.purged"
        assert await cinema.kinds() == []


async def test_a_recording_of_no_chunk_is_refused(studio: Studio) -> None:
    async with filmed(studio) as cinema:
        await hang_up(cinema)
        with pytest.MonkeyPatch.context() as empty:
            empty.setattr("server.recordings.queries.chunks_of", _none)
            assert (await cinema.ask())[1]["code"] == "recording.missing"


async def _none(*_given: object) -> list[object]:
    return []


async def test_what_may_still_come_is_waited_for(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    act(monkeypatch)
    async with filmed(studio) as cinema:
        await studio.halls.hang_up(WANG, cinema.call_id)
        await cinema.ask()
        await cinema.compose()
        assert (await cinema.job())["state"] == "queued"
        studio.clock.advance(seconds=60)
        await cinema.compose()
        assert (await cinema.job())["state"] == "ready"


@pytest.mark.parametrize(
    ("why", "told", "grows"),
    [
        (EndedFor.CALL_ENDED, None, True),
        (EndedFor.CALL_ENDED, 3, False),
        (EndedFor.CALL_ENDED, 4, True),
        (EndedFor.WORKER_LOST, None, False),
    ],
)
def test_a_part_grows_until_its_worker_has_told_its_end(
    why: EndedFor, told: int | None, *, grows: bool
) -> None:
    now = SetClock().now
    found = may_still_grow(
        PartState.ENDED, why, now - timedelta(seconds=1), chunks=3, told=told, now=now
    )
    assert found is grows


async def test_a_damaged_chunk_fails_the_export_and_is_named(cinema: Cinema) -> None:
    path = cinema.chunk("remote", 1)
    change_last_byte(path)
    _, first = await cinema.ask()
    await cinema.compose()
    job = await cinema.job()
    assert (job["state"], job["code"]) == ("failed", "recording.altered")
    assert job["damage"] == {"side": "remote", "part": 1, "chunk": 2}
    assert await cinema.kinds() == ["export.requested", "export.failed"]
    assert cinema.pages() == []
    path.unlink()
    _, second = await cinema.ask()
    assert second["id"] != first["id"]
    await cinema.compose()
    assert (await cinema.job())["damage"] == {"side": "remote", "part": 1, "chunk": 2}


async def test_without_room_on_the_disk_nothing_is_begun(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full() -> int:
        return RESERVE

    with monkeypatch.context() as disk:
        disk.setattr(cinema.studio.files, "room", full)
        status, refusal = await cinema.ask()
        assert (status, refusal["code"]) == (507, "disk.full")
        assert await cinema.job() is None
    await cinema.ask()
    monkeypatch.setattr(cinema.studio.files, "room", full)
    await cinema.compose()
    assert (await cinema.job())["code"] == "disk.full"


async def _fill(_desk: Desk) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


async def _die(_desk: Desk) -> None:
    raise ComposeError("its process died")


@pytest.mark.parametrize(
    ("what", "code"), [(_fill, "disk.full"), (_die, "export.broken")], ids=["full", "dead"]
)
async def test_a_film_that_cannot_be_made_leaves_no_half_file(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch, what: Act, code: str
) -> None:
    act(monkeypatch, what)
    await cinema.ask()
    await cinema.compose()
    job = await cinema.job()
    assert (job["state"], job["code"]) == ("failed", code)
    assert cinema.pages() == []
    await cinema.compose()
    assert await cinema.kinds() == ["export.requested", "export.failed"]


async def test_who_asked_for_it_can_give_it_up_while_it_is_composed(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, job = await cinema.ask()

    async def cancel(desk: Desk) -> None:
        await desk.reached(SECONDS / 2)
        shown = await cinema.job()
        assert (shown["state"], shown["progress"]) == ("composing", 45)
        assert (await cinema.cancel(job["id"]))[1]["state"] == "cancelled"
        await desk.reached(SECONDS * 0.75)
        pytest.fail("it was not stopped")

    act(monkeypatch, cancel)
    await cinema.compose()
    assert (await cinema.job())["state"] == "cancelled"
    assert cinema.pages() == []
    assert (await cinema.cancel(job["id"]))[1]["code"] == "export.over"
    assert await cinema.kinds() == ["export.requested", "export.cancelled"]
    assert (await cinema.download(job["id"]))[0] == 409


async def test_it_is_destroyed_after_a_week_and_with_its_recording(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch
) -> None:
    act(monkeypatch)
    for seconds in (EXPORT_LASTS.total_seconds(), timedelta(days=175).total_seconds()):
        await cinema.ask()
        await cinema.compose()
        job = await cinema.job()
        assert job["state"] == "ready"
        cinema.studio.clock.advance(seconds=seconds)
        # Its time is over, whether or not somebody has noticed.
        status, said, _ = await cinema.download(job["id"])
        assert (status, b"export.over" in said) == (409, True)
        await cinema.compose()
        assert (await cinema.job())["state"] == "expired"
        assert cinema.pages() == []
    assert (await cinema.kinds())[-1] == "export.purged"


async def test_a_changed_page_is_given_to_nobody(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch
) -> None:
    act(monkeypatch)
    _, job = await cinema.ask()
    await cinema.compose()
    first = min(cinema.pages())
    change_last_byte(first)
    status, said, _ = await cinema.download(job["id"])
    assert (status, b"export.altered" in said) == (409, True)
    assert "export.downloaded" not in await cinema.kinds()


async def test_who_gives_it_up_does_not_take_it_from_others(
    either_cinema: Cinema, monkeypatch: pytest.MonkeyPatch
) -> None:
    cinema = either_cinema
    act(monkeypatch)
    _, job = await cinema.ask()
    await cinema.ask(LU.name)
    _, left = await cinema.cancel(job["id"])
    assert (left["state"], left["mine"]) == ("queued", False)
    assert (await cinema.cancel(job["id"]))[1]["code"] == "export.unknown"
    await cinema.compose()
    assert (await cinema.download(job["id"]))[0] == 404
    assert (await cinema.download(job["id"], LU.name))[0] == 200


async def test_a_page_that_is_lost_further_on_breaks_the_download(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch
) -> None:
    act(monkeypatch)
    _, job = await cinema.ask()
    await cinema.compose()
    max(cinema.pages()).unlink()
    with pytest.raises(aiohttp.ClientPayloadError):
        await cinema.download(job["id"])


async def test_a_recording_whose_time_is_over_meanwhile_fails_it(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def purge(desk: Desk) -> None:
        cinema.studio.clock.advance(seconds=timedelta(days=180).total_seconds())
        await cinema.studio.tick()
        read: Any = desk.read
        await read(0, 20_000, 10)

    act(monkeypatch, purge)
    await cinema.ask()
    await cinema.compose()
    assert (await cinema.job())["code"] == "recording.purged"

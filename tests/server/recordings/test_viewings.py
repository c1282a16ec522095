"""Recordings opened with a reason, streamed in ranges, and purged when their time is over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from server.cases.rules import CaseState
from server.recordings.models import Recording
from server.recordings.rules import VIEWING_LASTS
from tests.support.clips import look, recorded
from tests.support.damage import change_last_byte
from tests.support.halls import CLERK, STRANGER, WANG, ZHOU
from tests.support.site import Site
from tests.support.studio import ADMIN, FANG, LU, NOWHERE, Studio, open_site, put

SECONDS, CHUNKS = 8, 6
REASON = {"reason": "群众投诉复核"}


@dataclass
class Archive:
    """A call that is over, whose counter was filmed."""

    studio: Studio
    site: Site
    case_id: str
    call_id: str
    part: Recording

    def open(self, who: str) -> Any:  # noqa: ANN401 (an awaitable of status and answer)
        return self.site.ask("POST", f"/api/calls/{self.call_id}/viewings", who, REASON)

    async def opened(self, who: str = FANG.name) -> dict[str, Any]:
        status, said = await self.open(who)
        assert status == 200, said
        found: dict[str, Any] = said["data"]
        return found

    async def film(
        self, viewing_id: str, span: str, who: str = FANG.name
    ) -> tuple[int, bytes, dict[str, str]]:
        path = f"/api/viewings/{viewing_id}/recordings/{self.part.id}/film"
        headers = {**self.site.headers(who), "Range": span}
        async with self.site.browser.get(self.site.url(path), headers=headers) as answer:
            return answer.status, await answer.read(), dict(answer.headers)

    async def whole(self, viewing_id: str) -> bytes:
        """Fetch all of a film, as a player does: on from where an answer ended."""
        found = b""
        while True:
            status, piece, headers = await self.film(viewing_id, f"bytes={len(found)}-")
            assert status == 206, piece
            first, size = headers["Content-Range"].removeprefix("bytes ").split("/")
            assert first == f"{len(found)}-{len(found) + len(piece) - 1}"
            found += piece
            if len(found) == int(size):
                return found

    def file(self, number: int) -> Path:
        """The sealed file of a chunk."""
        [path] = (self.studio.folder / "files/recordings" / self.part.id).glob(f"{number:05d}-*")
        return path


@asynccontextmanager
async def filmed(studio: Studio) -> AsyncIterator[Archive]:
    case_id, call_id = await studio.met()
    await studio.consent(case_id)
    await studio.start(call_id)
    [part] = [one for one in await studio.parts(call_id) if one.side.value == "local"]
    async with open_site(studio) as site:
        for number, content in enumerate(recorded(SECONDS, CHUNKS)):
            assert await put(site, part.id, content, number=number) == (200, "")
        yield Archive(studio, site, case_id, call_id, part)


@pytest.fixture
async def archive(studio: Studio) -> AsyncIterator[Archive]:
    async with filmed(studio) as live:
        assert (await live.open(FANG.name))[1]["error"]["code"] == "call.live"
        await studio.halls.hang_up(WANG, live.call_id)
        yield live


async def test_supervisors_of_both_sides_open_it_with_a_reason_and_nobody_else(
    archive: Archive,
) -> None:
    for who, status, code in (
        (CLERK, 403, "action.forbidden"),
        (WANG, 403, "action.forbidden"),
        (ADMIN, 403, "action.forbidden"),
        (STRANGER, 404, "call.unknown"),
    ):
        answer, said = await archive.open(who.name)
        assert (answer, said["error"]["code"]) == (status, code), who.name
    path = f"/api/calls/{archive.call_id}/viewings"
    for body in ({}, {"reason": "  "}):
        assert (await archive.site.ask("POST", path, FANG.name, body))[0] == 422
    assert "recording.viewed" not in await archive.studio.halls.log(archive.case_id)
    for who in (LU, FANG):
        viewing = await archive.opened(who.name)
        assert {seat["name"] for seat in viewing["seats"]} == {CLERK.name, WANG.name}
    events = await archive.studio.halls.events(archive.case_id)
    viewed = [one for one in events if one.kind == "recording.viewed"]
    assert [one.actor["name"] for one in viewed] == [LU.name, FANG.name]
    assert REASON["reason"] not in str(viewed[0].data)


async def test_a_film_can_be_sought_and_is_what_was_recorded(
    archive: Archive, tmp_path: Path
) -> None:
    viewing = await archive.opened()
    [part] = [one for one in viewing["parts"] if one["id"] == archive.part.id]
    assert part["seconds"] == pytest.approx(SECONDS, abs=0.1)
    assert (part["chunks"], part["lost"], part["altered"]) == (CHUNKS, [], [])
    content = await archive.whole(viewing["id"])
    path = tmp_path / "film.webm"
    path.write_bytes(content)
    seen = look(str(path))
    assert (seen.pictures, seen.sounds) == (SECONDS * 30, SECONDS * 50)
    assert len(seen.flashes) == len(seen.beeps) == SECONDS
    status, piece, headers = await archive.film(viewing["id"], "bytes=100-199")
    assert (status, piece) == (206, content[100:200])
    assert headers["Content-Range"] == f"bytes 100-199/{len(content)}"
    assert (await archive.film(viewing["id"], "bytes=-50"))[1] == content[-50:]
    for span in (f"bytes={len(content)}-", "bytes=9-3", "lines=1-2", ""):
        assert (await archive.film(viewing["id"], span))[0] == 416, span


async def test_who_left_the_call_before_its_end_is_among_the_seats(studio: Studio) -> None:
    async with filmed(studio) as live:
        await studio.relay.connected(ZHOU.name, "w1", holder=ZHOU.id)
        await studio.advise(live.call_id)
        async with studio.halls.units.open() as unit:
            await studio.halls.calls.depart(unit, ZHOU, live.call_id)
        await studio.halls.hang_up(WANG, live.call_id)
        viewing = await live.opened()
        named = {seat["id"]: seat["name"] for seat in viewing["seats"]}
        assert {named[part["seat_id"]] for part in viewing["parts"]} == {
            CLERK.name, WANG.name, ZHOU.name,
        }  # fmt: skip


async def test_what_was_opened_is_open_to_that_login_for_its_time_only(archive: Archive) -> None:
    viewing = await archive.opened()
    assert (await archive.film(viewing["id"], "bytes=0-9"))[0] == 206
    assert (await archive.film(viewing["id"], "bytes=0-9", LU.name))[0] == 404
    assert (await archive.film("0" * 32, "bytes=0-9"))[0] == 404
    assert (await archive.film(viewing["id"], "bytes=0-9", CLERK.name))[0] == 403
    archive.studio.clock.advance(seconds=VIEWING_LASTS.total_seconds())
    status, said, _ = await archive.film(viewing["id"], "bytes=0-9")
    assert (status, b"viewing.expired" in said) == (403, True)


async def test_a_changed_chunk_is_refused_and_left_out_of_what_is_opened_later(
    archive: Archive, tmp_path: Path
) -> None:
    before = await archive.opened()
    path = archive.file(3)
    change_last_byte(path)
    # The head holds nothing of the chunks.
    assert (await archive.film(before["id"], "bytes=0-99"))[0] == 206
    status, said, _ = await archive.film(before["id"], "bytes=0-")
    assert (status, b"recording.altered" in said) == (409, True)

    viewing = await archive.opened()
    [part] = [one for one in viewing["parts"] if one["id"] == archive.part.id]
    assert part["altered"] == [3]
    film = tmp_path / "film.webm"
    film.write_bytes(await archive.whole(viewing["id"]))
    seen = look(str(film))
    assert 0 < seen.pictures < SECONDS * 30
    archive.file(5).unlink()
    viewing = await archive.opened()
    [part] = [one for one in viewing["parts"] if one["id"] == archive.part.id]
    assert (part["lost"], part["altered"]) == ([5], [3])


async def test_the_list_shows_the_calls_of_my_region(archive: Archive) -> None:
    for who, count in ((LU, 1), (FANG, 1), (STRANGER, 0)):
        status, said = await archive.site.ask("GET", "/api/recordings", who.name)
        assert (status, len(said["data"]["calls"])) == (200, count)
    [row] = (await archive.site.ask("GET", "/api/recordings", LU.name))[1]["data"]["calls"]
    assert (row["call_id"], row["parts"], row["purged"]) == (archive.call_id, 2, False)
    assert (row["local_name"], row["agent_name"]) == (CLERK.name, WANG.name)
    assert (await archive.site.ask("GET", "/api/recordings", CLERK.name))[0] == 403
    found = await archive.site.ask("GET", "/api/recordings?number=999", LU.name)
    assert found[1]["data"]["calls"] == []


async def test_a_draft_is_in_its_counters_list_only_and_who_has_no_region_has_none(
    archive: Archive,
) -> None:
    await archive.studio.halls.move(archive.case_id, CaseState.DRAFT)
    for who, count in ((LU, 1), (FANG, 0), (NOWHERE, 0)):
        status, said = await archive.site.ask("GET", "/api/recordings", who.name)
        assert (status, len(said["data"]["calls"])) == (200, count), who.name


async def test_what_is_over_its_time_is_destroyed_and_the_rest_stays(archive: Archive) -> None:
    studio = archive.studio
    parts = await studio.parts(archive.call_id)
    [other] = [one for one in parts if one.id != archive.part.id]
    async with studio.halls.units.open() as unit:
        kept = await unit.session.get(Recording, other.id)
        assert kept is not None
        kept.retain_until += timedelta(days=1)
    studio.clock.advance(seconds=timedelta(days=180).total_seconds() - 1)
    await studio.tick()
    assert all(one.sealed_key for one in await studio.parts(archive.call_id))
    studio.clock.advance(seconds=1)
    await studio.tick()
    states = {one.id: one for one in await studio.parts(archive.call_id)}
    gone = states[archive.part.id]
    assert (gone.sealed_key, states[other.id].sealed_key is None) == (None, False)
    assert gone.purged_at is not None
    assert gone.emptied_at is not None
    assert not (studio.folder / "files/recordings" / archive.part.id).exists()
    [event] = [
        one for one in await studio.halls.events(archive.case_id) if one.kind == "recording.purged"
    ]
    assert event.data["recording_id"] == archive.part.id
    studio.clock.advance(seconds=timedelta(days=1).total_seconds())
    await studio.tick()
    assert (await archive.open(FANG.name))[1]["error"]["code"] == "recording.purged"


async def test_a_purge_that_dies_half_way_finishes_later(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = archive.studio
    studio.clock.advance(seconds=timedelta(days=180).total_seconds())

    async def die(_name: str) -> None:
        raise OSError("the machine is going down")

    with monkeypatch.context() as dying:
        dying.setattr(studio.files, "remove", die)
        await studio.tick()
    [gone] = [one for one in await studio.parts(archive.call_id) if one.id == archive.part.id]
    assert (gone.sealed_key, gone.emptied_at) == (None, None)
    assert len(await studio.files.names(f"recordings/{archive.part.id}")) == CHUNKS
    await studio.tick()
    assert await studio.files.names(f"recordings/{archive.part.id}") == []
    events = [one.kind for one in await studio.halls.events(archive.case_id)]
    assert events.count("recording.purged") == 2


async def test_a_full_disk_raises_the_alarm_at_once_and_the_next_chunk_ends_it(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with filmed(studio) as live:

        async def full(_name: str, _content: bytes) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as disk:
            disk.setattr(studio.files, "put", full)
            status, _ = await put(live.site, live.part.id, b"more", number=CHUNKS)
            assert status == 500
        assert studio.alarms()
        [part] = [one for one in await studio.parts(live.call_id) if one.id == live.part.id]
        assert (part.state.value, part.ended_for and part.ended_for.value) == ("failed", "unkept")
        assert await put(live.site, live.part.id, b"more", number=CHUNKS) == (200, "")
        [part] = [one for one in await studio.parts(live.call_id) if one.id == live.part.id]
        assert part.state.value == "recording"

"""Attempts to compose a film: the signs they give, and what one leaves to its successor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from server.composing.plan import Made
from server.composing.process import Desk
from server.exports import making, queries
from server.exports.rules import LEASE, LOOK_EVERY, MOST_TRIES, RESERVE, SIGN_EVERY
from server.exports.worker import ExportWorker
from tests.support.exported import MADE, Act, Cinema, filmed, hang_up, instead
from tests.support.studio import Studio


@pytest.fixture
async def cinema(studio: Studio) -> AsyncIterator[Cinema]:
    async with filmed(studio) as made:
        await hang_up(made)
        yield made


async def nothing(_desk: Desk) -> None:
    """Let the film be made."""


def act(monkeypatch: pytest.MonkeyPatch, what: Act = nothing) -> None:
    monkeypatch.setattr(making, "compose_apart", instead(what))


async def test_a_composer_that_has_nothing_to_report_for_long_is_still_heard(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_sign, given = asyncio.Event(), asyncio.Event()

    async def pause(_seconds: float) -> None:
        given.set()
        await next_sign.wait()
        next_sign.clear()

    async def dwell(_desk: Desk) -> None:
        await given.wait()
        cinema.studio.clock.advance(seconds=LEASE.total_seconds())
        given.clear()
        next_sign.set()
        await given.wait()
        async with cinema.studio.halls.units.database.reading() as session:
            since = cinema.studio.clock.now - LEASE
            assert await queries.unheard(session, since) == []

    cinema.studio.making.pause = pause
    act(monkeypatch, dwell)
    await cinema.ask()
    await cinema.compose()
    assert (await cinema.job())["state"] == "ready"


async def test_an_attempt_that_lost_its_claim_leaves_its_successors_pages_alone(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = cinema.studio
    _, job = await cinema.ask()
    page = f"exports/{job['id']}/{'0' * 32}-000001"

    async def lose(_desk: Desk) -> None:
        async with studio.halls.units.open() as unit:
            await studio.making.exports.take_up(unit, job["id"])
            assert await queries.claim(unit.session, job["id"], claim="0" * 32)
        await studio.files.put(page, b"the successor's")

    act(monkeypatch, lose)
    await cinema.compose()
    assert (await cinema.job())["state"] == "composing"
    assert [path.name for path in cinema.pages()] == [page.rpartition("/")[2]]


@pytest.mark.parametrize(
    "made", [replace(MADE, size=99), replace(MADE, media_type="text/html")], ids=["size", "type"]
)
async def test_what_the_process_says_of_its_film_is_not_believed(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch, made: Made
) -> None:
    monkeypatch.setattr(making, "compose_apart", instead(nothing, made))
    await cinema.ask()
    await cinema.compose()
    assert (await cinema.job())["code"] == "export.broken"
    assert cinema.pages() == []


async def test_a_disk_that_fills_up_meanwhile_ends_it(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full() -> int:
        return RESERVE - 1

    async def fill(desk: Desk) -> None:
        monkeypatch.setattr(cinema.studio.files, "room", full)
        for number in range(LOOK_EVERY):
            await desk.keep(number + 2, b"more")
        pytest.fail("it was not stopped")

    act(monkeypatch, fill)
    await cinema.ask()
    await cinema.compose()
    assert (await cinema.job())["code"] == "disk.full"


async def test_a_film_without_end_is_none(cinema: Cinema, monkeypatch: pytest.MonkeyPatch) -> None:
    async def go_on(desk: Desk) -> None:
        await desk.keep(2, b"more")
        pytest.fail("it was not stopped")

    act(monkeypatch, go_on)
    monkeypatch.setattr(making, "pages_of", lambda *_given: 1)
    await cinema.ask()
    await cinema.compose()
    assert (await cinema.job())["code"] == "export.broken"


async def test_what_is_composed_when_the_service_ends_is_put_back(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def stay(_desk: Desk) -> None:
        begun.set()
        await asyncio.Event().wait()

    act(monkeypatch, stay)
    await cinema.ask()
    running = asyncio.create_task(cinema.worker.run())
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await cinema.job())["state"] == "queued"
    assert cinema.pages() == []
    act(monkeypatch)
    cinema.worker = ExportWorker(cinema.studio.halls.units, cinema.studio.making)
    await cinema.compose()
    assert (await cinema.job())["state"] == "ready"


async def test_a_composer_that_fell_silent_is_replaced_and_three_are_enough(
    cinema: Cinema, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, job = await cinema.ask()
    exports, units = cinema.studio.making.exports, cinema.studio.halls.units
    for _ in range(MOST_TRIES):
        async with units.open() as unit:
            lost = await exports.take(unit, job["id"])
        assert lost is not None
        # As a killed service would leave it.
        await cinema.studio.files.put(f"exports/{lost.export_id}/{lost.claim}-000001", b"half")
        cinema.studio.clock.advance(seconds=LEASE.total_seconds())
        async with units.open() as unit:
            await exports.take_up(unit, lost.export_id)
    assert (await cinema.job())["code"] == "export.interrupted"
    async with units.open() as unit:
        assert not await exports.reached(unit, lost, 50)
    cinema.studio.clock.advance(seconds=2 * SIGN_EVERY.total_seconds())
    await cinema.compose()
    assert cinema.pages() == []
    act(monkeypatch)
    await cinema.ask()
    await cinema.compose()
    assert (await cinema.job())["state"] == "ready"

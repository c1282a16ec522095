"""Attempts to compose a film: the signs they give, and what one leaves to its successor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from server.composing.plan import Made
from server.composing.process import Desk
from server.exports import making, queries
from server.exports.rules import LEASE
from tests.support.exported import MADE, Act, Cinema, filmed, hang_up, instead
from tests.support.studio import Studio


@pytest.fixture
async def cinema(studio: Studio) -> AsyncIterator[Cinema]:
    async with filmed(studio) as made:
        await hang_up(made)
        yield made


async def nothing(_desk: Desk) -> None:
    """Let the film be made."""


def act(monkeypatch: pytest.MonkeyPatch, what: Act) -> None:
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

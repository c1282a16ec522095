"""Attempts to compose a film: the signs they give, and what one leaves to its successor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from server.composing.process import Desk
from server.exports import making, queries
from server.exports.rules import LEASE
from tests.support.exported import Act, Cinema, filmed, hang_up, instead
from tests.support.studio import Studio


@pytest.fixture
async def cinema(studio: Studio) -> AsyncIterator[Cinema]:
    async with filmed(studio) as made:
        await hang_up(made)
        yield made


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

"""An account that is disabled in mid-call: everybody reads it at once, and nothing is issued."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from counter_client.answers import Refusal
from counter_client.client import Client
from server.app import build_house
from tests.support.service import Service
from tests.support.story import playing


async def pass_over(person: Client) -> None:
    """Take what was said of the call so far as heard."""
    with contextlib.suppress(TimeoutError):
        while True:
            await person.heard("call.changed", within=0.05)


async def test_disabling_the_agent_is_told_to_the_counter_and_the_screen(service: Service) -> None:
    async with playing(service.url) as story:
        await story.prepare()
        counter, screen = story.cast.counter, story.cast.screen
        before = await counter.call(story.call_id)
        assert before["authority"]["verdict"] == "valid"
        for person in (counter, screen):
            await pass_over(person)
        # Disabled by the command line: another process, which knows nobody's sockets.
        house = build_house(service.settings)
        try:
            await house.staff.disable_clerk("huoqiu-agent")
        finally:
            await house.close()
        for person, path in ((counter, "/api/calls"), (screen, "/api/facing/calls")):
            async with asyncio.timeout(60):
                verdict = "valid"
                while verdict == "valid":
                    # Told of it, not found by asking again and again.
                    await person.heard("call.changed", within=None)
                    found = await person.command("GET", f"{path}/{story.call_id}")
                    verdict = found["authority"]["verdict"]
            assert verdict == "account_disabled"
        with pytest.raises(Refusal):
            await story.cast.agent.issue(story.case_id, story.kind)
        assert (await counter.case(story.case_id))["state"] == "in_call"

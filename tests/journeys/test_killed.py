"""Server and signer killed with SIGKILL, and started again on the same data."""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from counter_client.answers import Refusal
from counter_client.client import Client, ServerLostError
from counter_client.follow import Follower
from tests.support.child import Demonstration, kuayu
from tests.support.service import begin
from tests.support.story import Story, log_of, playing

pytestmark = [pytest.mark.journey, pytest.mark.timeout(1200)]
# The steps in between are killed one by one in tests/server/certificates/test_killed.py.
MOMENTS = ("asked", "reserved", "file there")
PATIENCE = 120.0
LATE = timedelta(seconds=3)  # What a timer may be late on a machine that is busy.


@pytest.fixture
async def demonstration(tmp_path: Path) -> Demonstration:
    """A demonstration that has its finished case already, so that none is played first."""
    made = Demonstration(tmp_path / "data")
    await begin(made.data)
    (made.data / "rehearsals").mkdir(parents=True)
    (made.data / "rehearsals" / "finished.pdf").touch()
    return made


def rows(data: Path, question: str) -> list[tuple[object, ...]]:
    """Look into the database from outside."""
    with closing(sqlite3.connect(f"file:{data / 'kuayu.db'}?mode=ro", uri=True)) as database:
        return database.execute(question).fetchall()


def numbers(data: Path, case_id: str) -> list[tuple[object, ...]]:
    """Return the numbers that certificates of a case have."""
    return rows(data, f"SELECT number FROM certificate WHERE case_id = '{case_id}'")


def papers(data: Path) -> set[Path]:
    """Return the certificates' files."""
    return set((data / "files" / "certificates").glob("*/*.pdf"))


def come_true(data: Path, story: Story, moment: str, before: set[Path]) -> bool:
    """Say whether issuing has come to a moment, as seen from outside."""
    match moment:
        case "reserved":
            return bool(numbers(data, story.case_id))
        case "file there":
            return papers(data) > before
        case _:
            return True


def kill_when(true: Callable[[], bool], pid: int) -> None:
    """Look without pause, and kill at the moment it is true."""
    until = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < until, "the moment never came"
    os.kill(pid, 9)


async def ask_and_kill(demonstration: Demonstration, story: Story, moment: str) -> None:
    """Ask for the certificate, and kill the server when it has come to `moment`."""
    agent, data = story.cast.agent, demonstration.data
    before = papers(data)
    asking = asyncio.create_task(agent.issue(story.case_id, story.kind, key=story.case_id))
    if moment == "asked":
        await agent.me()  # Sent after the command: once it is answered, the command is there.
    pid = demonstration.process.pid
    await asyncio.to_thread(kill_when, lambda: come_true(data, story, moment, before), pid)
    asking.cancel()
    with suppress(asyncio.CancelledError, ServerLostError):
        await asking
    await demonstration.ended()


async def nothing_is_wrong(data: Path) -> None:
    found = await asyncio.to_thread(kuayu, "verify-store", "--data", str(data))
    assert found.returncode == 0, found.stdout + found.stderr
    assert re.match(r"0 faults in .*[1-9]\d* case", found.stdout), found.stdout


async def issue_across_a_kill(demonstration: Demonstration, story: Story, moment: str) -> bytes:
    """Kill the server while it issues: once it is back the certificate is there once; return it."""
    await story.prepare()
    before = papers(demonstration.data)
    await ask_and_kill(demonstration, story, moment)
    reserved = numbers(demonstration.data, story.case_id)
    assert reserved or moment == "asked"
    await demonstration.start()
    agent = story.cast.agent
    for clerk in (story.cast.counter, agent):
        await clerk.listen()
    await story.sit()  # Or the call is over by the time that everything was looked at.
    await nothing_is_wrong(demonstration.data)
    issued = await agent.issue(story.case_id, story.kind, key=story.case_id)
    assert [(issued["number"],)] == (reserved or [(issued["number"],)])
    assert await agent.issue(story.case_id, story.kind, key=story.case_id) == issued
    assert len(await agent.certificates(story.case_id)) == 1
    kinds = [event["kind"] for event in await log_of(agent, story.case_id)]
    assert kinds.count("certificate.issued") == 1
    content = await agent.certificate_file(issued["id"])
    [kept] = papers(demonstration.data) - before
    assert kept.read_bytes() == content
    return content


async def test_killed_while_issuing_it_finishes_what_it_began(
    demonstration: Demonstration, tmp_path: Path
) -> None:
    data = demonstration.data
    async with demonstration.served():
        for moment in MOMENTS:
            async with playing(demonstration.url) as story:
                content = await issue_across_a_kill(demonstration, story, moment)
        async with playing(demonstration.url) as story:
            await issue_across_a_signers_kill(demonstration, story)
    assert sorted((data / "files").rglob("*.part")) == []
    pdf = tmp_path / "issued.pdf"
    pdf.write_bytes(content)
    verdict = await asyncio.to_thread(kuayu, "verify", str(pdf), "--data", str(data))
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    await nothing_is_wrong(data)


async def issue_across_a_signers_kill(demonstration: Demonstration, story: Story) -> None:
    """Kill the signer while it is asked: the same command issues once another one is there."""
    await story.prepare()
    agent = story.cast.agent
    asking = asyncio.create_task(agent.issue(story.case_id, story.kind, key=story.case_id))
    lock = demonstration.data / "signer" / "signer.lock"
    pid = int(lock.read_text())
    await asyncio.to_thread(
        kill_when, lambda: bool(numbers(demonstration.data, story.case_id)), pid
    )
    refusals, issued = list[str](), None
    async with asyncio.timeout(PATIENCE):
        while issued is None:
            try:
                issued = await asking
            except Refusal as refused:
                refusals.append(refused.code)
                await agent.me()
                asking = asyncio.create_task(
                    agent.issue(story.case_id, story.kind, key=story.case_id)
                )
    assert set(refusals) <= {"signer.unavailable"}
    assert numbers(demonstration.data, story.case_id) == [(issued["number"],)]
    kinds = [event["kind"] for event in await log_of(agent, story.case_id)]
    assert kinds.count("certificate.issued") == 1
    # It may have signed before it was killed: then nobody has waited for the next one yet.
    async with asyncio.timeout(PATIENCE):
        while lock.read_text() in {"", str(pid)}:
            await agent.me()


async def kill(demonstration: Demonstration) -> None:
    """Kill the server and start it again."""
    demonstration.process.kill()
    await demonstration.ended()
    await demonstration.start()


async def test_a_place_in_the_line_and_a_ringing_offer_survive(
    demonstration: Demonstration,
) -> None:
    async with demonstration.served(), playing(demonstration.url) as story:
        counter = story.cast.counter
        places = []
        for _ in range(2):
            await story.bring()
            places.append(await counter.take_ticket(story.case_id))
        assert [place["position"] for place in places] == [1, 2]
        await kill(demonstration)
        kept = [await counter.ticket(place["case_id"]) for place in places]
        told = ("id", "position", "state", "taken_at")
        assert [{name: (one or {})[name] for name in told} for one in kept] == [
            {name: one[name] for name in told} for one in places
        ]

        offer, kept, away = await rung_over_a_kill(demonstration, story)
        # The first, or the next where the first was missed before the server was back.
        [(position, place)] = [
            (number, one) for number, one in enumerate(places, start=1)
            if one["id"] == offer["ticket_id"]
        ]  # fmt: skip
        assert kept | {"waited_seconds": 0} == offer | {"waited_seconds": 0}
        await counter.listen()
        missed = await missed_offer(counter, offer)
        late = datetime.fromisoformat(missed["at"]) - datetime.fromisoformat(offer["expires_at"])
        # One that the new server gave its whole time anew would be late by all that it was away.
        assert timedelta() <= late < max(LATE, away / 2)
        again = await counter.ticket(offer["case_id"])
        assert again is not None
        assert (again["state"], again["position"]) == ("waiting", position)
        assert again["taken_at"] == place["taken_at"]
        await story.cast.agent.set_agent_state("offline")
        for place in places:
            await counter.abandon_ticket(place["id"], "试验结束")


async def rung_over_a_kill(
    demonstration: Demonstration, story: Story
) -> tuple[dict[str, object], dict[str, object], timedelta]:
    """Have an offer ring, and kill the server meanwhile; once more if it was not back in time.

    Return the offer as it was and as it is after that, and how long the server was away.
    """
    agent = story.cast.agent
    while True:
        await story.cast.counter.listen()  # Or its places in the line soon wait for it.
        await agent.listen()
        await agent.set_agent_state("ready")
        offer = await agent.heard("offer.made", within=PATIENCE)
        began = datetime.now(UTC)
        await kill(demonstration)
        back = datetime.now(UTC)
        kept = (await agent.agent())["offer"]
        if kept is not None:
            return offer, kept, back - began
        assert datetime.fromisoformat(offer["expires_at"]) <= datetime.now(UTC)


async def missed_offer(counter: Client, offer: dict[str, object]) -> dict[str, object]:
    """Wait until the line says that nobody answered an offer."""
    follower = Follower(counter, str(offer["case_id"]))
    await follower.watch()
    return await follower.until(
        "offer.missed", lambda data: bool(data["offer_id"] == offer["id"]), within=PATIENCE
    )


async def test_nothing_of_it_is_left_behind(demonstration: Demonstration) -> None:
    async with demonstration.served(), playing(demonstration.url) as story:
        await story.bring()  # Files were decoded: every kind of worker process is there.
        pid = demonstration.process.pid
        children = await asyncio.to_thread(children_of, pid)
        assert len(children) >= 3
        await kill(demonstration)
        async with asyncio.timeout(60):
            while await asyncio.to_thread(any_lives, children):
                await story.cast.counter.me()


def children_of(pid: int) -> list[str]:
    """Return the processes that a process has started."""
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=True)
    return found.stdout.split()


def any_lives(pids: list[str]) -> bool:
    """Say whether any of these processes is still there."""
    return any(Path(f"/proc/{pid}").exists() for pid in pids)

"""A worker's memory of calls: what has ended leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from pydantic import BaseModel

from counter_client.leg import LegEnd
from counter_client.sources import Tone
from server.media import messages as wire
from server.media import worker as working
from server.media.network import Network
from server.media.worker import Worker
from tests.support.hostile import OFFER_OF_CHROMIUM

CALL, ONE, OTHER, TAPE = ("c" * 32, "1" * 32, "2" * 32, "d" * 32)


@pytest.fixture
async def worker(network: Network) -> AsyncIterator[Worker]:
    """A worker whose line to the service is down."""
    made = Worker("http://192.0.2.1", "c2VjcmV0", name="w", network=network, capacity=400)
    yield made
    await made.tapes.close()
    for leg in list(made.legs.values()):
        await leg.close()
    made.port.close()


async def hear(worker: Worker, event: str, **said: object) -> None:
    """Have the worker hear something of the service."""
    await worker._line.handlers[working.NAMESPACE][event](said)


async def arrange(worker: Worker, version: int, *legs: str) -> None:
    seats = [
        {"seat_id": one, "leg_id": one, "hears": [o for o in legs if o != one], "record": None}
        for one in legs
    ]
    await hear(worker, "call.arranged", call_id=CALL, version=version, seats=seats)


async def come_and_go(worker: Worker, offer: Callable[[str], str]) -> None:
    """One call of two legs, which are closed after it."""
    for leg_id in (ONE, OTHER):
        await hear(worker, "leg.offered", leg_id=leg_id, n=1, sdp=offer(leg_id))
    await arrange(worker, 1, ONE, OTHER)
    await arrange(worker, 2)
    for leg_id in (ONE, OTHER):
        await hear(worker, "leg.closed", leg_id=leg_id)


def holdings(worker: Worker) -> tuple[object, ...]:
    return (
        worker.legs, worker.rooms, worker._arranged, worker._turns, worker._patience,
        worker.tapes._running, worker.tapes._over,
    )  # fmt: skip


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def settle() -> None:
    """Let everything that is under way come to its end."""
    for _ in range(20):
        await asyncio.sleep(0)


async def ended(before: set[asyncio.Task[object]]) -> None:
    """Wait until every task has ended that was not there before."""
    async with asyncio.timeout(60):
        while left := asyncio.all_tasks() - before:
            await asyncio.wait(left)


async def test_after_fifty_calls_nothing_is_left(worker: Worker) -> None:
    await come_and_go(worker, lambda _: OFFER_OF_CHROMIUM)
    await settle()
    tasks, files = asyncio.all_tasks(), open_files()
    for _ in range(50):
        await come_and_go(worker, lambda _: OFFER_OF_CHROMIUM)
    await ended(tasks)
    assert not any(holdings(worker))
    assert open_files() <= files


async def test_a_leg_that_finds_no_room_leaves_nothing(worker: Worker) -> None:
    worker._capacity = 0
    await hear(worker, "leg.offered", leg_id=ONE, n=1, sdp=OFFER_OF_CHROMIUM)
    assert not any(holdings(worker))


@pytest.fixture
def told(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> asyncio.Queue[BaseModel]:
    """What the worker tells the service."""
    queue: asyncio.Queue[BaseModel] = asyncio.Queue()

    async def tell(_event: str, what: BaseModel) -> bool:
        queue.put_nowait(what)
        return True

    monkeypatch.setattr(worker, "_tell", tell)
    return queue


async def test_a_leg_that_was_connected_leaves_nothing_either(
    worker: Worker, told: asyncio.Queue[BaseModel]
) -> None:
    tasks = asyncio.all_tasks()
    end = LegEnd(lambda: [Tone()])
    await hear(worker, "leg.offered", leg_id=ONE, n=1, sdp=await end.make_offer())
    answered = await told.get()
    assert isinstance(answered, wire.LegAnswered)
    await end.take_answer(answered.sdp)
    async with asyncio.timeout(60):
        assert await told.get() == wire.LegChanged(leg_id=ONE, state="connected")
        assert not worker._patience
        await hear(worker, "leg.closed", leg_id=ONE)
        await end.end()
    await ended(tasks)
    assert not any(holdings(worker))


async def test_a_call_that_is_not_told_again_on_a_new_line_is_over(
    worker: Worker, told: asyncio.Queue[BaseModel]
) -> None:
    await arrange(worker, 1, ONE, OTHER)
    await worker._return()
    await arrange(worker, 2, ONE, OTHER)
    await hear(worker, "calls.told")
    assert CALL in worker.rooms
    await worker._return()
    await settle()
    assert CALL in worker.rooms
    await hear(worker, "calls.told")
    assert not any(holdings(worker))
    assert told.qsize() == 2


async def test_what_was_not_told_of_a_call_is_told_on_the_next_line(
    worker: Worker, told: asyncio.Queue[BaseModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    for leg_id in (ONE, OTHER):
        await hear(worker, "leg.offered", leg_id=leg_id, n=1, sdp=OFFER_OF_CHROMIUM)
    with monkeypatch.context() as down:
        down.setattr(worker, "_tell", Worker._tell.__get__(worker))
        await arrange(worker, 1, ONE, OTHER)
        await settle()
    await worker._return()
    await arrange(worker, 2, ONE, OTHER)
    await settle()
    while not told.empty():
        told.get_nowait()
    await hear(worker, "calls.told")
    await settle()
    said = [told.get_nowait() for _ in range(told.qsize())]
    mapped = {one.leg_id for one in said if isinstance(one, wire.StreamsMapped)}
    wanted = {one.leg_id for one in said if isinstance(one, wire.NegotiationWanted)}
    assert mapped | wanted == {ONE, OTHER}


async def test_what_was_dropped_is_told_once(
    worker: Worker, told: asyncio.Queue[BaseModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.dropped["rtp"] += 3
    with monkeypatch.context() as down:
        down.setattr(worker, "_tell", Worker._tell.__get__(worker))
        await worker._report()
    for expected in ({"rtp": 3}, {}):
        await worker._report()
        report = told.get_nowait()
        assert isinstance(report, wire.WorkerReported)
        assert report.dropped == expected

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable

import pytest

from server.media.legs import Leg
from server.media.network import Network, own_address
from server.media.ports import Port


class States:
    """What became of each leg's connection."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    def note(self, leg: Leg, state: str) -> None:
        self.queue.put_nowait((leg.id, state))

    async def become(self, state: str, *ids: str) -> None:
        """Wait until each of these legs is in a state."""
        waiting = set(ids)
        async with asyncio.timeout(60):
            while waiting:
                which, now = await self.queue.get()
                if now == state:
                    waiting.discard(which)


@pytest.fixture
def network() -> Network:
    return Network(own_address(), range(43_000, 43_500))


@pytest.fixture
async def port(network: Network) -> AsyncIterator[Port]:
    """A worker's port; what goes to no leg of it is counted in `dropped`."""
    made = Port(network, Counter())
    yield made
    made.close()


@pytest.fixture
def states() -> States:
    return States()


@pytest.fixture
def new_leg(port: Port, states: States) -> Callable[[str], Leg]:
    def make(name: str) -> Leg:
        return Leg(name, port, states.note, time.monotonic)

    return make

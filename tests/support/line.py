"""Lines that a test can spoil: media and everything else goes through them, until they are cut.

What is cut is neither refused nor closed: as with a pulled plug, nothing comes through. Datagrams
are lost by it; what TCP carries comes late, as a system's repeating would bring it.
"""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from server.media.network import own_address
from tests.support.media_worker import media_worker
from tests.support.service import Service

LARGEST = 2048
BEHIND = "127.0.0.1"


Address = tuple[str, int]
# What becomes of a datagram on its way: it comes, with others that waited for it, or never.
Spoil = Callable[[bytes], Iterable[bytes]]


@dataclass
class Way:
    """How one address reaches the far end, and what becomes of its datagrams."""

    back: socket.socket
    #: Which part of the datagrams is lost, towards the far end and from it.
    up: float = 0.0
    down: float = 0.0
    cut: bool = False


@dataclass
class Lane:
    """The UDP port that all come to: towards `far`, and back to each by its address."""

    front: socket.socket
    far: Address
    ways: dict[Address, Way] = field(default_factory=dict)
    #: What becomes of those who have not come yet.
    up: float = 0.0
    cut: bool = False
    spoil: Spoil = lambda data: (data,)
    _dice: random.Random = field(default_factory=lambda: random.Random(7))

    def open(self) -> None:
        """Begin to listen."""
        asyncio.get_running_loop().add_reader(self.front, self._to_far)

    def close(self) -> None:
        """Let nothing pass any more."""
        loop = asyncio.get_running_loop()
        for one in (self.front, *(way.back for way in self.ways.values())):
            loop.remove_reader(one)
            one.close()

    def _lost(self, way: Way, share: float) -> bool:
        return way.cut or self._dice.random() < share

    def _to_far(self) -> None:
        for data, address in _waiting(self.front):
            way = self.ways.get(address) or self._begin(address)
            if not self._lost(way, way.up):
                for one in self.spoil(data):
                    self._send(way.back, one)

    def _from_far(self, way: Way, address: Address) -> None:
        for data, _ in _waiting(way.back):
            if not self._lost(way, way.down):
                self._send(self.front, data, address)

    def _begin(self, address: Address) -> Way:
        way = self.ways[address] = Way(_bound(BEHIND, 0), up=self.up, cut=self.cut)
        way.back.connect(self.far)
        loop = asyncio.get_running_loop()
        loop.add_reader(way.back, partial(self._from_far, way, address))
        return way

    @staticmethod
    def _send(by: socket.socket, data: bytes, to: Address | None = None) -> None:
        # A port that nobody listens on any more loses what comes, as a line does.
        with suppress(OSError):
            if to is None:
                by.send(data)
            else:
                by.sendto(data, to)


def _waiting(one: socket.socket) -> list[tuple[bytes, Address]]:
    found = []
    while True:
        try:
            found.append(one.recvfrom(LARGEST))
        except OSError:
            return found


def _bound(address: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)  # noqa: FBT003 (the method has no keyword)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    made.bind((address, port))
    return made


@asynccontextmanager
async def lane_to(address: str, port: int) -> AsyncIterator[Lane]:
    """Pass on what comes to a port of `address` to the same port of loopback."""
    made = Lane(_bound(address, port), (BEHIND, port))
    made.open()
    try:
        yield made
    finally:
        made.close()


class Wire:
    """A TCP port before the service."""

    def __init__(
        self, port: int, far: int, address: str = BEHIND, tls: ssl.SSLContext | None = None
    ) -> None:
        """Prepare to pass on what comes to `port` of an address to the port `far` of loopback."""
        self.port, self._far, self._address, self._tls = port, far, address, tls
        self._whole = asyncio.Event()
        self._whole.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._answers: list[asyncio.StreamWriter] = []

    def cut(self) -> None:
        """Let nothing through from now on."""
        self._whole.clear()

    def mend(self) -> None:
        """Let everything through again, what came meanwhile first."""
        self._whole.set()

    @asynccontextmanager
    async def passing(self) -> AsyncIterator[Wire]:
        """Pass on while the block runs."""
        server = await asyncio.start_server(self._meet, self._address, self.port, ssl=self._tls)
        try:
            yield self
        finally:
            server.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for one in self._answers:
                # With TLS, closing waits for a far end that may be gone.
                one.transport.abort()

    async def _meet(self, near: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._answers.append(answer)
        try:
            await self._whole.wait()
            far, ask = await asyncio.open_connection(BEHIND, self._far)
            try:
                ways = [self._pass(near, ask), self._pass(far, answer)]
                await asyncio.gather(*ways)
            finally:
                ask.close()
        except (OSError, asyncio.CancelledError):
            return  # Whoever hung up knows it; asyncio's streams ask a cancelled task how it went.
        finally:
            answer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            await self._whole.wait()
            writer.write(data)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def worker_behind(service: Service, port: int) -> AsyncIterator[Lane]:
    """Run a media worker that everybody reaches by a lane only."""
    address = own_address()
    behind = ("--address", BEHIND, "--announced", address)
    ports = range(port, port + 1)
    async with lane_to(address, port) as made, media_worker(service, ports, *behind):
        yield made

"""Ports as sockets: what is sent together arrives as it would have packet by packet."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections import Counter
from collections.abc import Iterator

import pytest

from server.media import cells
from server.media.cells import Cell, Destination, Foreign, Outbox, address_of, name_of
from server.media.network import Network
from server.media.ports import Port
from tests.support.hostile import Taker


@pytest.fixture
def far(network: Network) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind((network.address, 0))
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        one.settimeout(5)
        yield one


class Kernel:
    """Counts the messages that are sent, and refuses runs."""

    def __init__(self, true: Foreign, refusal: int | None) -> None:
        self._true, self._refusal = true, refusal
        self.calls = self.runs = 0

    def sendmmsg(self, descriptor: int, messages: Foreign, count: int, flags: int) -> int:
        self.calls += 1
        runs = [messages[index].msg_hdr.msg_iovlen > 1 for index in range(count)]
        if self._refusal is not None and any(runs):
            if runs[0]:
                self.runs += 1
                cells.ffi.errno = self._refusal
                return -1
            # As the kernel does: what went before the trouble has gone.
            count = runs.index(True)
        self.runs += sum(runs[:count])
        return int(self._true.sendmmsg(descriptor, messages, count, flags))


def filled(outbox: Outbox, to: Destination, *sizes: int) -> list[bytes]:
    """Add packets of these sizes; return them."""
    made = [bytes([number]) * size for number, size in enumerate(sizes)]
    for content in made:
        cell = outbox.spare()
        cell.view[: len(content)] = content
        outbox.add(to, cell, len(content))
    return made


@pytest.mark.parametrize(
    "given",
    [
        ((1200, 1200, 1200, 300), 1),
        ((1200, 1200, 1201, 1201), 2),
        ((80,), 0),
        ((300, 1200), 0),
        ((1480, 1480), 0),
        ((1000,) * 60, 2),
        (tuple(range(50, 150)), 0),
    ],
)
@pytest.mark.parametrize("refusal", [None, errno.EINVAL, errno.EMSGSIZE])
async def test_what_goes_out_in_one_turn_arrives_packet_by_packet_in_its_order(
    port: Port, far: socket.socket, monkeypatch: pytest.MonkeyPatch,
    given: tuple[tuple[int, ...], int], refusal: int | None,
) -> None:  # fmt: skip
    sizes, runs = given
    kernel = Kernel(cells._libc, refusal)
    monkeypatch.setattr(cells, "_libc", kernel)
    outbox = Outbox()
    sent = filled(outbox, Destination(port, far.getsockname()), *sizes)
    outbox.flush()
    assert [far.recv(2048) for _ in sizes] == sent
    assert kernel.runs == runs
    if refusal is None:
        assert kernel.calls == -(-len(sizes) // cells.BURST)
    # The next turn begins anew, without runs where there were none to be had.
    sent = filled(outbox, Destination(port, far.getsockname()), 700, 700)
    outbox.flush()
    assert [far.recv(2048) for _ in range(2)] == sent
    assert kernel.runs == runs + (1 if refusal is None or not runs else 0)


async def test_what_goes_to_another_address_or_by_another_port_is_another_run(
    port: Port, network: Network, far: socket.socket
) -> None:
    second, outbox = Port(network, Counter()), Outbox()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((network.address, 0))
        other.settimeout(5)
        filled(outbox, Destination(port, far.getsockname()), 500)
        filled(outbox, Destination(port, other.getsockname()), 501)
        filled(outbox, Destination(second, other.getsockname()), 502)
        outbox.flush()
        assert len(far.recv(2048)) == 500
        came = [other.recvfrom(2048) for _ in range(2)]
    assert [len(datagram) for datagram, _ in came] == [501, 502]
    assert [sender[1] for _, sender in came] == [port.number, second.number]
    second.close()


async def test_a_full_buffer_loses_a_run_and_nothing_else(
    port: Port, far: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells, "_libc", Kernel(cells._libc, errno.EAGAIN))
    outbox, to = Outbox(), Destination(port, far.getsockname())
    filled(outbox, to, 500, 500, 400)
    last = filled(outbox, to, 600)
    outbox.flush()
    assert port.dropped == {"unsent": 1}
    assert outbox._together
    assert far.recv(2048) == last[0]


@pytest.mark.parametrize("address", [("192.0.2.7", 5000), ("2001:db8::7", 40_000)])
def test_an_address_is_read_again_as_it_was_written(address: tuple[str, int]) -> None:
    assert address_of(name_of(address)) == address


async def test_more_than_is_read_at_once_comes_whole_and_then_the_port_sleeps(
    port: Port, far: socket.socket
) -> None:
    class Counting(Taker):
        def take_media(self, cell: Cell, _size: int) -> None:
            self.taken.append(str(cell.view[2] << 8 | cell.view[3]))
            if len(self.taken) % 200 == 0:
                all_came.set()

    all_came, counting = asyncio.Event(), Counting(far.getsockname())
    line = port.join("ours:theirs", counting)
    port._hold(name_of(far.getsockname()), line, 0.0)
    for _ in range(2):
        counting.taken.clear()
        all_came.clear()
        for number in range(200):
            datagram = b"\x80\x60" + number.to_bytes(2, "big") + bytes(20)
            far.sendto(datagram, (port.network.address, port.number))
        async with asyncio.timeout(60):
            await all_came.wait()
            while port._next is not None:  # noqa: ASYNC110 (the loop's own turns)
                await asyncio.sleep(0)
        assert counting.taken == [str(number) for number in range(200)]


async def test_what_breaks_in_the_taking_of_a_packet_does_not_end_the_reading(
    port: Port, far: socket.socket
) -> None:
    class Breaking(Taker):
        def take_media(self, _cell: Cell, _size: int) -> None:
            self.taken.append("media")
            if len(self.taken) == 1:
                raise ZeroDivisionError
            came.set()

    came, told = asyncio.Event(), list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda _, said: told.append(said["exception"]))
    port._hold(name_of(far.getsockname()), port.join("a:b", Breaking(far.getsockname())), 0.0)
    async with asyncio.timeout(60):
        while not came.is_set():
            far.sendto(b"\x80\x60" + bytes(20), (port.network.address, port.number))
            await asyncio.sleep(0)
    assert [type(one) for one in told] == [ZeroDivisionError]

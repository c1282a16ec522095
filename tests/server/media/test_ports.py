"""Ports as sockets: what is sent together arrives as it would have packet by packet."""

from __future__ import annotations

import errno
import socket
from collections import Counter
from collections.abc import Iterator

import pytest

from server.media.network import Network
from server.media.ports import Outbox, Port
from server.media.stack import INBOUND


class Nobody:
    """Takes nothing, and counts what was dropped."""

    def __init__(self) -> None:
        self.dropped: Counter[str] = Counter()

    def knows(self, _address: tuple[str, int]) -> bool:
        return False

    def take_media(self, _size: int) -> None:
        raise AssertionError

    def take_check(self, _datagram: bytes, _address: tuple[str, int]) -> None:
        raise AssertionError

    def take_handshake(self, _datagram: bytes) -> None:
        raise AssertionError

    def drop(self, why: str) -> None:
        self.dropped[why] += 1


@pytest.fixture
def far(network: Network) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind((network.address, 0))
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        one.settimeout(5)
        yield one


def packets(*sizes: int) -> list[memoryview]:
    return [memoryview(bytes([number]) * size) for number, size in enumerate(sizes)]


class Socket:
    """A port's socket that counts what is sent together, or refuses it."""

    def __init__(self, true: socket.socket, refusal: int | None) -> None:
        self._true, self._refusal, self.runs = true, refusal, 0

    def sendmsg(self, *given: object) -> int:
        self.runs += 1
        if self._refusal is not None:
            raise OSError(self._refusal, "refused")
        return self._true.sendmsg(*given)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> object:
        return getattr(self._true, name)


@pytest.mark.parametrize(
    ("sizes", "runs"),
    [
        ((1200, 1200, 1200, 300), 1),
        ((1200, 1200, 1201, 1201), 2),
        ((80,), 0),
        ((300, 1200), 0),
        ((1480, 1480), 0),
        ((1000,) * 100, 2),
        ((50,) * 100, 2),
    ],
)
@pytest.mark.parametrize("refusal", [None, errno.EINVAL, errno.EMSGSIZE])
async def test_a_run_arrives_packet_by_packet_in_its_order(
    network: Network, far: socket.socket, sizes: tuple[int, ...], runs: int, refusal: int | None
) -> None:
    port, outbox = Port(network, INBOUND, Nobody()), Outbox()
    port._socket = counting = Socket(port._socket, refusal)  # type: ignore[assignment]
    for packet in packets(*sizes):
        outbox.add(port, far.getsockname(), packet)
    outbox.flush()
    assert [far.recv(2048) for _ in sizes] == [bytes(one) for one in packets(*sizes)]
    assert counting.runs == (min(runs, 1) if refusal else runs)
    port.close()


async def test_what_goes_to_another_address_or_by_another_port_is_another_run(
    network: Network, far: socket.socket
) -> None:
    ports, outbox = [Port(network, INBOUND, Nobody()) for _ in range(2)], Outbox()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((network.address, 0))
        other.settimeout(5)
        for number, packet in enumerate(packets(500, 500, 500)):
            outbox.add(ports[number // 2], (far, other, other)[number].getsockname(), packet)
        outbox.flush()
        assert far.recv(2048)[:1] == b"\0"
        came = [other.recvfrom(2048) for _ in range(2)]
    assert [datagram[:1] for datagram, _ in came] == [b"\1", b"\2"]
    assert [sender[1] for _, sender in came] == [port.number for port in ports]
    for port in ports:
        port.close()


async def test_a_full_buffer_loses_a_run_and_nothing_else(
    network: Network, far: socket.socket
) -> None:
    nobody = Nobody()
    port, outbox = Port(network, INBOUND, nobody), Outbox()
    port._socket = Socket(port._socket, errno.EAGAIN)  # type: ignore[assignment]
    for packet in packets(500, 500, 400):
        outbox.add(port, far.getsockname(), packet)
    assert nobody.dropped == {"unsent": 1}
    assert port._together
    port.close()

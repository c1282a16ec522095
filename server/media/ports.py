"""One UDP port of ours: reads what arrives, sorts it by its first byte, and cuts floods short.

Read by ourselves and not through asyncio's datagram endpoints: a packet lands in the buffer in
which it is decrypted, without an object of its own.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
import time
from typing import Any, Final, Protocol

from server.media.network import Network

Address = tuple[str, int]

# First bytes (RFC 7983).
_CHECKS_END, _HANDSHAKES, _HANDSHAKES_END, _MEDIA, _MEDIA_END = 4, 20, 64, 128, 192
# So many datagrams are read before other ports have their turn.
BURST: Final = 32
# A packet smaller than this is a voice or the end of a picture: looking for one more behind it
# would cost as much as a packet, and the next turn of the loop does it for all ports at once.
_FULL: Final = 800
# A browser checks each pair of addresses 20 times a second until one is found, then every 5 s.
MOST_CHECKS: Final = 200
MOST_HANDSHAKES: Final = 200
# A browser has an address for each of its networks, and one for each TURN server and NAT.
MOST_ADDRESSES: Final = 64
RECEIVE_BUFFER: Final = 1 << 20
BUFFER_SIZE: Final = 2048


# From linux/udp.h; Python has no name for it.
_SEGMENT: Final = 103
_SHORT: Final = struct.Struct("=H")
_CANNOT: Final = frozenset(
    {errno.EINVAL, errno.EIO, errno.EMSGSIZE, errno.ENOPROTOOPT, errno.EOPNOTSUPP}
)
# The kernel takes a run of at most 64 packets and 65,507 bytes.
_MOST_PACKETS: Final = 60
_MOST_TOGETHER: Final = 60_000
# Ethernet's: what is longer cannot be one of several.
_LONGEST_TOGETHER: Final = 1_472


class PortsError(Exception):
    """No UDP port of the range is free."""


class Owner(Protocol):
    """Who takes what arrives at a port."""

    def knows(self, address: Address) -> bool:
        """Say whether an authenticated check has come from this address."""

    def take_media(self, size: int) -> None:
        """Take the packet of so many bytes that lies in the buffer."""

    def take_check(self, datagram: bytes, address: Address) -> None:
        """Take what looks like a STUN message."""

    def take_handshake(self, datagram: bytes) -> None:
        """Take what looks like a DTLS record."""

    def drop(self, why: str) -> None:
        """Count a datagram that goes nowhere."""


class Budget:
    """So many of something a second."""

    __slots__ = ("_ends", "_left", "_most")

    def __init__(self, most: int) -> None:
        """Allow `most` in each second."""
        self._most, self._left, self._ends = most, 0, 0.0

    def spend(self, now: float) -> bool:
        """Take one; say whether there was one left."""
        if now >= self._ends:
            self._left, self._ends = self._most, now + 1.0
        self._left -= 1
        return self._left >= 0


class Outbox:
    """What goes out in one turn: a run of packets of one size to one address is sent as one.

    The kernel cuts it into datagrams again (UDP_SEGMENT). Most pictures are such runs, and packet
    by packet the sending costs more than all that was done to them before (measured).
    """

    __slots__ = ("_address", "_buffer", "_end", "_port", "_size")

    def __init__(self) -> None:
        """Begin with nothing."""
        self._buffer = memoryview(bytearray(_MOST_TOGETHER + BUFFER_SIZE))
        self._port: Port | None = None
        self._address: Address = ("", 0)
        self._size = self._end = 0

    def add(self, port: Port, address: Address, packet: memoryview) -> None:
        """Send a packet by the end of this turn, after those that were added before."""
        size, start = len(packet), self._end
        if start and (size > self._size or port is not self._port or address != self._address):
            self.flush()
            start = 0
        if not start:
            self._port, self._address, self._size = port, address, size
        self._end = end = start + size
        self._buffer[start:end] = packet
        full = end > _MOST_TOGETHER or end >= _MOST_PACKETS * size
        # A shorter packet can only be the last of a run.
        if full or size < self._size or size > _LONGEST_TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Send what was added."""
        port, end, self._end = self._port, self._end, 0
        if not end or port is None:
            return
        if end == self._size:
            port.sendto(self._buffer[:end], self._address)
        else:
            port.send_run(self._buffer[:end], self._size, self._address)


# One thread does one thing at a time, so a process needs one.
OUTBOX: Final = Outbox()


class Port:
    """A bound port. Media and handshakes are taken only from where an authenticated check came."""

    def __init__(self, network: Network, buffer: memoryview, owner: Owner) -> None:
        """Bind a free port of the range; PortsError if there is none."""
        self._buffer, self._owner = buffer, owner
        self._socket = _bind(network.address, network.ports)
        self._receive, self._send = self._socket.recvfrom_into, self._socket.sendto
        self._together = True
        self._known: set[tuple[Any, ...]] = set()
        self._from_known, self._from_others = Budget(MOST_CHECKS), Budget(MOST_CHECKS)
        self._handshakes = Budget(MOST_HANDSHAKES)
        self.number = int(self._socket.getsockname()[1])
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    def _read(self) -> None:
        """Take what has arrived, and leave the rest to the next turn of the loop."""
        receive, buffer, known = self._receive, self._buffer, self._known
        take = self._owner.take_media
        try:
            for _ in range(BURST):
                size, address = receive(buffer)
                # Almost all is media, from where media came before.
                if size and _MEDIA <= buffer[0] < _MEDIA_END and address in known:
                    take(size)
                else:
                    self.sort(size, address)
                if size < _FULL:
                    break
        except BlockingIOError:
            pass
        except OSError:
            # A route that was lost is told here; the line's trouble, not ours.
            self._owner.drop("line")
        finally:
            OUTBOX.flush()

    def sort(self, size: int, address: tuple[Any, ...]) -> None:
        """Give the datagram in the buffer to whom it is for, or drop it and count why."""
        first = self._buffer[0] if size else _HANDSHAKES_END
        if _MEDIA <= first < _MEDIA_END:
            if address in self._known or self._learn(address):
                self._owner.take_media(size)
            else:
                self._owner.drop("foreign")
        elif first < _CHECKS_END:
            self._check(size, address)
        elif _HANDSHAKES <= first < _HANDSHAKES_END:
            self._shake(size, address)
        else:
            self._owner.drop("foreign")

    def _learn(self, address: tuple[Any, ...]) -> bool:
        """Say whether an address has proved by a check that it knows the password."""
        if not self._owner.knows(address[:2]):
            return False
        if len(self._known) < MOST_ADDRESSES:
            self._known.add(address)
        return True

    def _check(self, size: int, address: tuple[Any, ...]) -> None:
        # Strangers have a budget of their own: their flood must not keep a browser's checks out.
        known = address in self._known or self._learn(address)
        budget = self._from_known if known else self._from_others
        if not budget.spend(time.monotonic()):
            self._owner.drop("checks")
        else:
            self._owner.take_check(bytes(self._buffer[:size]), address[:2])

    def _shake(self, size: int, address: tuple[Any, ...]) -> None:
        if address not in self._known and not self._learn(address):
            self._owner.drop("foreign")
        elif not self._handshakes.spend(time.monotonic()):
            self._owner.drop("handshakes")
        else:
            self._owner.take_handshake(bytes(self._buffer[:size]))

    def sendto(self, datagram: bytes | memoryview, address: Address) -> None:
        """Send a datagram; what cannot be sent now is lost, as on any line."""
        try:
            self._send(datagram, address)
        except OSError:
            # A full buffer or a lost route: the line's loss, and its repair, not ours.
            self._owner.drop("unsent")

    def send_run(self, packets: memoryview, size: int, address: Address) -> None:
        """Send packets of `size` bytes each, the last one perhaps shorter, as one if we can."""
        if self._together:
            try:
                self._socket.sendmsg(
                    [packets], [(socket.IPPROTO_UDP, _SEGMENT, _SHORT.pack(size))], 0, address
                )
            except OSError as error:
                if error.errno not in _CANNOT:
                    self._owner.drop("unsent")
                    return
                # This route, or this system, does not cut them: from now on we do.
                self._together = False
            else:
                return
        for start in range(0, len(packets), size):
            self.sendto(packets[start : start + size], address)

    def close(self) -> None:
        """Free the port; nothing is taken from now on."""
        if self._socket.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()


def _bind(address: str, ports: range) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for port in ports:
        found = socket.socket(family, socket.SOCK_DGRAM)
        found.setblocking(False)  # noqa: FBT003 (the method has no keyword)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        try:
            found.bind((address, port))
        except OSError:
            found.close()
        else:
            return found
    raise PortsError(f"no free UDP port in {ports.start}-{ports.stop - 1} at {address}")

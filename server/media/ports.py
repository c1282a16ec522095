"""The worker's UDP port: reads what arrives, sorts it, and cuts floods short.

All legs share it. A browser's checks name its leg, and what else comes from an address that has
proved itself by a check is that leg's. Read by ourselves and not through asyncio's datagram
endpoints: many packets come with one call, each into the cell in which it is decrypted.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable
from typing import Final, Protocol

from server.media.cells import BURST, INBOX, OUTBOX, Address, Cell, address_of
from server.media.network import Network

# After a read so long is waited for more, for a packet that is read with others costs half of what
# it costs alone; a delay that nobody sees (measured: docs/adr/0010).
PAUSE: Final = 0.001
# The kernel gives what net.core.rmem_max and wmem_max allow. What comes while Python is busy with
# a handshake waits there: a second of it is 20 MB on a full worker.
BUFFER: Final = 16 << 20

# First bytes (RFC 7983).
_CHECKS_END, _HANDSHAKES, _HANDSHAKES_END, _MEDIA, _MEDIA_END = 4, 20, 64, 128, 192
_STUN_HEAD, _ATTRIBUTE = struct.Struct("!HHL12x"), struct.Struct("!HH")
_COOKIE: Final = 0x2112A442
_REQUEST, _CLASS, _USERNAME = 0, 0x0110, 6

# A browser checks each pair of addresses 20 times a second until one is found, then every 5 s.
MOST_CHECKS: Final = 200
MOST_HANDSHAKES: Final = 200
# A browser has an address for each of its networks, and one for each TURN server and NAT.
MOST_ADDRESSES: Final = 64
# Checks may come before the answer is out, and prove themselves later.
MOST_CLAIMS: Final = 1024
# An address that a leg holds can go to another one only when its browser, which checks every 5 s,
# has been silent for so long: else who may speak on one leg could take another's line by a check
# in its name.
HELD_SECONDS: Final = 15.0


class PortsError(Exception):
    """No UDP port of the range is free."""


class Owner(Protocol):
    """Who takes what arrives for a leg."""

    def knows(self, address: Address) -> bool:
        """Say whether an authenticated check has come from this address."""

    def take_media(self, cell: Cell, size: int) -> None:
        """Take the packet of so many bytes that lies in a cell."""

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


class Line:
    """One leg's part of the port: the addresses that are its own, and what may still come."""

    def __init__(self, port: Port, username: bytes, owner: Owner) -> None:
        """Belong to a leg; `username` is what its browser's checks bear."""
        self.port, self.username, self.owner = port, username, owner
        # When the last check came from each address.
        self.checked: dict[bytes, float] = {}
        # Strangers have a budget of their own: their flood must not keep a browser's checks out.
        self.from_known, self.from_others = Budget(MOST_CHECKS), Budget(MOST_CHECKS)
        self.handshakes = Budget(MOST_HANDSHAKES)

    def sendto(self, datagram: bytes, address: Address) -> None:
        """Send a datagram; what cannot be sent now is lost, as on any line."""
        self.port.sendto(datagram, address)

    def close(self) -> None:
        """Let nothing come to the leg any more."""
        self.port.leave(self)


class Port:
    """A bound port. Media and handshakes are taken only from where an authenticated check came."""

    def __init__(self, network: Network, dropped: Counter[str]) -> None:
        """Bind a free port of the range; PortsError if there is none.

        `dropped` counts what went to no leg, by reason.
        """
        self.network, self.dropped = network, dropped
        self._socket = _bind(network.address, network.ports)
        self.descriptor = self._socket.fileno()
        self.number = int(self._socket.getsockname()[1])
        self._names = INBOX.names_v6 if self._socket.family == socket.AF_INET6 else INBOX.names_v4
        self._lines: dict[bytes, Line] = {}
        self._held: dict[bytes, Line] = {}
        self._takers: dict[bytes, Callable[[Cell, int], None]] = {}
        self._claims: dict[bytes, Line] = {}
        self._loop = asyncio.get_running_loop()
        self._next: asyncio.Handle | None = None
        self._loop.add_reader(self._socket, self._wake)

    @property
    def buffer(self) -> int:
        """How many bytes the kernel keeps for us while we are busy."""
        return self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)

    # Who is here

    def join(self, username: str, owner: Owner) -> Line:
        """Bring a leg whose browser's checks bear this name: `ours:theirs` (RFC 8445, 7.2.2)."""
        line = self._lines[username.encode()] = Line(self, username.encode(), owner)
        return line

    def leave(self, line: Line) -> None:
        """Let a leg go."""
        if self._lines.get(line.username) is line:
            del self._lines[line.username]
        for name in [name for name, one in self._held.items() if one is line]:
            del self._held[name], self._takers[name]
        self._claims = {name: one for name, one in self._claims.items() if one is not line}

    def _hold(self, name: bytes, line: Line, now: float) -> None:
        """Have what comes from an address go to a leg, unless another one has it."""
        before = self._held.get(name)
        if before is not line:
            if before is not None and now - before.checked[name] < HELD_SECONDS:
                return
            if len(line.checked) >= MOST_ADDRESSES:
                return
            if before is not None:
                del before.checked[name]
        line.checked[name] = now
        self._held[name], self._takers[name] = line, line.owner.take_media

    def _find(self, name: bytes) -> Line | None:
        """Return whose an address is that has proved by a check that it knows the password."""
        line = self._held.get(name)
        if line is None:
            line = self._claims.get(name)
            if line is None or not line.owner.knows(address_of(name)):
                return None
            self._hold(name, line, time.monotonic())
        return line

    # What arrives

    def _wake(self) -> None:
        """Read now and then every PAUSE, until nothing has come."""
        self._loop.remove_reader(self._socket)
        self._read_on()

    def _read_on(self) -> None:
        count = BURST
        try:
            count = self._read()
        finally:
            if self.descriptor < 0:
                pass
            elif count == BURST:
                self._next = self._loop.call_soon(self._read_on)
            elif count:
                self._next = self._loop.call_later(PAUSE, self._read_on)
            else:
                self._next = None
                self._loop.add_reader(self._socket, self._wake)

    def _read(self) -> int:
        """Take what has arrived; return how many datagrams. What is sent on goes out together."""
        takers, cells, sizes, names = self._takers, INBOX.cells, INBOX.sizes, self._names
        count = 0
        try:
            count = INBOX.read(self.descriptor)
            for index in range(count):
                cell, size, name = cells[index], sizes[index], bytes(names[index])
                take = takers.get(name)
                # Almost all is media, from where media came before.
                if take is not None and size and _MEDIA <= cell.view[0] < _MEDIA_END:
                    take(cell, size)
                else:
                    self.sort(cell, size, name)
        except OSError:
            # A route that was lost is told here; the line's trouble, not ours.
            self.drop("line")
        finally:
            OUTBOX.flush()
        return count

    def sort(self, cell: Cell, size: int, name: bytes) -> None:
        """Give the datagram in a cell to whom it is for, or drop it and count why."""
        first = cell.view[0] if size else _HANDSHAKES_END
        if first < _CHECKS_END:
            self._check(bytes(cell.view[:size]), name)
            return
        line = self._find(name)
        if line is not None and _MEDIA <= first < _MEDIA_END:
            line.owner.take_media(cell, size)
        elif line is not None and _HANDSHAKES <= first < _HANDSHAKES_END:
            if line.handshakes.spend(time.monotonic()):
                line.owner.take_handshake(bytes(cell.view[:size]))
            else:
                line.owner.drop("handshakes")
        else:
            self.drop("foreign")

    def _check(self, datagram: bytes, name: bytes) -> None:
        username = username_of(datagram)
        if username is None:
            self.drop("stun")
            return
        # An answer to one of our checks names nobody.
        line = self._lines.get(username) if username else self._find(name)
        if line is None:
            self.drop("unproved")
            return
        now, address = time.monotonic(), address_of(name)
        known = self._held.get(name) is line
        if not (line.from_known if known else line.from_others).spend(now):
            line.owner.drop("checks")
            return
        line.owner.take_check(datagram, address)
        if not username:
            return
        if line.owner.knows(address):
            self._hold(name, line, now)
        else:
            self._claims[name] = line
            if len(self._claims) > MOST_CLAIMS:
                del self._claims[next(iter(self._claims))]

    # What we send

    def drop(self, why: str) -> None:
        """Count a datagram that goes nowhere."""
        self.dropped[why] += 1

    def sendto(self, datagram: bytes, address: Address) -> None:
        """Send a datagram; what cannot be sent now is lost, as on any line."""
        try:
            self._socket.sendto(datagram, address)
        except OSError:
            # A full buffer or a lost route: the line's loss, and its repair, not ours.
            self.drop("unsent")

    def close(self) -> None:
        """Free the port; nothing is taken from now on."""
        if self.descriptor < 0:
            return
        self.descriptor = -1
        if self._next is not None:
            self._next.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()


def username_of(datagram: bytes) -> bytes | None:
    """Return whom a check is for, as it says; empty where it says nothing, None if it is no STUN.

    Read before aioice reads it, so that what is for none of our legs costs little.
    """
    if len(datagram) < _STUN_HEAD.size:
        return None
    kind, length, cookie = _STUN_HEAD.unpack_from(datagram)
    if cookie != _COOKIE or length + _STUN_HEAD.size != len(datagram):
        return None
    if kind & _CLASS != _REQUEST:
        return b""
    at = _STUN_HEAD.size
    while at + _ATTRIBUTE.size <= len(datagram):
        kind, length = _ATTRIBUTE.unpack_from(datagram, at)
        at += _ATTRIBUTE.size
        if kind == _USERNAME:
            return datagram[at : at + length] or b":"
        at += (length + 3) & ~3
    return b":"


def _bind(address: str, ports: range) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for port in ports:
        found = socket.socket(family, socket.SOCK_DGRAM)
        found.setblocking(False)  # noqa: FBT003 (the method has no keyword)
        for of in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            found.setsockopt(socket.SOL_SOCKET, of, BUFFER)
        try:
            found.bind((address, port))
        except OSError:
            found.close()
        else:
            return found
    raise PortsError(f"no free UDP port in {ports.start}-{ports.stop - 1} at {address}")

"""Memory for packets on their way, and the system calls that read and send many of them at once.

A packet stays where the kernel put it: it is decrypted, renamed and encrypted in its cell and sent
from there. Packet by packet, a relay spends most of its time on calls and copies (measured:
docs/adr/0010).
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from typing import Any, Final, Protocol

import cffi

Address = tuple[str, int]

CELL_SIZE: Final = 2048
# So many datagrams are read before other ports have their turn.
BURST: Final = 64
# From linux/udp.h; Python has no name for it.
_SEGMENT: Final = 103
# The kernel takes a run of at most 64 packets and 65,507 bytes.
_RUN: Final = 32
# Ethernet's: what is longer cannot be one of several.
_LONGEST_TOGETHER: Final = 1_472
_CANNOT: Final = frozenset(
    {errno.EINVAL, errno.EIO, errno.EMSGSIZE, errno.ENOPROTOOPT, errno.EOPNOTSUPP}
)
# An IPv6 address needs 28 bytes.
_NAME_SIZE: Final = 32
_LARGEST_NAME: Final = 28
_V4, _V6 = struct.Struct("=H2s4s"), struct.Struct("=H2s4x16s")
_CONTROL = struct.Struct("=QiiH6x")

# What cffi makes has no type.
Foreign = Any

ffi: Foreign = cffi.FFI()
ffi.cdef("""
struct iovec { void *iov_base; size_t iov_len; };
struct msghdr {
    void *msg_name; uint32_t msg_namelen; struct iovec *msg_iov; size_t msg_iovlen;
    void *msg_control; size_t msg_controllen; int msg_flags;
};
struct mmsghdr { struct msghdr msg_hdr; unsigned int msg_len; };
int recvmmsg(int, struct mmsghdr *, unsigned int, int, void *);
int sendmmsg(int, struct mmsghdr *, unsigned int, int);
""")
_libc: Foreign = ffi.dlopen(None)


class Cell:
    """Room for one packet, as Python and as C see it."""

    __slots__ = ("pointer", "view")

    def __init__(self, pointer: Foreign) -> None:
        """Lie where `pointer` says, which must live as long."""
        self.pointer = pointer
        self.view = memoryview(ffi.buffer(pointer, CELL_SIZE)).cast("B")


def _cells(count: int) -> tuple[Foreign, list[Cell]]:
    memory = ffi.new("char[]", CELL_SIZE * count)
    return memory, [Cell(memory + CELL_SIZE * index) for index in range(count)]


def name_of(address: Address) -> bytes:
    """Return an address as the kernel writes it, as far as it tells one from another."""
    host, port = address
    number = port.to_bytes(2, "big")
    if ":" in host:
        return _V6.pack(socket.AF_INET6, number, socket.inet_pton(socket.AF_INET6, host))
    return _V4.pack(socket.AF_INET, number, socket.inet_pton(socket.AF_INET, host))


def address_of(name: bytes) -> Address:
    """Return the address that such bytes mean."""
    layout = _V4 if len(name) == _V4.size else _V6
    family, number, host = layout.unpack(name)
    return socket.inet_ntop(family, host), int.from_bytes(number, "big")


class Inbox:
    """Reads up to BURST datagrams into cells with one call."""

    def __init__(self) -> None:
        """Lay out what the kernel fills in."""
        self._memory, self.cells = _cells(BURST)
        self._names = ffi.new("char[]", _NAME_SIZE * BURST)
        self._parts = ffi.new("struct iovec[]", BURST)
        self._messages = ffi.new("struct mmsghdr[]", BURST)
        for index, cell in enumerate(self.cells):
            self._parts[index].iov_base = cell.pointer
            self._parts[index].iov_len = CELL_SIZE
            head = self._messages[index].msg_hdr
            head.msg_name = self._names + _NAME_SIZE * index
            head.msg_namelen = _LARGEST_NAME
            head.msg_iov, head.msg_iovlen = self._parts + index, 1
        width = ffi.sizeof("struct mmsghdr") // ffi.sizeof("int")
        first = ffi.offsetof("struct mmsghdr", "msg_len") // ffi.sizeof("int")
        # Every message's length, and every sender's name.
        self.sizes = memoryview(ffi.buffer(self._messages)).cast("I")[first::width]
        names = memoryview(ffi.buffer(self._names)).cast("B")
        starts = range(0, _NAME_SIZE * BURST, _NAME_SIZE)
        self.names_v4 = [names[at : at + _V4.size] for at in starts]
        self.names_v6 = [names[at : at + _V6.size] for at in starts]

    def read(self, descriptor: int) -> int:
        """Return how many datagrams came, none if there were none; OSError if the line failed."""
        count: int = _libc.recvmmsg(descriptor, self._messages, BURST, 0, ffi.NULL)
        if count >= 0:
            return count
        if ffi.errno in {errno.EAGAIN, errno.EINTR}:
            return 0
        raise OSError(ffi.errno, os.strerror(ffi.errno))


class Socket(Protocol):
    """What can be sent by."""

    descriptor: int

    def drop(self, why: str) -> None:
        """Count a datagram that goes nowhere."""


class Destination:
    """Where packets go: by which socket, to which address."""

    __slots__ = ("name", "socket")

    def __init__(self, by: Socket, address: Address) -> None:
        """Keep the address as the kernel reads it."""
        self.socket = by
        self.name = ffi.new("char[]", name_of(address).ljust(_LARGEST_NAME, b"\0"))


class Outbox:
    """What goes out in one turn, with one call, and runs of packets of one size as one.

    The kernel cuts a run into datagrams again (UDP_SEGMENT). Most pictures are such runs.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._memory, self._spare = _cells(BURST)
        self._parts = ffi.new("struct iovec[]", _RUN * BURST)
        self._part = [
            [self._parts[_RUN * message + index] for index in range(_RUN)]
            for message in range(BURST)
        ]
        self._messages = ffi.new("struct mmsghdr[]", BURST)
        self._heads = [self._messages[index].msg_hdr for index in range(BURST)]
        control = _CONTROL.size
        self._controls = ffi.new("char[]", control * BURST)
        self._control = memoryview(ffi.buffer(self._controls)).cast("B")
        for index, head in enumerate(self._heads):
            head.msg_namelen = _LARGEST_NAME
            head.msg_iov, head.msg_iovlen = self._parts + _RUN * index, 1
            head.msg_control = self._controls + control * index
        self._together = True
        self._copies = 0
        self._count = 0
        # Of the last message: where it goes, of what size its packets are, and how many.
        self._destination: Destination | None = None
        self._size = self._run = 0
        # Where each message goes: what C points to must live until it is sent.
        self._kept: list[Destination] = []
        # By which socket the messages go, from which one on.
        self._turns: list[tuple[Socket, int]] = []

    def spare(self) -> Cell:
        """Return a cell for a copy; all others are sent by then if there was none left."""
        if self._copies == BURST:
            self.flush()
        cell = self._spare[self._copies]
        self._copies += 1
        return cell

    def add(self, to: Destination, cell: Cell, size: int) -> None:
        """Send the packet in a cell, which must stay as it is until `flush`."""
        run = self._run
        if to is self._destination and size <= self._size and run < _RUN:
            part = self._part[self._count - 1][run]
            part.iov_base, part.iov_len = cell.pointer, size
            self._run = run + 1
            if size < self._size:
                # A shorter packet can only be the last of a run.
                self._destination = None
            return
        if run > 1:
            self._end_run()
        count = self._count
        if count == BURST:
            self.flush()
            count = 0
        if not self._turns or self._turns[-1][0] is not to.socket:
            self._turns.append((to.socket, count))
        self._kept.append(to)
        self._heads[count].msg_name = to.name
        part = self._part[count][0]
        part.iov_base, part.iov_len = cell.pointer, size
        self._count, self._run, self._size = count + 1, 1, size
        self._destination = to if self._together and size <= _LONGEST_TOGETHER else None

    def _end_run(self) -> None:
        """Have the kernel cut the last message into its packets."""
        last = self._count - 1
        head, first = self._heads[last], self._part[last][0]
        head.msg_iovlen, head.msg_controllen = self._run, _CONTROL.size
        _CONTROL.pack_into(
            self._control, _CONTROL.size * last,
            _CONTROL.size - 6, socket.IPPROTO_UDP, _SEGMENT, first.iov_len,
        )  # fmt: skip
        self._run = 0

    def flush(self) -> None:
        """Send what was added."""
        if self._run > 1:
            self._end_run()
        ends = [start for _, start in self._turns[1:]] + [self._count]
        turns, self._turns = self._turns, []
        for (by, start), end in zip(turns, ends, strict=False):
            self._send(by, start, end)
        self._kept.clear()
        self._destination = None
        self._count = self._run = self._copies = 0

    def _send(self, by: Socket, start: int, end: int) -> None:
        at = start
        while at < end:
            sent = _libc.sendmmsg(by.descriptor, self._messages + at, end - at, 0)
            if sent < 0:
                self._give_up(by, at, ffi.errno)
                sent = 1
            at += sent
        for head in self._heads[start:end]:
            head.msg_iovlen, head.msg_controllen = 1, 0

    def _give_up(self, by: Socket, at: int, why: int) -> None:
        """Send a run packet by packet where it cannot go as one; else it is lost."""
        head = self._heads[at]
        if head.msg_iovlen == 1 or why not in _CANNOT:
            # A full buffer or a lost route: the line's loss, and its repair, not ours.
            by.drop("unsent")
            return
        # This route, or this system, does not cut them: from now on we do.
        self._together = False
        parts = [(part.iov_base, part.iov_len) for part in self._part[at][: head.msg_iovlen]]
        head.msg_iovlen, head.msg_controllen = 1, 0
        first = self._part[at][0]
        for base, size in parts:
            first.iov_base, first.iov_len = base, size
            if _libc.sendmmsg(by.descriptor, self._messages + at, 1, 0) < 0:
                by.drop("unsent")


# One thread does one thing at a time, so a process needs one of each.
INBOX: Final = Inbox()
OUTBOX: Final = Outbox()

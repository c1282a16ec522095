"""Where connections are listened for, and which address of ours browsers can reach."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass

import ifaddr

# TEST-NET-1 (RFC 5737): asking for a route there sends nothing.
_NOWHERE = ("192.0.2.1", 9)


@dataclass(frozen=True, slots=True)
class Network:
    """Where to listen for connections, and the address that browsers are told behind a NAT."""

    address: str
    ports: range
    announced: str = ""


def own_address() -> str:
    """Return the machine's own IPv4 address, the one its default route leaves by.

    Without a route, the first that is not loopback: aioice and browsers leave loopback out.
    OSError if there is none.
    """
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(_NOWHERE)
        found = str(probe.getsockname()[0])
        if not found.startswith("127."):
            return found
    for adapter in ifaddr.get_adapters():
        for one in adapter.ips:
            if isinstance(one.ip, str) and not one.ip.startswith("127."):
                return one.ip
    raise OSError("this machine has no IPv4 address but loopback")


def first_words(error: BaseException) -> str:
    """Return what kept the handshake from succeeding, as whatever noticed it first says it."""
    first = error
    while (before := first.__cause__ or first.__context__) is not None:
        first = before
    return str(first) or type(first).__name__

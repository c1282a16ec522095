"""coturn between two ends: one of them is reached by its allocation only."""

from __future__ import annotations

import asyncio
import secrets
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCIceServer,
    RTCIceTransportPolicy,
    RTCPeerConnection,
)

from bench.media.ends import Connect, End
from server.media.network import own_address

USER = "bench"


@asynccontextmanager
async def running_coturn(folder: Path) -> AsyncIterator[tuple[Connect, int]]:
    """Start coturn; yield what connects two ends through it, and its process id."""
    address, password = own_address(), secrets.token_hex(16)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        port = probe.getsockname()[1]
    (folder / "turnserver.conf").write_text(
        f"listening-ip={address}\nrelay-ip={address}\nlistening-port={port}\n"
        f"lt-cred-mech\nuser={USER}:{password}\nrealm=bench\n"
        "no-cli\nno-tls\nno-dtls\nno-multicast-peers\nfingerprint\n"
    )
    process = subprocess.Popen(
        ["turnserver", "-c", str(folder / "turnserver.conf"), "--userdb", str(folder / "users"),
         "--pidfile", str(folder / "pid"), "--log-file", str(folder / "log")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    server = RTCIceServer(f"turn:{address}:{port}?transport=udp", USER, password)
    configuration = RTCConfiguration(
        iceServers=[server],
        bundlePolicy=RTCBundlePolicy.MAX_BUNDLE,
        iceTransportPolicy=RTCIceTransportPolicy.RELAY,
    )

    async def connect(one: End, other: End) -> None:
        await one.connection.close()
        one.connection = RTCPeerConnection(configuration)
        await one.accept(await other.answer(await one.offer()))
        await asyncio.gather(one.connected(), other.connected())

    try:
        # It says nowhere that it listens; an allocation is asked for again if it does not yet.
        await asyncio.sleep(1)
        yield connect, process.pid
    finally:
        process.terminate()
        process.wait()

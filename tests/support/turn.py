"""Debian's coturn with the configuration that docs/operations.md gives, and a client of it."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aioice.stun import TransactionFailed
from aioice.turn import TurnTransport, create_turn_endpoint

from server.demo import make_tls
from server.relays.messages import IceServer
from tests.support.service import free_port

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
BLOCK = re.compile(r"^```turnserver\n(.*?)^```", re.MULTILINE | re.DOTALL)
STALE_NONCE = 438
LEFT_OUT = ("allowed-peer-ip=198.51.100.21",)


@dataclass(frozen=True)
class Coturn:
    """A TURN server that runs, and where."""

    address: str
    port: int
    secret: str
    tls_port: int
    certificate: Path
    key: Path

    @property
    def urls(self) -> list[str]:
        """As the documented setting names them: by UDP, by TCP, by TLS."""
        plain = [f"turn:{self.address}:{self.port}?transport={how}" for how in ("udp", "tcp")]
        return [*plain, f"turns:{self.address}:{self.tls_port}?transport=tcp"]

    @property
    def listeners(self) -> list[str]:
        """What it says when it listens there."""
        tcp = "TLS/TCP listener opened on : {}:{}"
        return [
            f"UDP listener opened on: {self.address}:{self.port}",
            tcp.format(self.address, self.port),
            tcp.format(self.address, self.tls_port),
        ]


def configuration(coturn: Coturn) -> str:
    """The documented file, with this machine's addresses and a certificate of its own."""
    [block] = BLOCK.findall(OPERATIONS.read_text(encoding="utf-8"))
    kept = [line for line in block.splitlines() if not line.startswith(LEFT_OUT)]
    text = "\n".join(kept).replace("198.51.100.7", coturn.address)
    for documented, ours in (
        ("listening-port=3478", f"listening-port={coturn.port}"),
        ("tls-listening-port=443", f"tls-listening-port={coturn.tls_port}"),
        ("/etc/kuayu/turn-cert.pem", str(coturn.certificate)),
        ("/etc/kuayu/turn-key.pem", str(coturn.key)),
        ("BASE64-OF-32-RANDOM-BYTES", coturn.secret),
    ):
        assert documented in text, documented
        text = text.replace(documented, ours)
    return text + "\n"


@asynccontextmanager
async def coturn_running(folder: Path, address: str, secret: str) -> AsyncIterator[Coturn]:
    """Run coturn as whoever runs the tests; stopped at the end."""
    coturn = Coturn(address, free_port(), secret, free_port(), *make_tls(folder, address))
    path = folder / "turnserver.conf"
    path.write_text(configuration(coturn))
    running = await asyncio.create_subprocess_exec(
        "turnserver", "-c", str(path), "--userdb", str(folder / "users"),
        "--pidfile", str(folder / "pid"), "--log-file", "stdout", "--verbose",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    assert running.stdout is not None
    said: list[str] = []
    reading = None
    try:
        async with asyncio.timeout(60):
            while not all(any(one in line for line in said) for one in coturn.listeners):
                line = await running.stdout.readline()
                assert line, said
                said.append(line.decode(errors="replace"))
        reading = asyncio.ensure_future(running.stdout.read())  # Or it would wait for us.
        yield coturn
    finally:
        if running.returncode is None:
            running.terminate()
        await running.wait()
        if reading is not None:
            await reading


class Echoes(asyncio.DatagramProtocol):
    """Keeps what comes in, and why something did not go out."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self.refused: asyncio.Queue[Exception] = asyncio.Queue()
        self.lost = asyncio.Event()

    def datagram_received(self, data: bytes, _addr: object) -> None:
        self.heard.put_nowait(data)

    def error_received(self, exc: Exception) -> None:
        self.refused.put_nowait(exc)

    def connection_lost(self, _exc: Exception | None) -> None:
        self.lost.set()


@asynccontextmanager
async def relayed(
    coturn: Coturn, server: IceServer, transport: str
) -> AsyncIterator[tuple[TurnTransport, Echoes]]:
    """An allocation under a user that the service made; raises what coturn refuses."""
    allocated, heard = await _allocate_anew(coturn, server, transport)
    try:
        yield allocated, heard
    finally:
        allocated.close()
        await heard.lost.wait()


async def _allocate_anew(
    coturn: Coturn, server: IceServer, transport: str
) -> tuple[TurnTransport, Echoes]:
    while True:
        try:
            return await _allocate(coturn, server, transport)
        except TransactionFailed as refused:
            # Of a question that was sent twice the later answer's nonce counts; aioice keeps the
            # first. A slow machine sends more than one question twice.
            if refused.response.error_code != STALE_NONCE:
                raise


async def _allocate(
    coturn: Coturn, server: IceServer, transport: str
) -> tuple[TurnTransport, Echoes]:
    tls = ssl.create_default_context(cafile=coturn.certificate) if transport == "tls" else False
    allocated: tuple[TurnTransport, Echoes] = await create_turn_endpoint(
        Echoes,
        server_addr=(coturn.address, coturn.tls_port if tls else coturn.port),
        username=server.username,
        password=server.credential,
        ssl=tls,
        transport="tcp" if tls else transport,
    )
    return allocated

"""The demonstration: its secret, its accounts, its certificate for other machines."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import os
import secrets
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from server.access import Role
from server.app import House, StartError
from server.certificates.remote import RemoteSigner
from server.media.process import Orders
from server.offspring import children
from server.settings import SECRET_BYTES, Settings, SignerSettings, read_signer_settings
from server.signing.process import serve_as_child
from server.staff.service import NewClerk
from server.workers import media_workers

PASSWORD = "kuayu-demo-2026"  # noqa: S105 (the demonstration's accounts are refused in production)
ANYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 (what is asked for, not what is bound)
WORKER_STARTS = 15.0
SIGNER_STARTS = 60.0
LOOK_EVERY = 0.1
TLS_LIVES = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class DemoClerk:
    """One account of the demonstration, and what it is there to show."""

    clerk: NewClerk
    shows: str


def _clerk(
    name: str, display_name: str, roles: tuple[Role, ...], place: tuple[str, str, str], shows: str,
    *, items: tuple[str, ...] = (),
) -> DemoClerk:  # fmt: skip
    region, hall, counter = place
    return DemoClerk(
        NewClerk(
            name=name, display_name=display_name, roles=roles, region=region, hall=hall,
            counter=counter, items=items, demo=True,
        ),
        shows,
    )  # fmt: skip


_PINGWANG, _HUOQIU, _DEQING = ("320509", "pingwang"), ("341522", "huoqiu"), ("330521", "deqing")
CLERKS: tuple[DemoClerk, ...] = (
    _clerk("wujiang-counter", "沈窗口", (Role.COUNTER,), (*_PINGWANG, "pingwang-1"),
           "吴江 窗口人员"),
    _clerk("wujiang-agent", "顾坐席", (Role.AGENT,), (*_PINGWANG, ""), "吴江 属地人员"),
    _clerk("wujiang-supervisor", "陆值班", (Role.SUPERVISOR,), (*_PINGWANG, ""), "吴江 值班长"),
    _clerk("huoqiu-counter", "汪窗口", (Role.COUNTER,), (*_HUOQIU, "huoqiu-1"), "霍邱 窗口人员"),
    _clerk("huoqiu-agent", "程坐席", (Role.AGENT,), (*_HUOQIU, ""), "霍邱 属地人员"),
    _clerk("huoqiu-police", "许户政", (Role.AGENT,), (*_HUOQIU, ""),
           "霍邱 公安户籍，只办户籍证明，可受邀会商", items=("school-household-proof",)),
    _clerk("huoqiu-supervisor", "方值班", (Role.SUPERVISOR,), (*_HUOQIU, ""), "霍邱 值班长"),
    _clerk("deqing-clerk", "钱旁人", (Role.COUNTER, Role.AGENT), (*_DEQING, "deqing-1"),
           "德清 第三地人员，看不到前两地的办件"),
    _clerk("admin", "系统管理员", (Role.ADMINISTRATOR,), ("", "", ""), "管理员，看不到办件内容"),
    # Of their own, at counters of their own: a rehearsal never takes a seat from who tries it out.
    _clerk("rehearsal-counter", "演练窗口", (Role.COUNTER,), (*_PINGWANG, "pingwang-2"), "演练"),
    _clerk("rehearsal-agent", "演练坐席", (Role.AGENT,), (*_HUOQIU, ""), "演练"),
)  # fmt: skip


def make_secret(data: Path) -> None:
    """Make the demonstration's secret once; it stays with the data that it encrypts."""
    path = data / "keys" / "secret"
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    text = base64.b64encode(secrets.token_bytes(SECRET_BYTES)) + b"\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)


async def make_clerks(house: House) -> None:
    """Add the accounts that are not there yet."""
    known = {clerk.name for clerk in await house.staff.clerks()}
    for one in CLERKS:
        if one.clerk.name not in known:
            await house.staff.add_clerk(one.clerk, PASSWORD)


async def has_worker(house: House) -> bool:
    """Say whether there is a media worker, so that the next call is relayed."""
    async with house.database.reading() as session:
        return await house.relays.count(session, house.units.clock()) > 0


@asynccontextmanager
async def signer(settings: Settings) -> AsyncIterator[None]:
    """Have a signer while the block runs, which begins when it answers; a killed one is replaced.

    StartError if it does not start.
    """
    own = read_signer_settings(os.environ, data=settings.data, demo=True)
    remote = RemoteSigner(settings.signer_socket, demo=True)
    keeping = asyncio.create_task(_keep_signing(settings, own))
    try:
        async with asyncio.timeout(SIGNER_STARTS):
            while not keeping.done() and not await remote.answers():  # noqa: ASYNC110 (it is another process)
                await asyncio.sleep(LOOK_EVERY)
        if keeping.done():
            await keeping
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def _keep_signing(settings: Settings, own: SignerSettings) -> None:
    while True:
        async with children(serve_as_child, [(settings, own)]) as [child]:
            ended = asyncio.Event()
            asyncio.get_running_loop().add_reader(child.sentinel, ended.set)
            try:
                await ended.wait()
            finally:
                asyncio.get_running_loop().remove_reader(child.sentinel)
            child.join()
            if child.exitcode == 1:
                raise StartError("the signer does not start; its last words are above")


@asynccontextmanager
async def media_worker(house: House, url: str) -> AsyncIterator[None]:
    """Have one media worker while the block runs, which begins when it is there.

    Where there is none, because this machine has no network say, calls are direct.
    """
    settings = house.settings
    orders = Orders(
        url=url,
        secret=base64.b64encode(settings.media_secret or b"").decode(),
        name="demo",
        ca=settings.tls_cert,
        quiet=True,
    )
    async with media_workers([orders]) as [child]:
        with suppress(TimeoutError):
            async with asyncio.timeout(WORKER_STARTS):
                while child.is_alive() and not await has_worker(house):  # noqa: ASYNC110 (it is another process)
                    await asyncio.sleep(LOOK_EVERY)
        yield


def own_address() -> str:
    """Return the address under which other machines reach this one; loopback if there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: connecting a datagram socket only asks for the way out.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        address: str = probe.getsockname()[0]
        return address


def make_tls(data: Path, address: str) -> tuple[Path, Path]:
    """Make a self-signed certificate for this machine, for browsers give cameras only to https."""
    folder = data / "keys"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    cert_path, key_path = folder / f"tls-{address}.pem", folder / f"tls-{address}.key"
    now = datetime.now(UTC)
    if key_path.exists() and _still_counts(cert_path, now):
        return cert_path, key_path
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Kuayu 演示")])
    names = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address(address)),
    ]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + TLS_LIVES)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    descriptor = os.open(key_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(private)
    cert_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return cert_path, key_path


def _still_counts(cert_path: Path, now: datetime) -> bool:
    """Say whether there is a certificate that will not run out within a day."""
    if not cert_path.exists():
        return False
    kept = x509.load_pem_x509_certificate(cert_path.read_bytes())
    return kept.not_valid_after_utc - now > timedelta(days=1)


def trusting(cert: Path | None) -> ssl.SSLContext | None:
    """Return a client's TLS context that trusts our own self-signed certificate."""
    return None if cert is None else ssl.create_default_context(cafile=str(cert))

"""The whole demonstration, service and signer, in this process, on a free port of loopback."""

from __future__ import annotations

import contextlib
import random
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from counter_client.cast import Account, Accounts
from counter_client.client import Client
from server import demo
from server.app import House, build_house
from server.db.schema import upgrade
from server.running import running
from server.settings import Settings, read_settings, read_signer_settings
from server.signing.process import signing

REGIONS = Path(__file__).parents[2] / "regions.toml"
SERVED = range(15_000, 30_000)
MEDIA_SECRET = "bWVkaWEgc2VjcmV0IG1lZGlhIHNlY3JldCBtZWRpYSE="
ACCOUNTS = Accounts(
    counter=Account("wujiang-counter", demo.PASSWORD), agent=Account("huoqiu-agent", demo.PASSWORD)
)


@dataclass(frozen=True)
class Service:
    """A running service: where it is, and its parts."""

    url: str
    house: House
    settings: Settings

    @asynccontextmanager
    async def signed_in(self, name: str) -> AsyncIterator[Client]:
        """Give a client signed in as one of the demonstration's accounts."""
        async with Client(self.url) as client:
            await client.sign_in(name, demo.PASSWORD)
            yield client


def free_port() -> int:
    """Return a port of loopback that nobody listens on.

    None of those that the system gives to whoever connects: between a server's end and its next
    start one of them might be taken.
    """
    while True:
        port = random.choice(SERVED)
        with contextlib.closing(socket.socket()) as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def demo_settings(data: Path, port: int, **more: str) -> Settings:
    """Return the settings of a demonstration in `data`; `more` by their variables' names."""
    demo.make_secret(data)
    return read_settings(
        {
            "KUAYU_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "KUAYU_REGIONS": str(REGIONS),
            "KUAYU_MEDIA_SECRET": MEDIA_SECRET,
            **more,
        },
        data=data,
        port=port,
        demo=True,
    )


async def set_up(settings: Settings) -> None:
    """Make the schema and the accounts, as the first start of a demonstration does."""
    house = build_house(settings)
    try:
        await upgrade(house.database.writer)
        await demo.make_clerks(house)
    finally:
        await house.close()


@cache
def _template() -> TemporaryDirectory[str]:
    """Where this process keeps the folder that new ones are copied from."""
    return TemporaryDirectory(prefix="kuayu-")


def _is_empty(folder: Path) -> bool:
    return not any(folder.iterdir())


async def begin(data: Path) -> None:
    """Have in `data` what the first start of a demonstration makes: tables, accounts and keys.

    It is made once and copied, for it takes a second of computing.
    """
    template = Path(_template().name)
    if _is_empty(template):
        settings = demo_settings(template, free_port())
        await set_up(settings)
        async with signed_for(settings):
            pass  # The first start makes the keys.
    shutil.copytree(template, data, dirs_exist_ok=True)


@asynccontextmanager
async def signed_for(settings: Settings) -> AsyncIterator[None]:
    """Have the demonstration's signer in this process too, on its own socket."""
    own = read_signer_settings({}, data=settings.data, demo=True)
    async with signing(settings, own):
        yield


@asynccontextmanager
async def demonstration(data: Path, **more: str) -> AsyncIterator[Service]:
    """Run the whole service on the new folder `data` while the block runs."""
    await begin(data)
    settings = demo_settings(data, free_port(), **more)
    async with signed_for(settings), running(settings) as house:
        yield Service(settings.public_url, house, settings)

"""A desk's signer behind a real socket, asked as the service asks it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from server.certificates.remote import RemoteSigner
from server.signing.peers import only_socket
from server.signing.routes import create_app
from server.signing.service import Signing
from tests.support.desk import Desk


@asynccontextmanager
async def answering(
    signing: Signing, socket: Path, clients: frozenset[int] | None = None
) -> AsyncIterator[None]:
    """Answer on the socket for these users, or for this process's own, while the block runs."""
    app = create_app(signing, frozenset({os.getuid()}) if clients is None else clients)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    async with only_socket(socket) as listening:
        await runner.setup()
        await web.SockSite(runner, listening).start()
        try:
            yield
        finally:
            await runner.cleanup()


def ask_at(desk: Desk, socket: Path) -> RemoteSigner:
    """Have the desk ask the signer at this socket."""
    remote = RemoteSigner(socket, demo=True)
    object.__setattr__(desk.issuing, "signer", remote)
    return remote

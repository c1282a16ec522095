"""`kuayu serve`: the service in production."""

from __future__ import annotations

import asyncio
import os

import typer

from server.commands.console import (
    DATA,
    CertOption,
    DataOption,
    HostOption,
    KeyOption,
    PortOption,
    telling,
)
from server.lifetime import set_up_logs, stop_asked
from server.running import running
from server.settings import read_settings

app = typer.Typer()


@app.command()
@telling
def serve(
    data: DataOption = DATA,
    host: HostOption = None,
    port: PortOption = None,
    tls_cert: CertOption = None,
    tls_key: KeyOption = None,
) -> None:
    """Serve in production: refuses demo keys, demo accounts and a missing secret."""
    settings = read_settings(
        os.environ, data=data, host=host, port=port, tls_cert=tls_cert, tls_key=tls_key
    )
    set_up_logs()

    async def work() -> None:
        stopped = stop_asked()
        async with running(settings):
            await stopped.wait()

    asyncio.run(work())

"""`kuayu signer`: the process that holds the seals' keys."""

from __future__ import annotations

import os

import typer

from server.commands.console import DATA, DataOption, telling
from server.lifetime import set_up_logs
from server.settings import read_settings, read_signer_settings
from server.signing.process import serve

app = typer.Typer()


@app.command()
@telling
def signer(data: DataOption = DATA) -> None:
    """Hold the seals' keys and sign for the service on a Unix socket, until stopped."""
    settings = read_settings(os.environ, data=data)
    own = read_signer_settings(os.environ, data=data)
    set_up_logs()
    serve(settings, own)

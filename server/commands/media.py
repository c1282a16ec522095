"""`kuayu media`: workers that forward the media of calls."""

from __future__ import annotations

import base64
import os
import socket
import ssl
from pathlib import Path
from typing import Annotated

import typer

from server.commands.console import fail, telling
from server.media.messages import MOST_LEGS
from server.media.process import LEGS_A_CORE, WORDS, Orders
from server.settings import (
    A_SECRET,
    SettingsError,
    read_address,
    read_media_secret,
    read_ports,
    read_service,
)
from server.workers import serve_all

app = typer.Typer()


@app.command()
@telling
def media(
    *,
    url: Annotated[str, typer.Option("--url", help="The service.")],
    secret_file: Annotated[Path | None, typer.Option(help="What KUAYU_MEDIA_SECRET is.")] = None,
    address: Annotated[str, typer.Option(help="The address to listen on.")] = "",
    announced: Annotated[str, typer.Option(help="What browsers are told, behind a NAT.")] = "",
    ports: Annotated[str, typer.Option(help="UDP ports: FIRST-LAST.")] = "40000-40063",
    capacity: Annotated[int, typer.Option(min=1, max=MOST_LEGS, help="Legs each.")] = LEGS_A_CORE,
    name: Annotated[str, typer.Option(help="What to be called.")] = socket.gethostname(),
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes: one a core.")] = 1,
    ca: Annotated[Path | None, typer.Option(help="The CA of the service's TLS.")] = None,
) -> None:
    """Forward the media of calls for a service, until stopped."""
    source = dict(os.environ)
    if secret_file is not None:
        source.pop("KUAYU_MEDIA_SECRET", None)
        source["KUAYU_MEDIA_SECRET_FILE"] = str(secret_file)
    secret = read_media_secret(source)
    if secret is None:
        raise SettingsError("KUAYU_MEDIA_SECRET", A_SECRET)
    orders = Orders(
        url=read_service(url), secret=base64.b64encode(secret).decode(), name=name[:64],
        address=read_address("--address", address),
        announced=read_address("--announced", announced), ports=read_ports(ports),
        capacity=capacity, ca=_certificates(ca),
    )  # fmt: skip
    ended = serve_all(orders, workers)
    if ended:
        fail(f"kuayu: {WORDS.get(ended, 'a media worker broke off; its last words are above')}")


def _certificates(path: Path | None) -> Path | None:
    """Return the file of a CA's certificates; SettingsError if it is none."""
    try:
        if path is not None:
            ssl.create_default_context(cafile=str(path))
    except OSError:
        raise SettingsError("--ca", "a PEM file of a CA's certificate", str(path)) from None
    return path

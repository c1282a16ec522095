"""The commands that print what the service speaks, for whoever generates code of it."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import typer

from server import demo
from server.app import House, all_routes, socket_document
from server.app import openapi as openapi_document
from server.commands.console import telling
from server.commands.installed import with_house
from server.settings import read_settings
from server.web.openapi import Document

app = typer.Typer()


@app.command()
@telling
def openapi() -> None:
    """Print the API's OpenAPI document."""
    _print(lambda house: openapi_document(all_routes(house)))


@app.command(name="socket")
@telling
def socket_schema() -> None:
    """Print the document of all that goes over the socket."""
    _print(socket_document)


def _print(describe: Callable[[House], Document]) -> None:
    async def read(house: House) -> Document:
        return describe(house)

    with tempfile.TemporaryDirectory() as folder:
        demo.make_secret(Path(folder))
        settings = read_settings({}, data=Path(folder), demo=True)
        document = asyncio.run(with_house(settings, read))
    typer.echo(json.dumps(document, ensure_ascii=False, indent=1))

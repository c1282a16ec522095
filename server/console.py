"""What every command of `kuayu` shares: its options, and how it fails in words."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, NoReturn, ParamSpec, TypeVar

import typer

from counter_client.answers import Refusal, ServerLostError
from counter_client.cast import OffScriptError
from server import backup
from server.app import House, StartError, build_house
from server.certificates.seals import KeyFolderError
from server.db.schema import is_current
from server.errors import ServiceError
from server.regions.document import CatalogueError
from server.settings import (
    Settings,
    SettingsError,
    read_settings,
)
from server.signing.process import SignerError

Given = ParamSpec("Given")
Result = TypeVar("Result")

DataOption = Annotated[Path, typer.Option("--data", help="The data folder.", envvar="KUAYU_DATA")]
HostOption = Annotated[str | None, typer.Option("--host", help="The address to listen on.")]
PortOption = Annotated[int | None, typer.Option("--port", help="The port to listen on.")]
CertOption = Annotated[Path | None, typer.Option("--tls-cert", help="A PEM certificate.")]
KeyOption = Annotated[Path | None, typer.Option("--tls-key", help="Its PEM key.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
DATA = Path("data")

# What stops a command with its own words; anything else is a bug and shows its traceback.
TELLING = (
    SettingsError, CatalogueError, StartError, SignerError, ServiceError, KeyFolderError,
    backup.BackupError, OffScriptError, Refusal, ServerLostError, TimeoutError, OSError,
)  # fmt: skip


def fail(words: str) -> NoReturn:
    """Say on standard error why the command did not do it, and leave with status 1."""
    typer.echo(words, err=True)
    raise typer.Exit(1)


def telling(command: Callable[Given, Result]) -> Callable[Given, Result]:
    """Turn expected failures of a command into words and status 1."""

    @wraps(command)
    def run(*args: Given.args, **named: Given.kwargs) -> Result:
        try:
            return command(*args, **named)
        except TELLING as error:
            fail(f"kuayu: {error or type(error).__name__}")

    return run


def is_demonstration(data: Path) -> bool:
    """Say whether an installation is the demonstration's: one with a demo secret is."""
    return (data / "keys" / "secret").exists() and "KUAYU_SECRET" not in os.environ


def settings_for(data: Path, **given: object) -> Settings:
    """Read the settings of an installation."""
    demo = True if is_demonstration(data) else None
    return read_settings(os.environ, data=data, demo=demo, **given)


async def with_house(settings: Settings, work: Callable[[House], Awaitable[Result]]) -> Result:
    """Run `work` on the joined parts without serving anyone."""
    house = build_house(settings)
    try:
        return await work(house)
    finally:
        await house.close()


def run_on(data: Path, work: Callable[[House], Coroutine[Any, Any, Result]]) -> Result:
    """Run `work` on an installation whose schema is the newest."""

    async def checked(house: House) -> Result:
        if not await is_current(house.database.reader):
            raise StartError("the database's schema is not the newest: run `kuayu db upgrade`")
        return await work(house)

    return asyncio.run(with_house(settings_for(data), checked))

"""What commands of `kuayu` share: options, and how they fail in words."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, NoReturn, ParamSpec, TypeVar

import typer

from docs_gen.keyfiles import KeyFolderError
from server.errors import ToldError
from server.settings import Settings, read_settings

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
TELLING = (ToldError, KeyFolderError, TimeoutError, OSError)


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
            fail(f"kuayu: {str(error) or type(error).__name__}")

    return run


def is_demonstration(data: Path) -> bool:
    """Say whether an installation is the demonstration's: one with a demo secret is."""
    return (data / "keys" / "secret").exists() and "KUAYU_SECRET" not in os.environ


def settings_for(data: Path) -> Settings:
    """Read the settings of an installation."""
    demo = True if is_demonstration(data) else None
    return read_settings(os.environ, data=data, demo=demo)

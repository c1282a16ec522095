"""`kuayu rehearse`: the main job, played against a running service."""

from __future__ import annotations

import asyncio
import json
import ssl
from pathlib import Path
from typing import Annotated

import typer

from counter_client.answers import Refusal
from counter_client.cast import Account, Accounts, OffScriptError
from counter_client.rehearsal import Rehearsal, rehearse
from server.commands.console import DATA, DataOption, JsonOption, fail, telling
from server.demo import PASSWORD
from server.errors import ToldError

app = typer.Typer()


async def rehearsed(
    url: str, data: Path, accounts: Accounts | None = None, tls: ssl.SSLContext | None = None
) -> Rehearsal:
    """Play the main job once, by the demonstration's accounts unless others are given.

    ToldError where it does not go as it should.
    """
    folder = data / "rehearsals"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return await rehearse(url, accounts or _demo_accounts(), folder, tls=tls)
    except (OffScriptError, Refusal) as error:
        raise ToldError(str(error)) from error


def _demo_accounts() -> Accounts:
    return Accounts(
        counter=Account("rehearsal-counter", PASSWORD),
        agent=Account("rehearsal-agent", PASSWORD),
    )


@app.command(name="rehearse")
@telling
def run_rehearsal(
    data: DataOption = DATA,
    url: Annotated[str, typer.Option("--url", help="The service.")] = "http://localhost:8400",
    counter: Annotated[str, typer.Option(help="NAME:PASSWORD of a counter clerk.")] = "",
    agent: Annotated[str, typer.Option(help="NAME:PASSWORD of an agent.")] = "",
    *,
    as_json: JsonOption = False,
) -> None:
    """Play the main job once against a running service, and say how long each stage took."""
    accounts = None
    if counter or agent:
        accounts = Accounts(counter=_account(counter), agent=_account(agent))
    result = asyncio.run(rehearsed(url, data, accounts))
    if as_json:
        typer.echo(json.dumps(result.as_json(), ensure_ascii=False))
        return
    for name, value in result.as_json().items():
        typer.echo(f"{name:<22}{value}")


def _account(text: str) -> Account:
    name, mark, password = text.partition(":")
    if not mark:
        fail("kuayu: expected NAME:PASSWORD")
    return Account(name, password)

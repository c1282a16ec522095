"""The commands that look after what is kept: walked, backed up, put back."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from server import backup
from server.app import House
from server.commands.console import DATA, DataOption, JsonOption, telling
from server.commands.installed import run_on
from server.supervision.audit import Audit, copied

app = typer.Typer()


@app.command()
@telling
def verify_store(data: DataOption = DATA, *, as_json: JsonOption = False) -> None:
    """Walk everything that is kept and name what is wrong; status 0 if nothing is."""

    async def walk(house: House) -> Audit:
        with tempfile.TemporaryDirectory() as folder:
            async with copied(house.settings.database_url, Path(folder)) as database:
                now = house.units.clock()
                audit = Audit(
                    database, house.files, house.vault, house.drawing, now,
                    house.database,
                )  # fmt: skip
                await audit.walk()
                return audit

    audit = run_on(data, walk)
    if as_json:
        found = {"counted": audit.counted, "faults": [asdict(fault) for fault in audit.faults]}
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        for fault in audit.faults:
            typer.echo(f"{fault.code}  {fault.about}  {fault.says}")
        walked = ", ".join(f"{count} {kind}" for kind, count in sorted(audit.counted.items()))
        typer.echo(f"{len(audit.faults)} faults in {walked or 'an empty store'}")
    if audit.faults:
        raise typer.Exit(1)


@app.command(name="backup")
@telling
def make_backup(
    target: Annotated[Path, typer.Argument(help="An empty folder.")], data: DataOption = DATA
) -> None:
    """Copy database and files; keys are kept apart and are not in it."""
    count = backup.back_up(data, target)
    typer.echo(f"{count} files backed up to {target}; keep {data / 'keys'} apart from it")


@app.command(name="restore")
@telling
def put_back(
    source: Annotated[Path, typer.Argument(help="A backup.")], data: DataOption = DATA
) -> None:
    """Put a backup back into an empty data folder, every hash checked before."""
    count = backup.restore(source, data)
    typer.echo(f"{count} files restored to {data}; put the keys back to {data / 'keys'}")

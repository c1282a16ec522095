"""The commands that look after an installation: its store, its accounts, its schema."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from server import backup, demo
from server.access import Role
from server.app import House, all_routes, socket_document
from server.app import openapi as openapi_document
from server.certificates.rules import VerdictKind
from server.console import (
    DATA,
    DataOption,
    JsonOption,
    fail,
    run_on,
    settings_for,
    telling,
    with_house,
)
from server.db.schema import upgrade
from server.offline import Lists, judge_file, judge_qr, judge_sm2
from server.settings import read_settings
from server.staff.service import NewClerk
from server.supervision.audit import Audit, copied
from server.web.openapi import Document

store_app = typer.Typer()
staff_app = typer.Typer(no_args_is_help=True, help="Staff accounts.")
db_app = typer.Typer(no_args_is_help=True, help="The database's schema.")


@store_app.command()
@telling
def verify(
    file: Annotated[Path | None, typer.Argument(help="The PDF.")] = None,
    data: DataOption = DATA,
    *,
    as_json: JsonOption = False,
    code: Annotated[
        str | None,
        typer.Option("--qr", help="What a QR code holds, in place of a PDF: judged by --trust."),
    ] = None,
    trust: Annotated[
        Path | None,
        typer.Option("--trust", help="A signed trust list: judge by it alone, without a register."),
    ] = None,
    root: Annotated[
        str | None,
        typer.Option("--root", help="Its root's fingerprint; remembered in TRUST.pin."),
    ] = None,
    status: Annotated[
        Path | None,
        typer.Option("--status", help="A signed status list of the issuer and year."),
    ] = None,
    sm2: Annotated[
        Path | None,
        typer.Option("--sm2", help="The PDF's detached SM2 signature: judge that, by --trust."),
    ] = None,
) -> None:
    """Judge a certificate's file, SM2 signature or QR code; status 0 if it is genuine.

    With an SM2 signature, if both it and the file are. By its signature and the register of --data,
    or without either of these by signed lists alone.
    """
    if trust is None and (root or status):
        fail("--root and --status: expected --trust")
    lists = Lists(trust, root, status) if trust else None
    if sm2 is None:
        said = _judged(data, file, code, lists)
    elif file is None or lists is None or code or status:
        fail("--sm2: expected a PDF and --trust, and neither --qr nor --status")
    else:
        said = judge_sm2(file.read_bytes(), sm2.read_bytes(), lists)
    if as_json:
        typer.echo(json.dumps(said, default=_written, ensure_ascii=False))
    else:
        for name, value in said.items():
            typer.echo(f"{name:<16}{'' if value is None else _written(value)}")
    # A good SM2 signature makes no certificate of whatever it lies over.
    if {said["verdict"], said.get("file", VerdictKind.GENUINE)} != {VerdictKind.GENUINE}:
        raise typer.Exit(1)


def _judged(
    data: Path, file: Path | None, code: str | None, lists: Lists | None
) -> dict[str, object]:
    if (file is None) == (code is None):
        fail("expected a PDF or --qr")
    if code is not None:
        return judge_qr(code, lists or fail("--qr: expected --trust"))
    content = (file or Path()).read_bytes()
    if lists is not None:
        return judge_file(content, lists)
    verdict = run_on(data, lambda house: house.verifying.by_file(content))
    return verdict.model_dump(mode="json")


def _written(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


@store_app.command()
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


@store_app.command(name="backup")
@telling
def make_backup(
    target: Annotated[Path, typer.Argument(help="An empty folder.")], data: DataOption = DATA
) -> None:
    """Copy database and files; keys are kept apart and are not in it."""
    count = backup.back_up(data, target)
    typer.echo(f"{count} files backed up to {target}; keep {data / 'keys'} apart from it")


@store_app.command(name="restore")
@telling
def put_back(
    source: Annotated[Path, typer.Argument(help="A backup.")], data: DataOption = DATA
) -> None:
    """Put a backup back into an empty data folder, every hash checked before."""
    count = backup.restore(source, data)
    typer.echo(f"{count} files restored to {data}; put the keys back to {data / 'keys'}")


@store_app.command()
@telling
def openapi() -> None:
    """Print the API's OpenAPI document."""
    _print(lambda house: openapi_document(all_routes(house)))


@store_app.command(name="socket")
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


@staff_app.command("add")
@telling
def add_clerk(  # noqa: PLR0917 (options of the command line)
    name: str,
    display_name: Annotated[str, typer.Option(help="As people see it.")],
    role: Annotated[list[Role], typer.Option(help="counter, agent, supervisor, administrator.")],
    region: Annotated[str, typer.Option(help="Region code.")] = "",
    hall: Annotated[str, typer.Option(help="Hall id.")] = "",
    counter: Annotated[str, typer.Option(help="Counter id.")] = "",
    item: Annotated[list[str] | None, typer.Option(help="Items handled; none: all.")] = None,
    data: DataOption = DATA,
) -> None:
    """Add an account; the password is asked for, or read from standard input."""
    new = NewClerk(
        name=name, display_name=display_name, roles=role, region=region, hall=hall,
        counter=counter, items=item or (),
    )  # fmt: skip
    password = _password()
    run_on(data, lambda house: house.staff.add_clerk(new, password))
    typer.echo(f"added {name}")


@staff_app.command("disable")
@telling
def disable_clerk(name: str, data: DataOption = DATA) -> None:
    """Disable an account and end its logins."""
    run_on(data, lambda house: house.staff.disable_clerk(name))
    typer.echo(f"disabled {name}")


@staff_app.command("password")
@telling
def set_password(name: str, data: DataOption = DATA) -> None:
    """Set an account's password and end its logins; asked for, or read from standard input."""
    password = _password()
    run_on(data, lambda house: house.staff.set_password(name, password))
    typer.echo(f"password of {name} set")


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")


@db_app.command("upgrade")
@telling
def upgrade_schema(data: DataOption = DATA) -> None:
    """Bring the database's schema to the newest revision."""
    settings = settings_for(data)
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    asyncio.run(with_house(settings, lambda house: upgrade(house.database.writer)))
    typer.echo("the schema is the newest")

"""The commands for staff accounts: `kuayu staff`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from server.access import Role
from server.commands.console import DATA, DataOption, telling
from server.commands.installed import run_on
from server.staff.service import NewClerk

staff_app = typer.Typer(no_args_is_help=True, help="Staff accounts.")
app = typer.Typer()
app.add_typer(staff_app, name="staff")


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

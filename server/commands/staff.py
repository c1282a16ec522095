"""The commands for staff accounts: `kuayu staff`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from server.access import Role
from server.app import House
from server.commands.console import DATA, DataOption, fail, telling
from server.commands.installed import run_on
from server.errors import ServiceError
from server.staff.rules import DISPLAY_NAME_LENGTH, PASSWORD_LENGTH, PASSWORD_LENGTH_MOST
from server.staff.service import NewClerk

staff_app = typer.Typer(no_args_is_help=True, help="Staff accounts.")
app = typer.Typer()
app.add_typer(staff_app, name="staff")

NAME = "NAME: expected 2 to 32 of a-z, 0-9 and . _ -"
DISPLAY_NAME = f"--display-name: expected 1 to {DISPLAY_NAME_LENGTH} printable characters"


class StaffRole(StrEnum):
    """The roles that an account can have; the others are of devices, citizens and workers."""

    COUNTER = Role.COUNTER
    AGENT = Role.AGENT
    SUPERVISOR = Role.SUPERVISOR
    ADMINISTRATOR = Role.ADMINISTRATOR


# What a refusal means on the command line, by its code and, where there is one, its field.
WORDS = {
    ("choice.unknown", "roles"): "--role: expected {choices} for this --region",
    ("region.unknown", ""): "--region: expected a region of regions.toml, or one's province",
    ("hall.unknown", ""): "--hall: expected a hall of the region; a province has none",
    ("counter.unknown", ""): "--counter: expected a counter of the hall; a province has none",
    ("item.unknown", "item_code"): "--item: expected the code of an item of regions.toml",
    ("text.bad_characters", "name"): NAME,
    ("text.empty", "display_name"): DISPLAY_NAME,
    ("text.too_long", "display_name"): DISPLAY_NAME,
    ("text.bad_characters", "display_name"): DISPLAY_NAME,
    ("password.weak", "password"): (
        f"expected {PASSWORD_LENGTH} to {PASSWORD_LENGTH_MOST} characters, not all the same and "
        "not the account's name"
    ),
    ("staff.taken", "name"): "NAME: there is an account of this name",
    ("staff.unknown", "name"): "NAME: there is no account of this name",
}


@staff_app.command("add")
@telling
def add_clerk(  # noqa: PLR0917 (options of the command line)
    name: str,
    display_name: Annotated[str, typer.Option(help="As people see it.")],
    role: Annotated[list[StaffRole], typer.Option(help="What they are; may be repeated.")],
    region: Annotated[str, typer.Option(help="Region code.")] = "",
    hall: Annotated[str, typer.Option(help="Hall id.")] = "",
    counter: Annotated[str, typer.Option(help="Counter id.")] = "",
    item: Annotated[list[str] | None, typer.Option(help="Items handled; none: all.")] = None,
    data: DataOption = DATA,
) -> None:
    """Add an account; the password is asked for, or read from standard input."""
    new = NewClerk(
        name=name, display_name=display_name, roles=[Role(one) for one in role],
        region=region, hall=hall, counter=counter, items=item or (),
    )  # fmt: skip
    password = _password()

    async def add(house: House) -> None:
        for code in new.items:
            house.items.current(code)
        await house.staff.add_clerk(new, password)

    _run(data, add)
    typer.echo(f"added {name}")


@staff_app.command("disable")
@telling
def disable_clerk(name: str, data: DataOption = DATA) -> None:
    """Disable an account and end its logins."""
    _run(data, lambda house: house.staff.disable_clerk(name))
    typer.echo(f"disabled {name}")


@staff_app.command("password")
@telling
def set_password(name: str, data: DataOption = DATA) -> None:
    """Set an account's password and end its logins; asked for, or read from standard input."""
    password = _password()
    _run(data, lambda house: house.staff.set_password(name, password))
    typer.echo(f"password of {name} set")


def _run(data: Path, work: Callable[[House], Coroutine[Any, Any, object]]) -> None:
    """Run `work` on an installation; its refusal is said with its code and what was expected."""
    try:
        run_on(data, work)
    except ServiceError as refused:
        field, choices = refused.details.get("field", ""), refused.details.get("choices")
        words = WORDS.get((refused.code, str(field)), "")
        if isinstance(choices, list):
            words = words.format(choices=", ".join(choices))
        fail(f"kuayu: {refused.code}: {words}".removesuffix(": "))


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")

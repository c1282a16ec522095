"""The commands for the database's schema: `kuayu db`."""

from __future__ import annotations

import asyncio

import typer

from server.commands.console import DATA, DataOption, settings_for, telling
from server.db.engine import open_database
from server.db.schema import upgrade
from server.settings import Settings

db_app = typer.Typer(no_args_is_help=True, help="The database's schema.")
app = typer.Typer()
app.add_typer(db_app, name="db")


@db_app.command("upgrade")
@telling
def upgrade_schema(data: DataOption = DATA) -> None:
    """Bring the database's schema to the newest revision."""
    settings = settings_for(data)
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    asyncio.run(_upgrade(settings))
    typer.echo("the schema is the newest")


async def _upgrade(settings: Settings) -> None:
    database = open_database(settings.database_url)
    try:
        await upgrade(database.writer)
    finally:
        await database.close()

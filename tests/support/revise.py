"""`make revision NAME="…"`: write a new schema revision from what the models say now."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from alembic import command
from alembic.script import ScriptDirectory

import server.app  # noqa: F401 (brings every table into the metadata)
from server.db.engine import open_database
from server.db.schema import configure, upgrade


async def revise(words: str) -> None:
    """Compare an empty database at the newest revision with the models."""
    number = len(list(ScriptDirectory.from_config(configure()).walk_revisions())) + 1
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(f"sqlite+aiosqlite:///{folder}/revise.db")
        await upgrade(database.writer)
        async with database.writer.begin() as connection:
            await connection.run_sync(
                lambda sync: command.revision(
                    configure(sync), words, autogenerate=True, rev_id=f"{number:04d}"
                )
            )
        await database.close()


if __name__ == "__main__":
    asyncio.run(revise(sys.argv[1]))

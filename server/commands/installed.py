"""Working on an installation with the service's own parts, and without serving anyone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy.exc import OperationalError

from server.app import House, build_house
from server.commands.console import settings_for
from server.db.engine import DatabaseError
from server.db.schema import require_newest
from server.settings import Settings

Result = TypeVar("Result")


async def with_house(settings: Settings, work: Callable[[House], Awaitable[Result]]) -> Result:
    """Run `work` on the joined parts without serving anyone.

    DatabaseError where the database gives up, on a disk that is full or may not be written say.
    """
    house = build_house(settings)
    try:
        return await work(house)
    except OperationalError as error:
        raise DatabaseError(error.orig) from error
    finally:
        await house.close()


def run_on(data: Path, work: Callable[[House], Coroutine[Any, Any, Result]]) -> Result:
    """Run `work` on an installation whose schema is the newest."""

    async def checked(house: House) -> Result:
        await require_newest(house.database.reader, house.settings.data)
        return await work(house)

    return asyncio.run(with_house(settings_for(data), checked))

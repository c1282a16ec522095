"""Signed lists over HTTP, for anyone: who is trusted, and how serial numbers stand."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from server.certificates import messages as wire
from server.certificates import status_queries as queries
from server.certificates.drawing import PUBLISHED
from server.certificates.statuses import Statuses
from server.errors import ServiceError
from server.web.http import Ask, Empty, FileAnswer, Route
from server.web.login import Audience

LISTS: Final = "/api/status-lists"
LIST: Final = LISTS + "/{issuer_code:[0-9A-Z]{18}}/{year:2[0-9]{3}}"
MEDIA_TYPE: Final = "application/cose"
# Some 70 bytes each in the index; a phone that wants a year more asks for it by name.
MOST_PLACES: Final = 5000


@dataclass(frozen=True, slots=True)
class _Lists:
    statuses: Statuses
    trust: Path

    async def read_trust_list(self, _ask: Ask[Empty]) -> FileAnswer:
        try:
            content = await asyncio.to_thread((self.trust / PUBLISHED).read_bytes)
        except FileNotFoundError:
            raise ServiceError("trust_list.unknown") from None
        return FileAnswer(content, MEDIA_TYPE, "kuayu.trust")

    async def index_status_lists(self, ask: Ask[Empty]) -> wire.StatusListIndex:
        async with ask.database.reading() as session:
            rows = await queries.places(session, MOST_PLACES)
        return wire.StatusListIndex(
            lists=[
                wire.StatusListPlace(
                    issuer_code=row.issuer_code, year=row.year, changes=row.changes
                )
                for row in rows
            ]
        )

    async def read_status_list(self, ask: Ask[Empty]) -> FileAnswer:
        issuer_code, year = ask.path["issuer_code"], ask.path["year"]
        found = await self.statuses.current(issuer_code, int(year))
        return FileAnswer(found.content, MEDIA_TYPE, f"{issuer_code}-{year}.cose")


def routes(statuses: Statuses, trust: Path) -> list[Route[Any]]:
    """Return these lines of the API; `trust` is the folder that the published list is in."""
    on = _Lists(statuses, trust)
    return [
        Route("GET", "/api/trust-list", None, Empty, on.read_trust_list, None,
              "The signed trust list", audience=Audience.ANYONE, rate="lists"),
        Route("GET", LISTS, None, Empty, on.index_status_lists, wire.StatusListIndex,
              "Whose status lists there are, of which years",
              audience=Audience.ANYONE, rate="lists"),
        Route("GET", LIST, None, Empty, on.read_status_list, None,
              "How every certificate of an issuer and year stands, signed",
              audience=Audience.ANYONE, rate="lists"),
    ]  # fmt: skip

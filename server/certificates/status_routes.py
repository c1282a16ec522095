"""Status lists over HTTP: for anyone, for they say nothing but how serial numbers stand."""

from __future__ import annotations

from typing import Any

from server.certificates.statuses import Statuses
from server.web.http import Ask, Empty, FileAnswer, Route
from server.web.login import Audience

LIST = "/api/status-lists/{issuer_code:[0-9A-Z]{18}}/{year:2[0-9]{3}}"
MEDIA_TYPE = "application/cose"


def routes(statuses: Statuses) -> list[Route[Any]]:
    """Return these lines of the API."""

    async def read_status_list(ask: Ask[Empty]) -> FileAnswer:
        issuer_code, year = ask.path["issuer_code"], ask.path["year"]
        found = await statuses.current(issuer_code, int(year))
        return FileAnswer(found.content, MEDIA_TYPE, f"{issuer_code}-{year}.cose")

    return [
        Route("GET", LIST, None, Empty, read_status_list, None,
              "How every certificate of an issuer and year stands, signed",
              audience=Audience.ANYONE, rate="verify"),
    ]  # fmt: skip

"""The board over HTTP."""

from __future__ import annotations

from typing import Any

from server.access import Action
from server.supervision.messages import Board
from server.supervision.service import Supervision
from server.web.http import Ask, Empty, Route


def routes(supervision: Supervision) -> list[Route[Any]]:
    """Return this domain's lines of the API."""

    async def read_board(ask: Ask[Empty]) -> Board:
        async with ask.database.reading() as session:
            return await supervision.board(session, ask.actor, ask.units.clock())

    return [
        Route("GET", "/api/board", Action.READ_BOARD, Empty, read_board, Board,
              "What a region's supervisor watches")
    ]  # fmt: skip

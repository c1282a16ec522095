"""Regions over HTTP."""

from __future__ import annotations

from typing import Any

from server.access import Action, authorize
from server.regions.messages import RegionList
from server.regions.rules import Catalogue
from server.web.http import Ask, Empty, Route


def routes(catalogue: Catalogue) -> list[Route[Any]]:
    """Return this domain's lines of the API."""

    async def list_regions(ask: Ask[Empty]) -> RegionList:
        authorize(ask.actor, Action.READ_CATALOGUE)
        return RegionList.of(catalogue, ask.units.clock())

    return [
        Route(
            "GET", "/api/regions", Action.READ_CATALOGUE, Empty, list_regions, RegionList,
            "List regions with their halls and authorities",
        )
    ]  # fmt: skip

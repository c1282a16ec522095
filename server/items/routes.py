"""Items over HTTP."""

from __future__ import annotations

from typing import Any

from server.access import Action, authorize
from server.items.messages import ItemList, ItemView
from server.items.service import Items, destinations
from server.regions.rules import Catalogue
from server.web.http import Ask, Empty, Route


def routes(items: Items, catalogue: Catalogue) -> list[Route[Any]]:
    """Return this domain's lines of the API."""

    async def list_items(ask: Ask[Empty]) -> ItemList:
        authorize(ask.actor, Action.READ_CATALOGUE)
        region = ask.actor.region
        return ItemList(
            items=[
                ItemView.of(item, destinations(catalogue, item, region))
                for item in items.by_version.values()
            ]
        )

    return [
        Route(
            "GET", "/api/items", Action.READ_CATALOGUE, Empty, list_items, ItemList,
            "List service items with their forms and material lists",
        )
    ]  # fmt: skip

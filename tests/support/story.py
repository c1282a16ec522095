"""The main job up to issuing, with seats but without pictures: quick, by the real API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from counter_client.cast import Cast
from counter_client.client import Client
from counter_client.rehearsal import Play
from tests.support.service import ACCOUNTS

PATIENCE = 120.0  # Seconds for whatever a story waits for, on a machine that does other work.


class Story(Play):
    """A play whose clerks take their seats and send no media."""

    cast: Cast
    call_id: str

    @property
    def case_id(self) -> str:
        """The case that is played."""
        return self._id

    @property
    def fields(self) -> list[dict[str, Any]]:
        """The item's form."""
        return list(self._item["fields"])

    @property
    def kind(self) -> str:
        """What certificate the item ends in."""
        return str(self._item["certificates"][0]["kind"])

    async def bring(self, item_code: str | None = None) -> None:
        """Open the case and bring what it needs to stand in line."""
        await self.open_case(item_code)
        await self.bring_materials()

    async def meet(self) -> None:
        """Go through the line into a call, and take both seats by socket alone."""
        await self._agent.set_agent_state("ready")
        await self._counter.take_ticket(self._id)
        offer = await self._cast.offered(self._id, PATIENCE)
        call = await self._agent.accept_offer(offer["id"])
        self._cast.call_id = self._call_id = self.call_id = call["id"]
        await self._at_agent.watch()
        await self.sit()

    async def sit(self) -> None:
        """Take both seats."""
        for client in (self._counter, self._agent):
            await client.emit("seat.taken", {"call_id": self._call_id})

    async def prepare(self, item_code: str | None = None) -> None:
        """Do everything that has to come before a certificate."""
        await self.bring(item_code)
        await self.meet()
        await self.check_and_consent()
        await self.fill_in()


@asynccontextmanager
async def playing(url: str) -> AsyncIterator[Story]:
    """Give a story whose cast is in its places, and tidy up after it."""
    async with AsyncExitStack() as stack:
        story = Story(cast := await stack.enter_async_context(Cast(url, ACCOUNTS)), stack)
        story.cast = cast
        yield story


async def log_of(client: Client, case_id: str) -> list[object]:
    """Return the whole log of a case."""
    return list((await client.events(case_id))["events"])

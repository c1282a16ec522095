"""Following a case: its log is the truth, and a notice only says that it is time to ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .answers import Data
from .client import Client

ASK_ANYWAY = 1.0  # Seconds after which a notice may have been lost.


def anything(_data: Data) -> bool:
    """Take whatever it is."""
    return True


class Follower:
    """One login's knowledge of one case, complete however notices are lost or doubled."""

    def __init__(self, client: Client, case_id: str) -> None:
        """Know nothing of the case yet."""
        self.seq = 0
        self.log: list[Data] = []
        self._client, self._case_id = client, case_id

    async def watch(self) -> None:
        """Have the service tell this client whatever happens to the case."""
        await self._client.emit("case.watched", {"case_id": self._case_id})

    async def catch_up(self) -> None:
        """Ask for the events since the last one known."""
        while True:
            answer = await self._client.events(self._case_id, self.seq)
            self.log += answer["events"]
            self.seq = self.log[-1]["seq"] if self.log else 0
            if not answer["events"] or self.seq >= answer["seq"]:
                return

    async def until(
        self, kind: str, that: Callable[[Data], bool] = anything, within: float = 30.0
    ) -> Data:
        """Return the first event of a kind whose data is meant, past or to come.

        Raises TimeoutError after `within` seconds.
        """
        looked_at = 0
        async with asyncio.timeout(within):
            await self.catch_up()
            while True:
                for event in self.log[looked_at:]:
                    if event["kind"] == kind and that(event["data"]):
                        return event
                looked_at = len(self.log)
                await self._news()
                await self.catch_up()

    async def _news(self) -> None:
        """Wait until there may be more in the log than we know."""
        self._client.news.forget("case.changed", self._is_old)
        try:
            await self._client.heard("case.changed", self._is_new, ASK_ANYWAY)
        except TimeoutError:
            return

    def _is_old(self, news: Data) -> bool:
        """Say whether a notice speaks of events of this case that we know already."""
        return bool(news["case_id"] == self._case_id and news["seq"] <= self.seq)

    def _is_new(self, news: Data) -> bool:
        """Say whether a notice speaks of events of this case that we do not know."""
        return bool(news["case_id"] == self._case_id and news["seq"] > self.seq)

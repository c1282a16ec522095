"""Who plays in a rehearsal: two clerks, a facing screen, a citizen's phone and an outsider."""

from __future__ import annotations

import asyncio
import ipaddress
import random
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urlsplit

from .answers import Data, Refusal, ServerLostError
from .client import Client

Answer = TypeVar("Answer")

BREAKING_OFF = "演练中止"
NOT_OURS = "演练账号不办理此件"
ASK_AGAIN = 2.0  # Seconds between attempts that the service puts off.


class OffScriptError(Exception):
    """The service answered, but not as the main job has it."""


@dataclass(frozen=True)
class Account:
    """A clerk's name and password."""

    name: str
    password: str


@dataclass(frozen=True)
class Accounts:
    """A counter clerk, and an agent of another region who handles one of its items."""

    counter: Account
    agent: Account


def own_address(url: str) -> str | None:
    """Return a loopback address of our own if the service is on this machine, else None.

    Anybody's questions are limited per address, and a rehearsal's outsider is somebody else
    every time.
    """
    host = urlsplit(url).hostname or ""
    with suppress(ValueError):
        if host != "localhost" and ipaddress.ip_address(host).version != 4:  # noqa: PLR2004
            return None
        if host == "localhost" or ipaddress.ip_address(host).is_loopback:
            parts = (random.randint(1, 254) for _ in range(3))  # noqa: S311 (an address)
            return "127." + ".".join(str(part) for part in parts)
    return None


class Cast:
    """Everybody who plays, signed in and listening between entering and leaving.

    Leaving tidies up whatever case and call are still under way, so that the next rehearsal on
    the same accounts finds them free.
    """

    def __init__(self, url: str, accounts: Accounts, tls: ssl.SSLContext | None = None) -> None:
        """Prepare to play before the service at `url`, inside a running event loop."""
        self.held_up = 0.0  # Seconds spent waiting because the service limits how often one asks.
        self.case_id: str | None = None  # Of a case that has not come to its end.
        self.call_id: str | None = None  # Of a call that has not been ended.
        self.counter = Client(url, tls=tls)
        self.agent = Client(url, tls=tls)
        self.screen = Client(url, tls=tls)
        self.citizen = Client(url, tls=tls)
        self.outsider = Client(url, tls=tls, source=own_address(url))
        self._accounts = accounts
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        everybody = (self.counter, self.agent, self.screen, self.citizen, self.outsider)
        for person in everybody:
            self._stack.push_async_callback(person.close)
        self._stack.push_async_callback(self._tidy_up)
        try:
            await self._take_places()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def _take_places(self) -> None:
        """Sign in and listen; pair the screen; free the agent of what an earlier play left."""
        await self._sign_in(self.counter, self._accounts.counter)
        await self._sign_in(self.agent, self._accounts.agent)
        await self._pair_screen()
        state = await self.agent.agent()
        if state["offer"] is not None:
            await self.agent.refuse_offer(state["offer"]["id"], NOT_OURS)
        if state["call_id"] is not None:
            call = await self.agent.call(state["call_id"])
            self.call_id, self.case_id = call["id"], call["case_id"]
            await self._tidy_up()
            self.call_id = self.case_id = None

    async def _sign_in(self, person: Client, account: Account) -> None:
        """Sign a clerk in and let them listen."""
        await self.in_time(lambda: person.sign_in(account.name, account.password))
        await person.listen()

    async def _pair_screen(self) -> None:
        """Pair the facing screen with the counter clerk's counter, and let it listen."""
        pairing = await self.in_time(self.screen.ask_pairing)
        await self.in_time(lambda: self.counter.pair_screen(pairing["code"]))
        if not await self.in_time(lambda: self.screen.claim_pairing(pairing["token"])):
            raise OffScriptError("the screen was not paired although its code was entered")
        await self.screen.listen("device")

    async def in_time(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Ask, and ask again for as long as the service says that it is too often."""
        clock = asyncio.get_running_loop().time
        began = clock()
        while True:
            try:
                answer = await ask()
            except Refusal as refused:
                if refused.code != "rate.exceeded":
                    raise
                await asyncio.sleep(ASK_AGAIN)
                self.held_up += clock() - began
                began = clock()
            else:
                return answer

    async def offered(self, case_id: str, within: float) -> Data:
        """Return the offer of that case to the agent; others' offers go on to the next agent."""
        async with asyncio.timeout(within):
            while True:
                offer = await self.agent.heard("offer.made", within=None)
                if offer["case_id"] == case_id:
                    return offer
                with suppress(Refusal):
                    await self.agent.refuse_offer(offer["id"], NOT_OURS)

    async def _tidy_up(self) -> None:
        """Take the agent out of line, end the call and withdraw the case, if there still are."""
        ends: list[Callable[[], Awaitable[object]]] = []
        if (call_id := self.call_id) is not None:
            ends.append(lambda: self.agent.hang_up(call_id, "other", BREAKING_OFF))
        ends.append(lambda: self.agent.set_agent_state("offline"))
        if (case_id := self.case_id) is not None:
            ends.append(lambda: self.counter.withdraw(case_id, BREAKING_OFF))
        for end in ends:
            with suppress(Refusal, ServerLostError):
                await end()

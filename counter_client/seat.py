"""A place in a call: taken over the socket, with a peer for every end the service names."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from .answers import Data, Refusal, ServerLostError
from .client import Client
from .peer import Peer, Sources, camera_and_microphone

log = logging.getLogger(__name__)


class Seat:
    """One clerk's seat in one call; its client must be listening.

    It meets every end whose seat is taken, meets one anew that was taken again (a reload), and
    reports when media flows. Signals that make no sense are logged and change nothing.
    """

    def __init__(
        self, client: Client, call_id: str, *, sources: Sources = camera_and_microphone
    ) -> None:
        """Prepare to sit down in a call that we were given a seat in."""
        self.id = ""
        self.call_id = call_id
        self.peers: dict[str, Peer] = {}
        self._client, self._sources = client, sources
        self._since: dict[str, object] = {}  # When each seat was taken, as we last knew.
        self._polite: dict[str, bool] = {}
        self._met_someone = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(self) -> Data:
        """Bind the seat to our socket, begin to negotiate and return the call."""
        call = await self._client.emit("seat.taken", {"call_id": self.call_id})
        self.id = str(call["my_seat"])
        self._go_on(self._hear_signals())
        self._go_on(self._follow_call())
        await self._meet(call)
        return call

    async def see(self, pictures: int = 1, within: float = 10.0) -> Peer:
        """Wait until so many pictures came from some end, which is returned.

        Raises TimeoutError after `within` seconds, ConnectionError if that end breaks.
        """
        async with asyncio.timeout(within):
            await self._met_someone.wait()
            peer = next(iter(self.peers.values()))
            await peer.see(pictures, within)
        return peer

    @property
    def pictures(self) -> int:
        """Return how many pictures were received from all ends."""
        return sum(peer.pictures for peer in self.peers.values())

    async def leave(self) -> None:
        """Stop negotiating and close every peer; the call itself is ended by `hang_up`."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await asyncio.gather(*(peer.close() for peer in self.peers.values()))

    def _of_this_call(self, notice: Data) -> bool:
        """Say whether a notice speaks of our call."""
        return notice.get("call_id") == self.call_id

    def _go_on(self, work: Coroutine[Any, Any, None]) -> None:
        """Let some work run until we leave or the socket is gone."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Forget work that is over; what ended it is told, unless it was the end of it all."""
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, ServerLostError):
            log.error("a seat's work broke off", exc_info=error)

    async def _meet(self, call: Data) -> None:
        """Negotiate with the ends that have come, and anew with those that came again."""
        seats = {seat["id"]: seat for seat in call["seats"]}
        for end in call["ends"]:
            self._polite[end["seat_id"]] = bool(end["polite"])
            seat = seats.get(end["seat_id"], {})
            if not seat.get("connected"):
                continue
            before = self._since.get(seat["id"])
            self._since[seat["id"]] = seat["since"]
            peer = self.peers.get(seat["id"]) or self._peer(seat["id"])
            if before in {None, seat["since"]}:
                await peer.start()
            elif not end["polite"]:
                await peer.renew()

    def _peer(self, seat_id: str) -> Peer:
        """Make the peer that negotiates with a seat, and report what becomes of it.

        An end that speaks before we were told of it must be offering: towards it we are polite.
        """
        peer = Peer(
            self.call_id,
            self.id,
            seat_id,
            polite=self._polite.get(seat_id, True),
            send=self._send,
            sources=self._sources,
        )
        self.peers[seat_id] = peer
        self._met_someone.set()
        self._go_on(self._report(peer))
        return peer

    async def _send(self, signal: Data) -> None:
        """Send a signal; one that the service refuses is as good as lost on the way."""
        try:
            await self._client.emit("signal.sent", signal)
        except Refusal as refused:
            log.warning("the service refused a signal: %s", refused.code)

    async def _hear_signals(self) -> None:
        """Give every signal to the peer it is meant for."""
        while True:
            signal = await self._client.heard("signal.received", self._of_this_call, None)
            seat_id = str(signal.get("from"))
            peer = self.peers.get(seat_id) or self._peer(seat_id)
            try:
                await peer.hear(signal)
            except Refusal as refused:
                log.warning("refused a signal of seat %s: %s", seat_id, refused.code)

    async def _follow_call(self) -> None:
        """Ask for the call again whenever its seats or its state have changed."""
        while True:
            await self._client.heard("call.changed", self._of_this_call, None)
            try:
                await self._meet(await self._client.call(self.call_id))
            except Refusal as refused:
                log.warning("the call cannot be read: %s", refused.code)

    async def _report(self, peer: Peer) -> None:
        """Tell the service whatever a peer's connection says."""
        while True:
            body = {"call_id": self.call_id, "state": await peer.states.get()}
            with suppress(Refusal):
                await self._client.emit("seat.reported", body)

"""A place in a call: taken over the socket, on a leg or with a peer for every end."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from .answers import Data, Refusal
from .client import Client
from .leg import Leg
from .peer import Peer
from .receiving import Receiving, Sources, camera_and_microphone
from .tasks import Tasks

log = logging.getLogger(__name__)

AGAIN_AFTER = 1.0  # Seconds between two tries to be on a leg.


class Seat:
    """One clerk's seat in one call; its client must be listening.

    In a relayed call it is on a leg, on another when that is lost. In a direct one it meets every
    end whose seat is taken, and meets one anew that was taken again (a reload). It follows when
    the one becomes the other, and reports when media flows. Signals that make no sense are logged
    and change nothing.
    """

    def __init__(
        self,
        client: Client,
        call_id: str,
        *,
        leg: Leg | None = None,
        sources: Sources = camera_and_microphone,
    ) -> None:
        """Prepare to sit down in a call that we were given a seat in; `leg` is ours from now on."""
        self.id = ""
        self.call_id = call_id
        self.topology = ""
        self.peers: dict[str, Peer] = {}
        self.leg = leg
        self._client, self._sources = client, sources
        self._since: dict[str, object] = {}  # When each seat was taken, as we last knew.
        self._polite: dict[str, bool] = {}
        self._turn = asyncio.Lock()
        self._met_someone = asyncio.Event()
        self._tasks = Tasks("a seat")

    async def take(self) -> Data:
        """Bind the seat to our socket, begin to negotiate and return the call."""
        call = await self._sit_down()
        self.id = str(call["my_seat"])
        self._tasks.begin(self._hear_signals())
        if self.leg is not None:
            self._follow_leg(self.leg)
        self._tasks.begin(self._follow_call())
        async with self._turn:
            await self._meet(call)
        return call

    async def _sit_down(self) -> Data:
        """Take the seat on the leg that we have, or without one if that is of no use there."""
        body: Data = {"call_id": self.call_id}
        if self.leg is not None:
            try:
                return await self._client.emit("seat.taken", {**body, "leg_id": self.leg.id})
            except Refusal as refused:
                if refused.code not in {"leg.unknown", "leg.elsewhere"}:
                    raise
        return await self._client.emit("seat.taken", body)

    async def see(self, pictures: int = 1, within: float = 30.0) -> Receiving:
        """Wait until so many pictures came from some end, which is returned.

        Raises TimeoutError after `within` seconds, ConnectionError if that end breaks.
        """
        async with asyncio.timeout(within):
            await self._met_someone.wait()
            end = self.leg or next(iter(self.peers.values()))
            await end.see(pictures, within)
        return end

    @property
    def pictures(self) -> int:
        """Return how many pictures were received from all ends."""
        ends: list[Receiving] = [*self.peers.values(), *([self.leg] if self.leg else [])]
        return sum(end.pictures for end in ends)

    async def leave(self) -> None:
        """Stop negotiating and close every peer; the call itself is ended by `hang_up`."""
        await self._tasks.cancel()
        await asyncio.gather(*(peer.close() for peer in self.peers.values()))
        if self.leg is not None:
            await self.leg.close()

    def _of_this_call(self, notice: Data) -> bool:
        """Say whether a notice speaks of our call."""
        return notice.get("call_id") == self.call_id

    async def _look_again(self) -> None:
        """Be where the call is by now: what was read before our turn came is old, our leg too."""
        async with self._turn:
            try:
                await self._meet(await self._client.call(self.call_id))
            except Refusal as refused:
                log.warning("the call cannot be read: %s", refused.code)

    async def _meet(self, call: Data) -> None:
        """Be where the call is: on a leg, or with every other end. One at a time."""
        self.topology = str(call.get("topology", "direct"))
        if self.topology == "relay":
            await self._be_on_leg(call)
            return
        leg, self.leg = self.leg, None
        if leg is not None:
            self._met_someone.clear()
            await leg.close()
        await self._meet_ends(call)

    async def _be_on_leg(self, call: Data) -> None:
        """Have our seat on a leg of ours that lives, and open one if there is none."""
        if self.leg is None or self.leg.broken.is_set() or call.get("my_leg") != self.leg.id:
            before, self.leg = self.leg, None
            if before is not None:
                await before.close()
            leg = Leg(self._client, sources=self._sources)
            try:
                opened = await leg.open({"call_id": self.call_id})
                if opened:
                    body = {"call_id": self.call_id, "leg_id": leg.id}
                    await self._client.emit("seat.moved", body)
            except (Refusal, TimeoutError) as failed:
                log.warning("no leg for a seat: %s", failed)
                opened = False
            if not opened:
                await leg.close()
                self._tasks.begin(self._try_again())
                return
            self.leg = leg
            self._follow_leg(leg)
        self._met_someone.set()

    def _follow_leg(self, leg: Leg) -> None:
        self._tasks.begin(self._report(leg))
        self._tasks.begin(self._mend(leg))

    async def _try_again(self) -> None:
        """Look once more where the call is, after a while: its relay may only just be there."""
        await asyncio.sleep(AGAIN_AFTER)
        await self._look_again()

    async def _mend(self, leg: Leg) -> None:
        """Take another leg when ours is lost, unless the call is elsewhere by then."""
        await leg.broken.wait()
        await self._look_again()

    async def _meet_ends(self, call: Data) -> None:
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
        self._tasks.begin(self._report(peer))
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
            await self._look_again()

    async def _report(self, end: Receiving) -> None:
        """Tell the service whatever a connection of ours says."""
        while True:
            body = {"call_id": self.call_id, "state": await end.states.get()}
            with suppress(Refusal):
                await self._client.emit("seat.reported", body)

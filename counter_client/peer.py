"""One aiortc end of a call: it negotiates with one other seat and counts what it sees."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.mediastreams import MediaStreamTrack

from .answers import Data, Refusal
from .descriptions import (
    Description,
    name_streams,
    read_candidate,
    read_description,
    refusing,
)
from .receiving import Receiving, Sources, camera_and_microphone

Send = Callable[[Data], Awaitable[object]]
HELD = 64  # Candidates that wait for their description; more than any honest end gathers.


class Peer(Receiving):
    """Our end of the connection between the seats `mine` and `theirs`.

    aiortc cannot roll back, so it never collides: impolite, it offers and ignores offers that
    cross its own (the polite end rolls back); polite, it waits to be offered. It takes trickled
    candidates; its own are all in its descriptions. What cannot be understood raises Refusal
    and changes nothing.
    """

    def __init__(
        self,
        call_id: str,
        mine: str,
        theirs: str,
        *,
        polite: bool,
        send: Send,
        sources: Sources = camera_and_microphone,
    ) -> None:
        """Prepare to negotiate; `send` takes the bodies of `signal.sent`."""
        super().__init__()
        self.mine, self.theirs, self.polite = mine, theirs, polite
        self._call_id, self._send, self._sources = call_id, send, sources
        self._turn = asyncio.Lock()
        self._closed = False
        self._begin()

    async def start(self) -> None:
        """Offer, if that is our part and nothing has been said yet; a polite end waits."""
        async with self._turn:
            untouched = self._remote is None and self._connection.signalingState == "stable"
            if untouched and not self.polite:
                await self._offer()

    async def renew(self) -> None:
        """Begin again with a new connection: the other end is a new one, after a reload say."""
        async with self._turn:
            if self._closed:
                return
            await self._begin_again()
            if not self.polite:
                await self._offer()

    async def hear(self, signal: Data) -> None:
        """Take a `signal.received` from the other seat: a description or a candidate."""
        async with self._turn:
            if self._closed:
                return
            if "description" in signal:
                await self._take_description(read_description(signal["description"]))
            elif "candidate" in signal:
                await self._take_candidate(signal["candidate"])
            else:
                raise Refusal("signal.invalid")

    async def close(self) -> None:
        """Leave, whatever was under way; no task of ours is left behind."""
        self._closed = True
        # A connection closed while it gathers candidates would open its sockets after the end.
        async with self._turn:
            await self._end()

    def _begin(self) -> None:
        """Make a connection that nothing has been negotiated for."""
        self._remote: Description | None = None
        self._ignoring = False
        self._reachable = False
        self._held: list[Data] = []
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._tracks = list(self._sources())
        for track in self._tracks:
            self._connection.addTrack(track)
        self._connection.on("track", self._drain)
        self._connection.on("connectionstatechange", partial(self._note_state, self._connection))

    async def _begin_again(self) -> None:
        """Leave the old connection and make a new one."""
        await self._end()
        self.connected.clear()
        self.broken.clear()
        self._begin()

    async def _end(self) -> None:
        """Close the connection, its tracks and whatever drains them."""
        await self._connection.close()
        for track in self._tracks:
            track.stop()
        await self._stop_draining()

    async def _offer(self) -> None:
        """Make an offer with all our candidates and send it."""
        await self._connection.setLocalDescription(await self._connection.createOffer())
        await self._send_description()

    async def _send_description(self) -> None:
        """Send our description with its streams named as the protocol names them."""
        local = self._connection.localDescription
        sdp = name_streams(local.sdp, f"{self.mine}:camera")
        await self._signal({"description": {"type": local.type, "sdp": sdp}})

    async def _signal(self, what: Data) -> None:
        """Send a signal to the other seat."""
        await self._send({"call_id": self._call_id, "to": self.theirs, **what})

    async def _take_description(self, description: Description) -> None:
        """Apply an offer or an answer, whichever has its place now."""
        offered = self._connection.signalingState == "have-local-offer"
        if description.type == "answer":
            if not offered:
                raise Refusal("description.unexpected")
            await self._apply(description)
        elif offered:
            # Only the impolite end ever offers: the other one rolls back and answers ours.
            self._ignoring = True
        else:
            await self._answer(description)

    async def _answer(self, offer: Description) -> None:
        """Answer an offer, on a new connection if it is not from the end we know."""
        if self._remote is not None and offer.fragment != self._remote.fragment:
            held = self._held
            await self._begin_again()
            self._held = held
        try:
            await self._apply(offer)
            with refusing("description.invalid"):
                answer = await self._connection.createAnswer()
                await self._connection.setLocalDescription(answer)
        except Refusal:
            # Half an offer may have been applied; the next one must find a clean connection.
            if not self.connected.is_set():
                await self._begin_again()
            raise
        await self._send_description()

    async def _apply(self, description: Description) -> None:
        """Give aiortc a remote description and the candidates that waited for it."""
        before, self._remote = self._remote, description
        try:
            with refusing("description.invalid"):
                await self._connection.setRemoteDescription(description.for_aiortc)
        except Refusal:
            self._remote = before
            raise
        self._ignoring = False
        self._reachable = self._reachable or "a=candidate:" in description.sdp
        held, self._held = self._held, []
        for candidate in held:
            await self._add_candidate(candidate)

    async def _take_candidate(self, data: object) -> None:
        """Add a trickled candidate, or hold it until its description is here."""
        if data is None:
            if self._remote is not None and self._reachable:
                await self._connection.addIceCandidate(None)
            return
        if not isinstance(data, dict):
            raise Refusal("candidate.invalid")
        fragment = data.get("username_fragment")
        ours = self._remote is not None and fragment in {None, self._remote.fragment}
        if ours and not (self._ignoring and fragment is None):
            await self._add_candidate(data)
        elif not self._ignoring and len(self._held) < HELD:
            read_candidate(data)  # What makes no sense is refused now, not when its time comes.
            self._held.append(data)

    async def _add_candidate(self, data: Data) -> None:
        """Give aiortc a candidate of the connection we have; others are of the past."""
        fragment = data.get("username_fragment")
        if self._remote is None or fragment not in {None, self._remote.fragment}:
            return
        candidate = read_candidate(data)
        if candidate is None:
            return
        with refusing("candidate.invalid"):
            await self._connection.addIceCandidate(candidate)
        self._reachable = True

    def _note_state(self, connection: RTCPeerConnection) -> None:
        """Hear of the connection that we have; what becomes of an older one is of no interest."""
        if connection is self._connection:
            self._note(connection.connectionState)

    def _name_of(self, track: MediaStreamTrack) -> str:
        return f"{self._stream_of(track)}/{track.kind}"

    def _stream_of(self, track: MediaStreamTrack) -> str:
        """Return the name that the other end gave the stream of a track."""
        for transceiver in self._connection.getTransceivers():
            if transceiver.receiver.track is track and self._remote is not None:
                return self._remote.streams.get(transceiver.mid or "", "")
        return ""

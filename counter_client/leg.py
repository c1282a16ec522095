"""A leg: our connection with the relay, over which a seat is seen and sees all others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection
from aiortc.mediastreams import MediaStreamTrack

from .answers import Data, Refusal, ServerLostError
from .client import Client
from .descriptions import name_streams, read_description, refusing
from .receiving import Receiving, Sources, camera_and_microphone
from .tasks import Tasks

log = logging.getLogger(__name__)

ANSWERED_WITHIN = 5.0
TRIES = 3


class LegEnd(Receiving):
    """The browser's end of a leg, whoever carries its offers: it sends a camera, and has slots.

    Frames are counted under the name of what the relay says comes into their slot.
    """

    def __init__(self, sources: Sources = camera_and_microphone, *, slots: int = 1) -> None:
        """Prepare to offer what we send and so many slots of each kind."""
        super().__init__()
        self.streams: dict[str, str] = {}  # By MID: `<seat_id>:<kind>`.
        # Only with one bundle does aiortc keep several sections of a kind on one transport.
        self.connection = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self._tracks = list(sources())
        for track in self._tracks:
            self.connection.addTransceiver(track, "sendonly")
        for count in range(1, slots + 1):  # In pairs: a voice beside its picture.
            self.have_slots(audio=count, video=count)
        self.connection.on("track", self._drain)
        self.connection.on(
            "connectionstatechange", lambda: self._note(self.connection.connectionState)
        )

    def have_slots(self, *, audio: int, video: int) -> None:
        """Have at least so many slots of each kind in the next offer."""
        for kind, wanted in (("audio", audio), ("video", video)):
            there = [
                one for one in self.connection.getTransceivers()
                if one.kind == kind and one.direction == "recvonly"
            ]  # fmt: skip
            for _ in range(wanted - len(there)):
                self.connection.addTransceiver(kind, "recvonly")

    async def make_offer(self) -> str:
        """Return an offer with all our candidates."""
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return name_streams(self.connection.localDescription.sdp, "leg:camera")

    async def take_answer(self, sdp: object) -> None:
        """Apply the answer; raises Refusal for what makes no sense."""
        description = read_description({"type": "answer", "sdp": sdp})
        with refusing("description.invalid"):
            await self.connection.setRemoteDescription(description.for_aiortc)

    async def end(self) -> None:
        """Close the connection, its tracks and whatever drains them."""
        await self.connection.close()
        for track in self._tracks:
            track.stop()
        await self._stop_draining()

    def mid_of(self, track: MediaStreamTrack) -> str:
        """Return the MID of the section in which a track comes."""
        found = (
            one.mid for one in self.connection.getTransceivers() if one.receiver.track is track
        )
        return next(found, None) or ""

    def _name_of(self, track: MediaStreamTrack) -> str:
        return f"{self.streams.get(self.mid_of(track), '')}/{track.kind}"


class Leg(LegEnd):
    """A leg as the protocol has it; its client must be listening. It serves one call at a time."""

    def __init__(self, client: Client, *, sources: Sources = camera_and_microphone) -> None:
        """Prepare to be opened."""
        super().__init__(sources)
        self.id = ""
        self._client = client
        self._number = 0
        self._turn = asyncio.Lock()
        self._answer: asyncio.Future[object] | None = None
        self._tasks = Tasks("a leg")

    async def open(self, near: Data | None = None) -> bool:
        """Open the leg near something and negotiate it; False where calls are direct."""
        opened = await self._client.emit("leg.opened", {"near": near})
        if not opened:
            return False
        self.id = str(opened["leg_id"])
        for event, hear in (
            ("leg.answered", self._hear_answer),
            ("leg.refused", self._hear_refusal),
            ("negotiation.wanted", self._hear_wanted),
            ("streams.mapped", self._hear_mapped),
            ("leg.lost", self._hear_lost),
        ):
            self._tasks.begin(self._follow(event, hear))
        await self._negotiate()
        return True

    async def close(self) -> None:
        """Leave the relay, and leave no task behind."""
        await self._tasks.cancel()
        if self.id and not self.broken.is_set() and self._client.listening:
            try:
                await self._client.emit("leg.closed", {"leg_id": self.id})
            except (Refusal, ServerLostError, TimeoutError) as gone:
                log.info("a leg was over already: %s", gone)
        await self.end()

    async def _negotiate(self) -> None:
        """Offer, as often as it stays unanswered, and apply the answer."""
        async with self._turn:
            self._number += 1
            sdp = await self.make_offer()
            body = {"leg_id": self.id, "n": self._number, "sdp": sdp}
            self._answer = asyncio.get_running_loop().create_future()
            for _ in range(TRIES):
                await self._client.emit("leg.offered", body)
                done, _ = await asyncio.wait({self._answer}, timeout=ANSWERED_WITHIN)
                if done:
                    break
            else:
                raise TimeoutError("no answer from the relay")
            await self.take_answer(self._answer.result())

    async def _hear_answer(self, notice: Data) -> None:
        if self._answer and not self._answer.done() and notice.get("n") == self._number:
            self._answer.set_result(notice.get("sdp"))

    async def _hear_refusal(self, notice: Data) -> None:
        if self._answer and not self._answer.done() and notice.get("n") == self._number:
            self._answer.set_exception(Refusal(str(notice.get("code"))))

    async def _hear_wanted(self, notice: Data) -> None:
        self.have_slots(audio=int(notice["audio"]), video=int(notice["video"]))
        try:
            await self._negotiate()
        except (Refusal, TimeoutError) as failed:
            log.warning("a leg's further slots were not negotiated: %s", failed)

    async def _hear_mapped(self, notice: Data) -> None:
        self.streams = {
            str(one["mid"]): f"{one['seat_id']}:{one['kind']}" for one in notice["streams"]
        }

    async def _hear_lost(self, _notice: Data) -> None:
        self._note("failed")

    async def _follow(self, event: str, hear: Callable[[Data], Awaitable[None]]) -> None:
        while True:
            await hear(await self._client.heard(event, {"leg_id": self.id}, None))

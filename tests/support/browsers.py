"""aiortc in a browser's place, at the far end of a leg."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from counter_client.sources import Pattern, Tone
from server.media.legs import Leg


@dataclass(eq=False)
class FarEnd:
    """Sends a pattern and a tone, and counts what comes, by MID."""

    leg: Leg
    slots: int = 1
    frames: Counter[str] = field(default_factory=Counter)
    stirred: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        # Only with one bundle does aiortc keep several sections of a kind on one transport.
        self.connection = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self._drains: list[asyncio.Task[None]] = []
        self._tracks: list[MediaStreamTrack] = [Tone(), Pattern()]
        for track in self._tracks:
            sender = self.connection.addTransceiver(track, "sendonly").sender
            # As a browser of ours names it.
            sender._stream_id = "leg:camera"
        self.add_slots()
        self.connection.on("track", self._drain)

    def add_slots(self) -> None:
        for _ in range(self.slots):
            self.connection.addTransceiver("audio", "recvonly")
            self.connection.addTransceiver("video", "recvonly")

    async def offer(self) -> None:
        """Offer, and take the leg's answer."""
        await self.connection.setLocalDescription(await self.connection.createOffer())
        answer = await self.leg.answer(self.connection.localDescription.sdp)
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def see(self, mid: str, frames: int) -> None:
        """Wait until so many frames came in a section."""
        async with asyncio.timeout(30):
            while self.frames[mid] < frames:
                self.stirred.clear()
                await self.stirred.wait()

    def _drain(self, track: MediaStreamTrack) -> None:
        self._drains.append(asyncio.ensure_future(self._count(track)))

    async def _count(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                await track.recv()
            except MediaStreamError:
                return
            [mid] = [
                one.mid for one in self.connection.getTransceivers() if one.receiver.track is track
            ]
            self.frames[str(mid)] += 1
            self.stirred.set()

    async def close(self) -> None:
        for track in self._tracks:
            track.stop()
        await self.connection.close()
        for drain in self._drains:
            drain.cancel()
        await asyncio.gather(*self._drains, return_exceptions=True)


@asynccontextmanager
async def far_end(leg: Leg, slots: int = 1) -> AsyncIterator[FarEnd]:
    """A far end that has been answered; closed with its leg."""
    end = FarEnd(leg, slots)
    try:
        await end.offer()
        yield end
    finally:
        await end.close()
        await leg.close()

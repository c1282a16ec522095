"""aiortc in a browser's place, at the far end of a leg of this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiortc import RTCRtpSender
from aiortc.mediastreams import MediaStreamTrack

from counter_client.leg import LegEnd
from counter_client.sources import Pattern, Tone
from server.media.legs import Leg


class FarEnd(LegEnd):
    """Sends a pattern and a tone, and counts what comes, by MID."""

    def __init__(self, leg: Leg, slots: int = 1) -> None:
        super().__init__(lambda: [Tone(), Pattern()], slots=slots)
        self.leg, self.slots = leg, slots

    def add_slots(self) -> None:
        for kind in ("audio", "video") * self.slots:
            self.connection.addTransceiver(kind, "recvonly")

    def take_only(self, codec: str) -> None:
        """Offer no other codec for pictures than this one."""
        known = RTCRtpSender.getCapabilities("video").codecs
        for one in self.connection.getTransceivers():
            if one.kind == "video":
                one.setCodecPreferences([each for each in known if each.mimeType == codec])

    async def offer(self) -> None:
        """Offer, and take the leg's answer."""
        await self.take_answer(await self.leg.answer(await self.make_offer()))

    async def see_in(self, mid: str, frames: int) -> None:
        """Wait until so many frames came in a section."""
        async with asyncio.timeout(60):
            while self.frames[mid] < frames:
                self._stirred.clear()
                await self._stirred.wait()

    def _name_of(self, track: MediaStreamTrack) -> str:
        return self.mid_of(track)


@asynccontextmanager
async def far_end(leg: Leg, slots: int = 1, only: str = "") -> AsyncIterator[FarEnd]:
    """A far end that has been answered; closed with its leg."""
    end = FarEnd(leg, slots)
    if only:
        end.take_only(only)
    try:
        await end.offer()
        yield end
    finally:
        await end.end()
        await leg.close()

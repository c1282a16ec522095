"""What every end of a call does with what it is sent: read it, count it, say when it came."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence

from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from .sources import Pattern, Tone

Sources = Callable[[], Sequence[MediaStreamTrack]]


def camera_and_microphone() -> list[MediaStreamTrack]:
    """Return fresh generated sources: a connection uses its tracks up."""
    return [Pattern(), Tone()]


class Receiving(ABC):
    """Reads remote tracks for as long as they live, and counts their frames by their names."""

    def __init__(self) -> None:
        """Begin with nothing received."""
        self.frames: Counter[str] = Counter()  # By "<stream>/<audio or video>".
        self.first_frame = asyncio.Event()  # Of a picture, not of sound.
        self.first_frame_at: float | None = None  # time.perf_counter()
        self.connected = asyncio.Event()
        self.broken = asyncio.Event()
        self.states: asyncio.Queue[str] = asyncio.Queue()  # As `seat.reported` names them.
        self._stirred = asyncio.Event()  # Something came, or the connection broke.
        self._drains: set[asyncio.Task[None]] = set()

    @abstractmethod
    def _name_of(self, track: MediaStreamTrack) -> str:
        """Return under which name a track's next frame is counted."""

    @property
    def pictures(self) -> int:
        """Return how many video frames were received, of all streams together."""
        return sum(count for name, count in self.frames.items() if name.endswith("/video"))

    async def see(self, pictures: int = 1, within: float = 30.0) -> None:
        """Wait until so many pictures have been received, of all streams and since the start.

        Raises TimeoutError after `within` seconds, ConnectionError if the connection breaks.
        """
        async with asyncio.timeout(within):
            while self.pictures < pictures:
                if self.broken.is_set():
                    raise ConnectionError("the connection broke")
                self._stirred.clear()
                await self._stirred.wait()

    def _note(self, state: str) -> None:
        """Tell those who wait what has become of the connection."""
        if state == "connected":
            self.connected.set()
            self.states.put_nowait("connected")
        elif state == "failed":
            self.connected.clear()
            self.broken.set()
            self.states.put_nowait("interrupted")
            self._stirred.set()

    def _drain(self, track: MediaStreamTrack) -> None:
        """Read a remote track for as long as it lives: aiortc's queues have no bound."""
        drain = asyncio.ensure_future(self._count(track))
        self._drains.add(drain)
        drain.add_done_callback(self._drains.discard)

    async def _count(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                await track.recv()
            except MediaStreamError:
                return
            self.frames[self._name_of(track)] += 1
            self._stirred.set()
            if track.kind == "video" and not self.first_frame.is_set():
                self.first_frame_at = time.perf_counter()
                self.first_frame.set()

    async def _stop_draining(self) -> None:
        for drain in self._drains:
            drain.cancel()
        await asyncio.gather(*self._drains, return_exceptions=True)
        self._drains.clear()

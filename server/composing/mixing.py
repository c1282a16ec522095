"""All lanes' sound in one: added up, and held below the loudest that there is."""

from __future__ import annotations

from fractions import Fraction

from av.audio.frame import AudioFrame
from av.error import BlockingIOError as NothingYet
from av.error import EOFError as NothingMore
from av.filter import Graph

from server.composing.reels import RATE


class Mixer:
    """Adds so many lanes up."""

    def __init__(self, lanes: int) -> None:
        """Build the graph."""
        self._graph = Graph()
        self._at = 0
        mix = self._graph.add("amix", f"inputs={lanes}:normalize=0:duration=longest")
        self._ins = []
        for lane in range(lanes):
            source = self._graph.add_abuffer(
                sample_rate=RATE, format="s16", layout="stereo", time_base=Fraction(1, RATE)
            )
            source.link_to(mix, 0, lane)
            self._ins.append(source)
        limit = self._graph.add("alimiter", "limit=0.95:level=disabled:latency=1")
        form = self._graph.add("aformat", "sample_fmts=fltp:channel_layouts=stereo")
        out = self._graph.add("abuffersink")
        mix.link_to(limit)
        limit.link_to(form)
        form.link_to(out)
        self._out = out
        self._graph.configure()

    def mix(self, pieces: list[bytes], samples: int) -> list[AudioFrame]:
        """Give every lane's next samples in; return what comes out."""
        for source, piece in zip(self._ins, pieces, strict=True):
            frame = AudioFrame(format="s16", layout="stereo", samples=samples)
            frame.sample_rate, frame.pts, frame.time_base = RATE, self._at, Fraction(1, RATE)
            frame.planes[0].update(piece)
            source.push(frame)
        self._at += samples
        return self._pull()

    def close(self) -> list[AudioFrame]:
        """Return what was still on its way."""
        for source in self._ins:
            source.push(None)
        return self._pull()

    def _pull(self) -> list[AudioFrame]:
        found: list[AudioFrame] = []
        while True:
            try:
                frame = self._out.pull()
            except (NothingYet, NothingMore):
                return found
            assert isinstance(frame, AudioFrame)  # noqa: S101 (it comes out of a sound filter)
            found.append(frame)

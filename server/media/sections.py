"""What was negotiated, in the relay's own words: sections of a description and their codecs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from server.media.rtp import Extensions


@dataclass(frozen=True, slots=True)
class Codec:
    """One payload type of a section; `repairs` is the payload type that an RTX one stands for."""

    payload_type: int
    name: str
    clock: int
    parameters: tuple[tuple[str, str], ...]
    repairs: int | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """One negotiated m-line, from the browser's view: it sends in it, or receives, or neither.

    `ssrcs` are the browser's stream and its repair stream, `out_ssrcs` ours. `stream` is what the
    browser calls the stream it sends.
    """

    mid: str
    media: str
    sends: bool
    receives: bool
    stream: str
    ssrcs: tuple[int, ...]
    out_ssrcs: tuple[int, int]
    codecs: Mapping[int, Codec]
    extensions: Extensions

    @property
    def names(self) -> frozenset[str]:
        """The codecs in it, without what only repairs."""
        return frozenset(one.name for one in self.codecs.values() if one.repairs is None)

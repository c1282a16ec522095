"""Makes a live WebM seekable: finds its clusters, and writes the head that a player wants.

The recorder writes files of no known length, for it never goes back. What is said here is enough to
put a duration and an index before the very bytes that it wrote (RFC 8794, RFC 9559).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

EBML, SEGMENT, CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
_INFO, _TRACKS, _DURATION, _CUES, _CRC = 0x1549A966, 0x1654AE6B, 0x4489, 0x1C53BB6B, 0xBF
_CUE, _CUE_TIME, _CUE_PLACES, _CUE_TRACK, _CUE_PLACE = 0xBB, 0xB3, 0xB7, 0xF7, 0xF1
_TIME, _SIMPLE, _GROUP, _BLOCK, _REFERENCE = 0xE7, 0xA3, 0xA0, 0xA1, 0xFB
_MARK: Final = CLUSTER.to_bytes(4, "big")
# A name has four bytes at most, a length eight; what is no head after so many will be none.
_LONGEST_HEAD: Final = 12
_TIME_MARK: Final = bytes([_TIME])
# The muxer's first track is the picture.
_PICTURE: Final = 1
_KEY: Final = 0x80
# No cluster of ours is nearly as long: two seconds of a call.
MOST_CLUSTER_BYTES: Final = 32 << 20


@dataclass(frozen=True, slots=True)
class Cluster:
    """A whole cluster: where it stands in the stream, and from when to when it plays (ms)."""

    start: int
    size: int
    began: int
    ended: int
    key: int | None


@dataclass(slots=True)
class Scan:
    """Reads a file piece by piece and keeps what its head says and where its clusters are."""

    opening: bytes = b""
    about: bytes = b""
    tracks: bytes = b""
    clusters: list[Cluster] = field(default_factory=list)
    _held: bytearray = field(default_factory=bytearray)
    _at: int = 0
    _broken: bool = False

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of the stream."""
        self._held += piece
        going = True
        while going:
            if self._broken:
                self._find_cluster()
            going = not self._broken and self._take()

    def skip(self) -> None:
        """Know that bytes are missing here: go on with the next cluster that begins after them."""
        self._drop(len(self._held))
        self._broken = True

    def _find_cluster(self) -> None:
        found = self._held.find(_MARK)
        # The mark may have come by half.
        self._drop(found if found >= 0 else max(len(self._held) - len(_MARK) + 1, 0))
        self._broken = found < 0

    def _drop(self, count: int) -> None:
        del self._held[:count]
        self._at += count

    def _take(self) -> bool:
        """Take one element from the front; say whether there was a whole one."""
        head = _element(self._held, 0)
        if head is None:
            return len(self._held) >= _LONGEST_HEAD and self._pass_over()
        name, size, begins = head
        if name == SEGMENT:
            self._drop(begins)
            return True
        if size is None or self._is_false(name, size, begins):
            return self._pass_over()
        if len(self._held) < begins + size:
            return False
        self._keep(name, bytes(self._held[: begins + size]), begins)
        self._drop(begins + size)
        return True

    def _pass_over(self) -> bool:
        """Look on behind the first byte of what is no element: it was in the midst of a picture."""
        self._drop(1)
        self._broken = True
        return True

    def _is_false(self, name: int, size: int, begins: int) -> bool:
        """Say whether this is no element of ours; the muxer begins each cluster with its time."""
        if size > MOST_CLUSTER_BYTES:
            return True
        return name == CLUSTER and self._held[begins : begins + 1] not in (b"", _TIME_MARK)

    def _keep(self, name: int, whole: bytes, begins: int) -> None:
        # The muxer's own seek head and its padding are of no use in another head.
        if name == EBML:
            self.opening = whole
        elif name == _INFO:
            self.about = whole[begins:]
        elif name == _TRACKS:
            self.tracks = whole
        elif name == CLUSTER:
            self.clusters.append(_read_cluster(self._at, whole, begins))

    def head(self) -> bytes:
        """Return what stands before the clusters in a file that consists of just these."""
        clusters = sum(one.size for one in self.clusters)
        ended = max((one.ended for one in self.clusters), default=0)
        duration = _write(_DURATION, struct.pack(">d", float(ended)))
        kept = b"".join(
            whole for name, whole in _children(self.about, 0) if name not in {_DURATION, _CRC}
        )
        before = _write(_INFO, kept + duration) + self.tracks
        # The index says where clusters are and stands before them: its own length counts.
        cues = self._cues(0)
        cues = self._cues(len(before) + len(cues))
        size = len(before) + len(cues) + clusters
        return self.opening + SEGMENT.to_bytes(4, "big") + _length(size) + before + cues

    def _cues(self, first: int) -> bytes:
        points, at = b"", first
        for one in self.clusters:
            if one.key is not None:
                place = _write(_CUE_TRACK, bytes([_PICTURE])) + _write(_CUE_PLACE, _eight(at))
                when = _write(_CUE_TIME, _eight(one.key))
                points += _write(_CUE, when + _write(_CUE_PLACES, place))
            at += one.size
        return _write(_CUES, points) if points else b""


def _read_cluster(start: int, whole: bytes, begins: int) -> Cluster:
    base, last, key = 0, 0, None
    for name, element in _children(whole, begins):
        head = _element(element, 0)
        assert head is not None  # noqa: S101 (it was found by its head)
        if name == _TIME:
            base = int.from_bytes(element[head[2] :], "big")
            last = base
        elif name in {_SIMPLE, _GROUP}:
            track, moment, is_key = _read_block(name, element, head[2])
            last = max(last, base + moment)
            if track == _PICTURE and is_key and key is None:
                key = base + moment
    return Cluster(start, len(whole), base, last, key)


def _read_block(name: int, element: bytes, begins: int) -> tuple[int, int, bool]:
    """Return a block's track, its time in its cluster, and whether it stands alone."""
    block, is_key = b"", False
    if name == _SIMPLE:
        block = element[begins : begins + 4]
    else:
        inside = dict(_children(element, begins))
        head = _element(inside.get(_BLOCK, b""), 0)
        if head is not None:
            block = inside[_BLOCK][head[2] : head[2] + 4]
        is_key = _REFERENCE not in inside
    if len(block) < 4:  # noqa: PLR2004 (track, time and flags)
        return 0, 0, False
    if name == _SIMPLE:
        is_key = bool(block[3] & _KEY)
    return block[0] & 0x7F, int.from_bytes(block[1:3], "big", signed=True), is_key


def _children(content: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Yield the elements inside one, each as a whole with its head."""
    while (head := _element(content, at)) is not None:
        name, size, begins = head
        if size is None or begins + size > len(content):
            return
        yield name, content[at : begins + size]
        at = begins + size


def _element(content: bytes | bytearray, at: int) -> tuple[int, int | None, int] | None:
    """Return an element's name, its size (None: unknown), and where its content begins."""
    name = _number(content, at)
    if name is None:
        return None
    size = _number(content, name[1])
    if size is None:
        return None
    width = size[1] - name[1]
    value = size[0] & ((1 << 7 * width) - 1)
    return name[0], None if value == (1 << 7 * width) - 1 else value, size[1]


def _number(content: bytes | bytearray, at: int) -> tuple[int, int] | None:
    """Return a number of variable length with its marker bit, and where it ends."""
    if at >= len(content):
        return None
    width = 9 - content[at].bit_length()
    if width > 8 or at + width > len(content):  # noqa: PLR2004 (the longest that EBML has)
        return None
    return int.from_bytes(content[at : at + width], "big"), at + width


def _eight(value: int) -> bytes:
    return value.to_bytes(8, "big")


def _length(size: int) -> bytes:
    return _eight(size | 1 << 56)


def _write(name: int, content: bytes) -> bytes:
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + _length(len(content)) + content

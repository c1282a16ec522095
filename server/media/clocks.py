"""When a frame was taken, by its sender's own clock (RFC 3550, 6.4.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from server.media.rtcp import SenderInfo

_HALF: Final = 1 << 31
_WRAP: Final = 1 << 32
# NTP counts from 1900, UNIX from 1970.
NTP_TO_UNIX: Final = 2_208_988_800
# A clock that runs is never this many seconds from where it was: what says so is wrong.
FAR: Final = 10.0


@dataclass(slots=True)
class Clock:
    """Turns one stream's RTP times (`rate` per second, wrapping at 32 bit) into seconds.

    Sound and picture of one sender are put together by its reports, never by when packets arrive:
    that was 41 ms off where reports were 7 (measured).
    """

    rate: int
    _last: int | None = None
    _ticks: int = 0
    _offset: float | None = None

    def unwrap(self, stamp: int) -> int:
        """Return a time that goes on where 32 bits wrap; a little backwards stays backwards."""
        if self._last is not None:
            step = (stamp - self._last) & 0xFFFFFFFF
            self._ticks += step - _WRAP if step >= _HALF else step
        else:
            self._ticks = stamp
        self._last = stamp
        return self._ticks

    @property
    def known(self) -> bool:
        """Whether the sender has said what its times mean."""
        return self._offset is not None

    def set(self, info: SenderInfo) -> None:
        """Take a sender report: from now on its word counts, so that no drift adds up.

        One that is far off what is known is not believed.
        """
        if info.ntp == 0:
            return
        offset = info.ntp / _WRAP - NTP_TO_UNIX - self._peek(info.rtp) / self.rate
        if self._offset is None or abs(offset - self._offset) <= FAR:
            self._offset = offset

    def assume(self, ticks: int, unix_time: float) -> None:
        """Take the arrival of a frame for its time, where a sender makes no reports."""
        self._offset = unix_time - ticks / self.rate

    def seconds(self, ticks: int) -> float:
        """Return the UNIX time of an unwrapped time."""
        return (self._offset or 0.0) + ticks / self.rate

    def _peek(self, stamp: int) -> int:
        """Return a report's time on our scale without moving it."""
        if self._last is None:
            return stamp
        step = (stamp - self._last) & 0xFFFFFFFF
        return self._ticks + (step - _WRAP if step >= _HALF else step)

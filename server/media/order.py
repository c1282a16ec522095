"""Packets back in their order, with the holes told that nobody filled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")

_HALF: Final = 0x8000
# A sender that begins anew jumps further than any hole is wide.
_FURTHEST: Final = 2_000


@dataclass(frozen=True, slots=True)
class Hole:
    """So many packets were lost for good here."""

    packets: int


@dataclass(slots=True)
class Window(Generic[Item]):
    """Gives packets out by their 16-bit numbers; waits `patience` seconds for one that is late."""

    patience: float
    lost: int = 0
    _next: int | None = None
    _held: dict[int, tuple[Item, float]] = field(default_factory=dict)

    def follows(self, number: int) -> bool:
        """Say whether a packet is the very next one with nothing held, and let it pass."""
        if number != self._next or self._held:
            return False
        self._next = (number + 1) & 0xFFFF
        return True

    def push(self, number: int, item: Item, now: float) -> Iterator[Item | Hole]:
        """Take a packet, and yield what its coming sets free; what came too late is dropped."""
        if self._next is None:
            self._next = number
        ahead = (number - self._next) & 0xFFFF
        if ahead >= _HALF or number in self._held:
            return
        if ahead > _FURTHEST:
            yield from self._begin_anew(number)
        if number == self._next and not self._held:
            self._next = (number + 1) & 0xFFFF
            yield item
            return
        self._held[number] = item, now
        yield from self.release(now)

    def release(self, now: float) -> Iterator[Item | Hole]:
        """Yield what is in order by now, and a Hole for each gap that was waited for enough."""
        while self._held and self._next is not None:
            found = self._held.pop(self._next, None)
            if found is not None:
                self._next = (self._next + 1) & 0xFFFF
                yield found[0]
                continue
            after = min(self._held, key=self._ahead)
            if now - self._held[after][1] < self.patience:
                return
            missing = self._ahead(after)
            self.lost += missing
            self._next = after
            yield Hole(missing)

    def missing(self, most: int = 256) -> list[int]:
        """Return the numbers that are waited for, in their order."""
        if not self._held or self._next is None:
            return []
        width = max(self._ahead(number) for number in self._held)
        first = self._next
        found = [number for step in range(width) if (number := (first + step) & 0xFFFF)
                 not in self._held]  # fmt: skip
        return found[:most]

    def drain(self) -> Iterator[Item | Hole]:
        """Yield all that is held, for nothing more will come."""
        yield from self.release(float("inf"))

    def _begin_anew(self, number: int) -> Iterator[Item | Hole]:
        yield from self.drain()
        yield Hole(0)
        self._next = number

    def _ahead(self, number: int) -> int:
        return (number - (self._next or 0)) & 0xFFFF

"""A room: the legs of one call, and which streams go to whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from server.media.forwarding import KINDS, Kind, Slot, Source
from server.media.frames import RECORDABLE
from server.media.legs import Leg

MOST_SLOTS: Final = {"audio": 8, "video": 16}


@dataclass(frozen=True, slots=True)
class Place:
    """One seat of a call on this worker: its connection, and the seats whose streams it gets.

    `recorded`: what it sends goes into a file, which has a place for one codec only.
    """

    seat_id: str
    leg: Leg
    hears: frozenset[str]
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class Stream:
    """What comes into a section of a browser: whose stream, and of which kind."""

    mid: str
    seat_id: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many sections of each kind a browser must have to see and hear all it should.

    `again`: it must offer again even so, to be answered otherwise.
    """

    audio: int
    video: int
    again: bool = False


@dataclass(eq=False)
class Room:
    """One call. `mapped` and `wanted` tell a leg what changed for it."""

    call_id: str
    mapped: Callable[[Leg, list[Stream]], None]
    wanted: Callable[[Leg, Wanted], None]
    places: dict[str, Place] = field(default_factory=dict)
    _told: dict[str, list[Stream]] = field(default_factory=dict)

    def seat(self, places: Mapping[str, Place]) -> None:
        """Have exactly these seats in the call; what goes on as it was is not disturbed."""
        for seat_id, place in self.places.items():
            now = places.get(seat_id)
            if now is None or now.leg is not place.leg:
                self._clear(place)
        self.places = dict(places)
        self.arrange()

    def arrange(self) -> None:
        """Link every stream to everybody who should get it, as their slots allow."""
        for place in self.places.values():
            self._arrange(place)
        for place in self.places.values():
            self._agree(place)

    def _agree(self, place: Place) -> None:
        """Have a leg send its pictures in what all take who get them, if there is such a codec.

        While it is recorded the file comes before who watches.
        """
        leg = place.leg
        pictures = [one for one in leg.sources.values() if one.section.media == "video"]
        taken = [link.slot.section.names for source in pictures for link in source.links]
        common = frozenset.intersection(*taken) if taken else frozenset()
        if leg.prefer(recordable(leg) if place.recorded else common):
            self._ask_again(leg)

    def _ask_again(self, leg: Leg) -> None:
        slots = [slot.section.media for slot in leg.slots.values()]
        self.wanted(leg, Wanted(slots.count("audio"), slots.count("video"), again=True))

    def _arrange(self, place: Place) -> None:
        leg = place.leg
        due = {id(source): (seat, source) for seat, source in self._due(place)}
        for slot in leg.slots.values():
            fed = leg.feeds(slot)
            if fed is not None and id(fed) not in due:
                leg.unlink(slot)
        fed_by = {id(fed) for slot in leg.slots.values() if (fed := leg.feeds(slot)) is not None}
        for seat_id, source in [one for key, one in due.items() if key not in fed_by]:
            free = self._free_slot(place, seat_id, source)
            if free is not None:
                leg.link(source, free, self.places[seat_id].leg)
        self._tell(place, list(due.values()))

    def _due(self, place: Place) -> list[tuple[str, Source]]:
        """Return the streams a seat should get, cameras first."""
        found = [
            (other.seat_id, source)
            for other in self.places.values()
            if other.seat_id in place.hears and other.leg is not place.leg
            for source in other.leg.sources.values()
        ]
        found.sort(key=lambda one: KINDS.index(one[1].kind))
        counts: dict[str, int] = {}
        kept = []
        for seat_id, source in found:
            media = source.section.media
            counts[media] = counts.get(media, 0) + 1
            if counts[media] <= MOST_SLOTS[media]:
                kept.append((seat_id, source))
        return kept

    def _free_slot(self, place: Place, seat_id: str, source: Source) -> Slot | None:
        """Return the slot beside the seat's other stream of this kind, or any other free one.

        Slots of one number are one stream to the browser, which keeps voice and lips together.
        """
        leg, media = place.leg, source.section.media
        alike = [slot for slot in leg.slots.values() if slot.section.media == media]
        others = [slot for slot in leg.slots.values() if slot.section.media != media]
        for number, slot in enumerate(alike):
            beside = leg.feeds(others[number]) if number < len(others) else None
            partner = beside is not None and self._is_of(beside, seat_id, source.kind)
            if partner and leg.feeds(slot) is None:
                return slot
        return next((slot for slot in alike if leg.feeds(slot) is None), None)

    def _is_of(self, source: Source, seat_id: str, kind: str) -> bool:
        ours = self.places[seat_id].leg.sources.values()
        return source.kind == kind and any(one is source for one in ours)

    def _tell(self, place: Place, due: list[tuple[str, Source]]) -> None:
        leg = place.leg
        owners = {id(source): seat_id for seat_id, source in due}
        streams = [
            Stream(mid, owners[id(fed)], fed.kind)
            for mid, slot in leg.slots.items()
            if (fed := leg.feeds(slot)) is not None and id(fed) in owners
        ]
        if self._told.get(leg.id) != streams:
            self._told[leg.id] = streams
            self.mapped(leg, streams)
        if len(streams) < len(due):
            count = {"audio": 0, "video": 0}
            for _, source in due:
                count[source.section.media] += 1
            self.wanted(leg, Wanted(count["audio"], count["video"]))

    def repeat(self, leg: Leg) -> None:
        """Tell a leg again what comes into its slots and what it is to do, if it is in here."""
        for place in self.places.values():
            if place.leg is leg:
                self._told.pop(leg.id, None)
                self._arrange(place)
                if leg.must_offer:
                    self._ask_again(leg)

    def _clear(self, place: Place) -> None:
        """Let a seat's leg go: it feeds nobody here, and nobody here feeds it."""
        leg = place.leg
        for slot in leg.slots.values():
            leg.unlink(slot)
        for source in leg.sources.values():
            for link in list(source.links):
                source.links.remove(link)
        for other in self.places.values():
            for slot in other.leg.slots.values():
                fed = other.leg.feeds(slot)
                if fed is not None and any(fed is source for source in leg.sources.values()):
                    other.leg.unlink(slot)
        if self._told.pop(leg.id, None):
            self.mapped(leg, [])

    def close(self) -> None:
        """End the call; its legs live on for the next one."""
        self.seat({})


def recordable(leg: Leg) -> frozenset[str]:
    """Return what a leg's file goes on having a place for: what its camera is sent in, or any."""
    cameras = [
        next(iter(one.section.codecs.values())).name
        for one in leg.sources.values()
        if one.kind == "camera" and one.section.media == "video"
    ]
    return RECORDABLE.intersection(cameras) or RECORDABLE

"""The rules of relays: how long workers and legs are believed in, and which worker takes a leg."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

# A worker reports every two seconds, and connects again within two after a restart of ours.
WORKER_LEASE: Final = timedelta(seconds=10)
# A connected leg's lease is renewed while its socket lives.
LEG_LEASE: Final = timedelta(seconds=60)
# A cut of a socket keeps its legs so long: its tab comes back and names them.
LEG_OUTLIVES_SOCKET: Final = timedelta(seconds=30)
# A leg that never came about is given up; its worker gives up ten seconds earlier.
OPENING_LASTS: Final = timedelta(seconds=30)


class LegState(enum.StrEnum):
    """Where a leg stands; one that is over has no row."""

    OPENING = "opening"
    CONNECTED = "connected"


class Lost(enum.StrEnum):
    """Why a tab must open another leg."""

    WORKER = "worker_lost"
    CONNECTION = "connection_lost"


@dataclass(frozen=True, slots=True)
class Tab:
    """Whose leg it is: a socket, its login, and who is behind it, as seats name them."""

    sid: str
    login_id: str
    holder: str


@dataclass(frozen=True, slots=True)
class Load:
    """What a live worker can take, and what it has."""

    worker_id: str
    capacity: int
    legs: int


def choose_worker(loads: Iterable[Load]) -> str | None:
    """Return the worker to open a leg on: the one with the smallest part of its capacity taken.

    By parts and not by numbers, for machines differ; of equals the first by its id, so that
    every process of the service chooses the same.
    """
    able = [one for one in loads if one.legs < one.capacity]
    best = min(able, key=lambda one: (one.legs / one.capacity, one.worker_id), default=None)
    return None if best is None else best.worker_id


def choose_meeting_point(loads: Iterable[Load], key: str) -> str | None:
    """Return the worker on which all who know `key` meet, whoever of them asks and when.

    Those who have no worker in common yet open their legs apart from each other: by loads they
    would come apart, so the key decides (the highest random weight).
    """

    def weight(one: Load) -> bytes:
        return hashlib.sha256(f"{key}:{one.worker_id}".encode()).digest()

    able = [one for one in loads if one.legs < one.capacity]
    best = max(able, key=weight, default=None)
    return None if best is None else best.worker_id


def must_renew(lease_until: datetime, now: datetime) -> bool:
    """Say whether a worker's lease is to be written anew: at half time, not with every report."""
    return lease_until - now < WORKER_LEASE / 2

"""Every Socket.IO room name; nobody writes one by hand."""

from __future__ import annotations

from typing import Final

# The namespace of media workers; every other room is of the namespace of all.
MEDIA: Final = "/media"


def clerk(clerk_id: str) -> str:
    """All sockets of one clerk."""
    return f"clerk:{clerk_id}"


def login(login_id: str) -> str:
    """All sockets of one login."""
    return f"login:{login_id}"


def case(case_id: str) -> str:
    """Everyone who watches a case."""
    return f"case:{case_id}"


def hall(hall_id: str) -> str:
    """The clerks at the counters of a hall."""
    return f"hall:{hall_id}"


def queue(region: str) -> str:
    """The staff of a jurisdiction, who see its waiting line."""
    return f"queue:{region}"


def board(region: str) -> str:
    """The supervisors of a region."""
    return f"board:{region}"


def boards(*regions: str) -> set[str]:
    """The supervisors who see to places: those of each, and those of its province."""
    return {board(code) for region in regions for code in (region, f"{region[:2]}0000")}


def deciding(jurisdiction: str) -> list[str]:
    """All who may decide on what a jurisdiction's clerks ask for, each room once and in order."""
    return sorted({queue(jurisdiction), *boards(jurisdiction)})


def counter(counter_id: str) -> str:
    """The facing screen of a counter."""
    return f"counter:{counter_id}"


def seat(seat_id: str) -> str:
    """The one socket that holds a seat."""
    return f"seat:{seat_id}"


def socket(sid: str) -> str:
    """One socket: Socket.IO gives each a room under its own id."""
    return sid


def worker(worker_id: str) -> str:
    """The one socket of a media worker, in the namespace of workers."""
    return f"worker:{worker_id}"

"""Every Socket.IO room name; nobody writes one by hand."""

from __future__ import annotations


def clerk(clerk_id: str) -> str:
    """All sockets of one clerk."""
    return f"clerk:{clerk_id}"


def login(login_id: str) -> str:
    """All sockets of one login."""
    return f"login:{login_id}"


def case(case_id: str) -> str:
    """Everyone who watches a case."""
    return f"case:{case_id}"


def queue(region: str) -> str:
    """The staff of a jurisdiction, who see its waiting line."""
    return f"queue:{region}"


def board(region: str) -> str:
    """The supervisors of a region."""
    return f"board:{region}"


def counter(counter_id: str) -> str:
    """The facing screen of a counter."""
    return f"counter:{counter_id}"


def seat(seat_id: str) -> str:
    """The one socket that holds a seat."""
    return f"seat:{seat_id}"

"""Parts of a file, as a player asks for them (RFC 9110, 14)."""

from __future__ import annotations

import re

from server.errors import ServiceError

_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")


def read_range(header: str, size: int, most: int) -> tuple[int, int]:
    """Return where the first range asked for begins and how long it is, at most `most` bytes.

    A player asks on where an answer ended. Refuses range.unsatisfiable, as where none is asked
    for: nothing here is given out whole.
    """
    found = _RANGE.fullmatch(header)
    if found is None or found.groups() == ("", ""):
        raise ServiceError("range.unsatisfiable", size=size)
    first, last = found.groups()
    if not first:
        begins, ends = max(size - int(last), 0), size
    else:
        begins, ends = int(first), min(int(last) + 1, size) if last else size
    if begins >= ends:
        raise ServiceError("range.unsatisfiable", size=size)
    return begins, min(ends - begins, most)

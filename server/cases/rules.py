"""The rules of a case: its states, its number, its hash-chained log."""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from server.errors import ServiceError

CHINA: Final = ZoneInfo("Asia/Shanghai")
FIRST_HASH: Final = "0" * 64


class CaseState(enum.StrEnum):
    """Where a case stands."""

    DRAFT = "draft"
    WAITING = "waiting"
    IN_CALL = "in_call"
    WITH_JURISDICTION = "with_jurisdiction"
    CERTIFIED = "certified"
    SETTLED = "settled"
    RETURNED = "returned"
    REFUSED = "refused"
    PROMISED = "promised"
    WITHDRAWN = "withdrawn"


_S = CaseState
MOVES: Final[Mapping[CaseState, frozenset[CaseState]]] = {
    _S.DRAFT: frozenset({_S.WAITING, _S.WITHDRAWN}),
    # Back to draft or returned is a ticket given up: the case is as before it was taken.
    _S.WAITING: frozenset({_S.IN_CALL, _S.DRAFT, _S.RETURNED, _S.WITHDRAWN}),
    _S.IN_CALL: frozenset(
        {_S.CERTIFIED, _S.WAITING, _S.WITH_JURISDICTION, _S.RETURNED, _S.REFUSED, _S.PROMISED}
    ),
    _S.WITH_JURISDICTION: frozenset({_S.CERTIFIED, _S.REFUSED}),
    # Back to work is a case whose last certificate was revoked before anyone settled with it.
    _S.CERTIFIED: frozenset({_S.SETTLED, _S.IN_CALL, _S.RETURNED}),
    _S.SETTLED: frozenset(),
    _S.RETURNED: frozenset({_S.WAITING, _S.WITHDRAWN}),
    _S.REFUSED: frozenset(),
    _S.PROMISED: frozenset({_S.SETTLED}),
    _S.WITHDRAWN: frozenset(),
}
OVER: Final = frozenset(state for state, moves in MOVES.items() if not moves)


class Side(enum.StrEnum):
    """Which of the two halls."""

    LOCAL = "local"
    JURISDICTION = "jurisdiction"


class Origin(enum.StrEnum):
    """How a material came to the case."""

    UPLOAD = "upload"
    DOCUMENT_CAMERA = "document_camera"
    STILL = "still"
    SIGNATURE = "signature"


class CheckKind(enum.StrEnum):
    """What was checked."""

    IDENTITY = "identity"
    MATERIAL = "material"
    ELIGIBILITY = "eligibility"
    OTHER = "other"


class ConsentState(enum.StrEnum):
    """Whether the citizen has agreed to what the notice says."""

    NONE = "none"
    ASKED = "asked"
    GIVEN = "given"
    REFUSED = "refused"


def require_move(current: CaseState, target: CaseState) -> None:
    """Refuse case.wrong_state if no case may go from `current` to `target`."""
    if target not in MOVES[current]:
        raise ServiceError("case.wrong_state", state=current.value)


def china_day(moment: datetime) -> date:
    """Return the day it is in China at an instant."""
    return moment.astimezone(CHINA).date()


def case_number(region: str, day: date, serial: int) -> str:
    """Return a case's number, such as 320509-20261122-000017."""
    return f"{region}-{day:%Y%m%d}-{serial:06d}"


def covered(  # the arguments are exactly what the hash covers
    *,
    case_id: str,
    seq: int,
    at: datetime,
    actor: Mapping[str, str],
    kind: str,
    data: Mapping[str, object],
    prev_hash: str,
) -> dict[str, object]:
    """Return what one event's hash covers, the last event's hash included."""
    return {
        "case_id": case_id,
        "seq": seq,
        "at": at.astimezone(ZoneInfo("UTC")).isoformat(timespec="microseconds"),
        "actor": actor,
        "kind": kind,
        "data": data,
        "prev_hash": prev_hash,
    }


def event_hash(
    *,
    case_id: str,
    seq: int,
    at: datetime,
    actor: Mapping[str, str],
    kind: str,
    data: Mapping[str, object],
    prev_hash: str,
) -> str:
    """Return the SHA-256 of one event over its canonical JSON, the last event's hash included."""
    said = covered(
        case_id=case_id, seq=seq, at=at, actor=actor, kind=kind, data=data, prev_hash=prev_hash
    )
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()

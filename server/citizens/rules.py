"""How long links, codes and logins live, and what the facing screen shows when."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from server.cases.rules import CaseState, ConsentState

PICKUP_LIVES: Final = timedelta(hours=24)
CITIZEN_LOGIN_LIVES: Final = timedelta(days=30)
PAIRING_LIVES: Final = timedelta(minutes=2)
DEVICE_LOGIN_LIVES: Final = timedelta(days=180)
# The next citizen must not read what concerned the last one.
SHOWN_AFTER: Final = timedelta(minutes=15)
BAD_LEVEL: Final = 2

CODE_DIGITS: Final = 6


class Step(enum.StrEnum):
    """What the citizen in front of the screen is asked to look at."""

    IDLE = "idle"
    WAITING = "waiting"
    IN_CALL = "in_call"
    CONSENT = "consent"
    CERTIFICATE = "certificate"
    DONE = "done"


class Way(enum.StrEnum):
    """By which way a rating came."""

    FACING = "facing"
    PHONE = "phone"


_S = CaseState
_STEPS: Final = {
    _S.WAITING: Step.WAITING,
    _S.IN_CALL: Step.IN_CALL,
    _S.CERTIFIED: Step.CERTIFICATE,
    _S.SETTLED: Step.DONE,
    _S.RETURNED: Step.DONE,
    _S.REFUSED: Step.DONE,
    _S.PROMISED: Step.DONE,
    _S.WITH_JURISDICTION: Step.DONE,
}
_MAY_ASK: Final = frozenset({_S.DRAFT, _S.WAITING, _S.IN_CALL, _S.RETURNED})
# What stays on the screen however long it takes.
STAYS: Final = frozenset({_S.WAITING, _S.IN_CALL})
RATEABLE: Final = frozenset({_S.CERTIFIED, _S.SETTLED, _S.REFUSED, _S.PROMISED})


@dataclass(frozen=True, slots=True)
class AtCounter:
    """What decides whether the screen shows a case, and how.

    `touched_at`: when somebody at the counter or in its call last did anything on it.
    """

    case_id: str
    state: CaseState
    consent: ConsentState
    opened_at: datetime
    touched_at: datetime
    has_call: bool = False

    @property
    def stays(self) -> bool:
        """Whether its citizen is still there, however long it takes."""
        return self.state in STAYS or self.has_call


def step_of(case: AtCounter) -> Step:
    """Return the step of a case at the counter; a draft shows nothing until consent is asked."""
    if case.consent is ConsentState.ASKED and case.state in _MAY_ASK:
        return Step.CONSENT
    return _STEPS.get(case.state, Step.IDLE)


def choose_case(cases: Iterable[AtCounter], now: datetime) -> AtCounter | None:
    """Return the case that the citizen at a counter is there for, if any.

    The one in a call comes first, then the one asked for consent, then the one touched last. A
    case that waits or is in a call stays, however long that takes; any other leaves the screen
    SHOWN_AFTER it was touched, and at once when another case is opened: for the next citizen.
    """
    known = list(cases)
    last_opened = max((case.opened_at for case in known), default=now)
    shown = [
        case
        for case in known
        if step_of(case) is not Step.IDLE
        and (case.stays or (now - case.touched_at < SHOWN_AFTER and case.touched_at >= last_opened))
    ]
    return max(
        shown,
        key=lambda case: (
            case.state is CaseState.IN_CALL or case.has_call,
            step_of(case) is Step.CONSENT,
            case.touched_at,
            case.case_id,
        ),
        default=None,
    )

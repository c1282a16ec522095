"""What the register is asked for: where a certificate stands on a day, and whole days of China."""

from __future__ import annotations

import enum
from datetime import date, datetime, time, timedelta

from server.cases.rules import CHINA
from server.certificates.rules import CertificateState, VerdictKind, standing


class Standing(enum.StrEnum):
    """Where a released certificate stands today."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"


def standing_of(state: CertificateState, valid_until: date | None, today: date) -> Standing:
    """Return where a released certificate stands; what fell stays fallen when its time is over."""
    found = standing(state, valid_until, today)
    return Standing.VALID if found is VerdictKind.GENUINE else Standing(found.value)


def begin_of(day: date) -> datetime:
    """Return the instant at which a day begins in China."""
    return datetime.combine(day, time.min, CHINA)


def end_of(day: date) -> datetime:
    """Return the instant at which a day is over in China."""
    return begin_of(day) + timedelta(days=1)

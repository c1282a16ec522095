"""What the register is asked for: where a certificate stands on a day, and whole days of China."""

from __future__ import annotations

import enum
from datetime import date, datetime, time, timedelta

from server.cases.rules import CHINA
from server.certificates.rules import CertificateState


class Standing(enum.StrEnum):
    """Where a released certificate stands today."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"


def standing_of(state: CertificateState, valid_until: date | None, today: date) -> Standing:
    """Return where a released certificate stands; what fell stays fallen when its time is over."""
    if state is CertificateState.REVOKED:
        return Standing.REVOKED
    if state is CertificateState.SUPERSEDED:
        return Standing.SUPERSEDED
    expired = valid_until is not None and valid_until < today
    return Standing.EXPIRED if expired else Standing.VALID


def begin_of(day: date) -> datetime:
    """Return the instant at which a day begins in China."""
    return datetime.combine(day, time.min, CHINA)


def end_of(day: date) -> datetime:
    """Return the instant at which a day is over in China."""
    return begin_of(day) + timedelta(days=1)

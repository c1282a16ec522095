"""The rules of certificates: their states, their numbers, their codes, what a verdict says."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

from server.cases.rules import china_day
from server.errors import ServiceError
from server.items.rules import Item
from server.items.values import ReviewRule

# Nothing that is read aloud or copied by hand wrongly: no 0 O, 1 I L.
CODE_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
CODE_LENGTH: Final = 10
# A certificate that was reserved longer ago than this is drawn with a new signing time.
RESUMED_WITHIN: Final = timedelta(hours=1)
LAST_SERIAL: Final = 9_999_999
REASON_LENGTH: Final = 500
LIST_FRESH: Final = timedelta(days=1)
# How long a hall has to say what it did about a certificate that it relied on and that fell.
ACKNOWLEDGED_WITHIN: Final = timedelta(hours=24)
# How long after a second clerk approved what is to be issued it may be issued.
APPROVAL_LASTS: Final = timedelta(minutes=30)


class CertificateState(enum.StrEnum):
    """Where a certificate stands; a reserved one is shown to nobody."""

    RESERVED = "reserved"
    VALID = "valid"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"


class RequestState(enum.StrEnum):
    """What became of a request, to revoke or to issue, that a second person decides on."""

    OPEN = "open"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class ReviewFault(enum.StrEnum):
    """Why a review does not let somebody issue."""

    MISSING = "missing"
    PENDING = "pending"
    DECLINED = "declined"
    CHANGED = "changed"
    EXPIRED = "expired"
    USED = "used"
    OWN = "own"
    REVIEWER_GONE = "reviewer_gone"


class Cause(enum.StrEnum):
    """Why a certificate that a hall relied on counts no more."""

    REVOKED = "revoked"
    SUPERSEDED = "superseded"


class Outcome(enum.StrEnum):
    """What the hall did about what it had settled."""

    RECOVERED = "recovered"
    REVIEWED = "reviewed"
    NOTHING_NEEDED = "nothing_needed"


class VerdictKind(enum.StrEnum):
    """What anyone is told of a certificate."""

    GENUINE = "genuine"
    ALTERED = "altered"
    UNKNOWN = "unknown"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    UNREADABLE = "unreadable"
    CANNOT_TELL = "cannot_tell"


def serial_text(year: int, serial: int) -> str:
    """Return the SERIAL part of a certificate identifier: the year and seven digits.

    ValueError for a serial that does not fit: a fault of the register, not of anyone's input.
    """
    if not 0 < serial <= LAST_SERIAL:
        raise ValueError(f"the serial {serial} does not fit into seven digits")
    return f"{year:04d}{serial:07d}"


def clean_number(text: str) -> str:
    """Return a number as it is kept: people type blanks, full-width and small letters.

    What can be no number is looked up like one: a caller learns nothing from the form.
    """
    return "".join(text.split()).translate(_FULL_WIDTH).upper()


def clean_code(text: str) -> str:
    """Return a check code as it is kept."""
    return clean_number(text).replace("-", "")


def standing(state: CertificateState, valid_until: date | None, today: date) -> VerdictKind:
    """Return what the register alone says of a certificate that it knows."""
    if state is CertificateState.REVOKED:
        return VerdictKind.REVOKED
    if state is CertificateState.SUPERSEDED:
        return VerdictKind.SUPERSEDED
    if state is CertificateState.RESERVED:
        return VerdictKind.UNKNOWN
    expired = valid_until is not None and valid_until < today
    return VerdictKind.EXPIRED if expired else VerdictKind.GENUINE


def fall_context(certificate_id: str) -> str:
    """Return what is bound to it why a certificate counts no more."""
    return f"revocation:{certificate_id}"


def may_resume(signing_at: datetime, now: datetime) -> bool:
    """Say whether a reserved certificate may still bear its signing time: none is backdated."""
    return (
        china_day(signing_at) == china_day(now)
        and timedelta(0) <= now - signing_at < RESUMED_WITHIN
    )


def review_rule(item: Item, kind: str) -> ReviewRule | None:
    """Return what asks for a second clerk before an item's certificate is issued, if anything."""
    found = item.certificate(kind)
    return None if found is None else found.review


def approval_lasts(closed_at: datetime | None, now: datetime) -> bool:
    """Say whether what a second clerk approved then may be issued now."""
    return closed_at is not None and timedelta(0) <= now - closed_at < APPROVAL_LASTS


def is_fresh(issued_at: datetime, now: datetime) -> bool:
    """Say whether a status list may stay as it is while nothing changes: for a day."""
    return timedelta(0) <= now - issued_at < LIST_FRESH


def next_version(before: int, now: datetime) -> int:
    """Return a status list's version: the second it is made in, and above the one before it.

    So it rises even where a register was restored from a backup that knows an older one.
    """
    return max(before + 1, int(now.timestamp()))


def identity_checked(results: Iterable[tuple[datetime, bool]]) -> bool:
    """Say whether the last check of the applicant's identity passed.

    Of two at the very same instant both must have.
    """
    known = list(results)
    last = max((at for at, _ in known), default=None)
    return bool(known) and all(passed for at, passed in known if at == last)


def require_valid(state: CertificateState) -> None:
    """Refuse what may only be done with a valid certificate: certificate.revoked, …unknown."""
    if state is CertificateState.RESERVED:
        raise ServiceError("certificate.unknown")
    if state is not CertificateState.VALID:
        raise ServiceError("certificate.revoked", state=state.value)


def verify_address(public_url: str, number: str) -> str:
    """Return the page that verifies a certificate; the QR code adds its token as fragment."""
    return f"{public_url}/v/{number}"


_FULL_WIDTH = {0xFF01 + offset: 0x21 + offset for offset in range(94)}

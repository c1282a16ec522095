"""What a QR code or a number is worth offline: the signed trust list and the status list decide.

One verdict with its reason. Green needs everything: a code that one of the listed keys signed, a
trust list and a status list that still count, and the status list's word that the certificate is
valid. Where a list is missing, too old or of another office, nothing can be told.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date, datetime

from docs_gen import qr, statuslist
from docs_gen.data import CHINA
from docs_gen.statuslist import Status, StatusListError
from docs_gen.trustlist import TrustList
from docs_gen.verifying import Verdict


class Reason(enum.StrEnum):
    """Why a verdict is what it is."""

    LISTED = "listed_as_valid"
    REVOKED = "listed_as_revoked"
    SUPERSEDED = "listed_as_superseded"
    PAST_LAST_DAY = "past_its_last_day"
    NOT_SIGNED = "no_listed_key_signed_it"
    OTHER_NUMBER = "the_address_names_another_number"
    NOT_ISSUED = "listed_as_not_issued"
    TRUST_TOO_OLD = "the_trust_list_is_too_old"
    NO_STATUS_LIST = "there_is_no_status_list"
    STATUS_TOO_OLD = "the_status_list_is_too_old"
    STATUS_NOT_OURS = "no_listed_key_signed_the_status_list"
    STATUS_OF_OTHERS = "the_status_list_is_of_another_issuer_or_year"
    ISSUED_SINCE = "issued_since_the_status_list"


@dataclass(frozen=True, slots=True)
class Standing:
    """A verdict, its reason, and what the code says of its certificate if it can be believed."""

    verdict: Verdict
    reason: Reason
    claim: qr.Claim | None = None


_LISTED = {
    Status.REVOKED: (Verdict.REVOKED, Reason.REVOKED),
    Status.SUPERSEDED: (Verdict.SUPERSEDED, Reason.SUPERSEDED),
    Status.NOT_ISSUED: (Verdict.UNKNOWN, Reason.NOT_ISSUED),
}
_REFUSED = {
    "expired": Reason.STATUS_TOO_OLD,
    "older": Reason.STATUS_TOO_OLD,
    "other": Reason.STATUS_OF_OTHERS,
}


def judge_code(
    code: str, trust: TrustList, status_list: bytes | None, now: datetime, *, at_least: int = 0
) -> Standing:
    """Judge what a QR code holds: its whole address, or the token behind its #.

    `at_least` is the newest version of the status list that was ever seen.
    """
    address, _, token = code.strip().rpartition("#")
    try:
        claim = qr.read(token, trust.public_keys())
    except qr.TokenError:
        if trust.is_fresh(now):
            return Standing(Verdict.UNKNOWN, Reason.NOT_SIGNED)
        return Standing(Verdict.CANNOT_TELL, Reason.TRUST_TOO_OLD)
    if address and address.rpartition("/")[2] != claim.number:
        return Standing(Verdict.ALTERED, Reason.OTHER_NUMBER, claim)
    if not trust.is_fresh(now):
        return Standing(Verdict.CANNOT_TELL, Reason.TRUST_TOO_OLD, claim)
    verdict, reason = listed(
        claim.number, claim.issued_on, trust, status_list, now, at_least=at_least
    )
    if verdict is Verdict.GENUINE and claim.valid_until < now.astimezone(CHINA).date():
        verdict, reason = Verdict.EXPIRED, Reason.PAST_LAST_DAY
    return Standing(verdict, reason, claim)


def listed(
    number: str, issued_on: date, trust: TrustList, status_list: bytes | None, now: datetime,
    *, at_least: int = 0,
) -> tuple[Verdict, Reason]:  # fmt: skip
    """Return what a status list says of a number that a listed key signed.

    A certificate of the list's own day or later, which the list does not know, may be newer. No
    list of ours knows what is no number of ours.
    """
    if status_list is None:
        return Verdict.CANNOT_TELL, Reason.NO_STATUS_LIST
    try:
        one = statuslist.read(status_list, trust.public_keys(), now, at_least=at_least)
        status = one.status(statuslist.place_of(number))
    except StatusListError as error:
        return Verdict.CANNOT_TELL, _REFUSED.get(str(error), Reason.STATUS_NOT_OURS)
    except ValueError:
        return Verdict.CANNOT_TELL, Reason.STATUS_OF_OTHERS
    if status is Status.NOT_ISSUED and issued_on >= one.issued_at.astimezone(CHINA).date():
        return Verdict.CANNOT_TELL, Reason.ISSUED_SINCE
    return _LISTED.get(status, (Verdict.GENUINE, Reason.LISTED))

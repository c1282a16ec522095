"""What a detached SM2 signature beside a certificate is worth: one verdict with its reason."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from datetime import datetime

from docs_gen import sm2
from docs_gen.ca import CLOCK_SLACK
from docs_gen.sm2chain import ChainState, judge_chain
from docs_gen.sm2signing import NoSignatureError, Sm2Signature, read_signature
from docs_gen.trustlist import TrustList
from docs_gen.verifying import MAX_BYTES, Verdict, is_own


class Sm2Reason(enum.StrEnum):
    """Why a verdict on an SM2 signature is what it is."""

    HOLDS = "the_signature_holds"
    UNREADABLE = "no_sm2_signature"
    NOT_SOUND = "the_signature_was_altered"
    OTHER_FILE = "the_signature_is_of_another_file"
    OTHER_AUTHORITY = "the_number_is_of_another_authority"
    WRONG_TIME = "signed_outside_its_certificates_time"
    STRANGER = "the_signer_is_unknown"
    REVOKED = "the_certificate_was_revoked"
    ENDED = "the_certificate_has_ended"
    NO_LIST = "there_is_no_current_revocation_list"
    NO_ROOTS = "the_trust_list_has_no_sm2_roots"
    TRUST_TOO_OLD = "the_trust_list_is_too_old"


@dataclass(frozen=True, slots=True)
class Sm2Finding:
    """A verdict on a signature, its reason, and what it says of itself."""

    verdict: Verdict
    reason: Sm2Reason
    signer: str | None = None
    signed_at: datetime | None = None
    demo: bool = False


_CHAINS = {
    ChainState.HOLDS: (Verdict.GENUINE, Sm2Reason.HOLDS),
    ChainState.UNKNOWN: (Verdict.UNKNOWN, Sm2Reason.STRANGER),
    ChainState.REVOKED: (Verdict.REVOKED, Sm2Reason.REVOKED),
    ChainState.ENDED: (Verdict.CANNOT_TELL, Sm2Reason.ENDED),
    ChainState.NO_LIST: (Verdict.CANNOT_TELL, Sm2Reason.NO_LIST),
}


async def judge_signature(
    content: bytes, signature: bytes, trust: TrustList, now: datetime, *, number: str | None = None
) -> Sm2Finding:
    """Judge a detached SM2 signature over a file, by a trust list, as of now.

    `number` is that of the certificate that the file is: a seal that names its authority's code
    is held to its own numbers. Nothing proves when it was signed, so that a certificate that was
    revoked or has ended proves nothing any more. Sm2MissingError where SM2 cannot be computed.
    """
    sm2.require()
    try:
        said = read_signature(signature)
    except NoSignatureError:
        return Sm2Finding(Verdict.UNREADABLE, Sm2Reason.UNREADABLE)
    if not said.sound:
        return Sm2Finding(Verdict.ALTERED, Sm2Reason.NOT_SOUND)
    verdict, reason = await _worth(content, said, trust, now, number)
    finding = Sm2Finding(verdict, reason, said.name, said.signed_at, said.demo)
    if verdict in {Verdict.GENUINE, Verdict.UNKNOWN} and not trust.is_fresh(now):
        return replace(finding, verdict=Verdict.CANNOT_TELL, reason=Sm2Reason.TRUST_TOO_OLD)
    return finding


async def _worth(
    content: bytes, said: Sm2Signature, trust: TrustList, now: datetime, number: str | None
) -> tuple[Verdict, Sm2Reason]:
    if len(content) > MAX_BYTES or sm2.sm3(content) != said.digest:
        return Verdict.ALTERED, Sm2Reason.OTHER_FILE
    if not trust.sm2.roots:
        # Lists from before there was SM2 know nobody, and say nothing against anybody.
        return Verdict.CANNOT_TELL, Sm2Reason.NO_ROOTS
    state = await judge_chain(said.signer, trust.sm2, now)
    fault = _misfit(said, trust, now, number) if state is ChainState.HOLDS else None
    return _CHAINS[state] if fault is None else (Verdict.ALTERED, fault)


def _misfit(
    said: Sm2Signature, trust: TrustList, now: datetime, number: str | None
) -> Sm2Reason | None:
    """Return what a sound signature of ours says that cannot be."""
    if not said.brought <= set(trust.sm2.intermediates):
        return Sm2Reason.NOT_SOUND
    if not is_own(said.signer, number):
        return Sm2Reason.OTHER_AUTHORITY
    begins = said.signer.not_valid_before - CLOCK_SLACK
    return None if begins <= said.signed_at <= now + CLOCK_SLACK else Sm2Reason.WRONG_TIME

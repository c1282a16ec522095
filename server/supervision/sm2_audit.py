"""What does not fit together between a certificate's file and its detached SM2 signature."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from server.certificates.drawing import Drawing, Sm2Reason, Verdict
from server.certificates.models import Certificate, CertificateSm2

# What became of the signer's certificate since is no fault of what is kept.
SINCE: Final = frozenset({Sm2Reason.HOLDS, Sm2Reason.REVOKED, Sm2Reason.ENDED})


async def fault_of_sm2(
    drawing: Drawing, row: Certificate, kept: CertificateSm2, content: bytes, now: datetime
) -> tuple[str, str, str] | None:
    """Return a fault's code, whose it is and what it says; None if the signature is one of ours.

    It has to be over these very bytes, by a key of the number's authority, when the register says.
    """
    found = await drawing.examine_sm2(content, kept.content, now, row.number)
    if found is None:
        return "trust.stale", row.number, "no SM2 signature can be judged here"
    if found.reason not in SINCE:
        unsure = found.verdict is Verdict.CANNOT_TELL
        code = "trust.stale" if unsure else "detached_signature.wrong"
        return code, row.number, found.reason.value
    if found.signed_at != kept.signed_at:
        return "detached_signature.rewritten", row.number, f"it says {found.signed_at}"
    return None

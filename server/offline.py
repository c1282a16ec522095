"""Judging certificates with signed lists alone: no register, no network."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from docs_gen.data import CHINA
from docs_gen.pinned import load_pinned, load_status_list
from docs_gen.sm2verifying import Sm2Finding, judge_signature
from docs_gen.standing import Reason, judge_code, listed
from docs_gen.trustlist import TrustList
from docs_gen.verifying import Finding, Verdict, verify


@dataclass(frozen=True, slots=True)
class Lists:
    """The signed lists that are believed: the trust list with its root, and a status list."""

    trust: Path
    root: str | None = None
    status: Path | None = None


def judge_file(content: bytes, lists: Lists) -> dict[str, object]:
    """Return the verdict on a file, and how old the lists are that it rests on.

    Without a status list it is on the file's own word: what only the register knows (revoked,
    superseded) is not in it, and it says so. What is past its last day is expired; a file from
    before certificates said that in their data has it on its page alone (`valid_until` is empty).
    KeyFolderError for a list that cannot be believed.
    """
    now = datetime.now(UTC)
    trust = load_pinned(lists.trust, lists.root)
    found = asyncio.run(verify(content, trust, now))
    said: dict[str, object] = {"verdict": found.verdict}
    if lists.status is not None:
        raw, seen = load_status_list(lists.status, trust, now)
        if found.verdict is Verdict.GENUINE and found.number and found.signed_at:
            day = found.signed_at.astimezone(CHINA).date()
            verdict, reason = listed(found.number, day, trust, raw, now, at_least=seen)
            said = {"verdict": verdict, "reason": reason}
    last_day, today = found.valid_until, now.astimezone(CHINA).date()
    if said["verdict"] is Verdict.GENUINE and last_day is not None and last_day < today:
        said = {"verdict": Verdict.EXPIRED, "reason": Reason.PAST_LAST_DAY}
    return {
        **said,
        "number": found.number,
        "signer": found.signer,
        "signed_at": found.signed_at,
        "valid_until": last_day,
        "demo": found.demo,
        **_told(trust, lists),
    }


def judge_sm2(content: bytes, signature: bytes, lists: Lists) -> dict[str, object]:
    """Return the verdict on a detached SM2 signature over a file, with its reason.

    What the file itself is worth stands beside it as `file`: the two are judged apart.
    KeyFolderError for a list that cannot be believed, and where SM2 cannot be computed.
    """
    now = datetime.now(UTC)
    trust = load_pinned(lists.trust, lists.root)

    async def judge() -> tuple[Finding, Sm2Finding]:
        file = await verify(content, trust, now)
        return file, await judge_signature(content, signature, trust, now, number=file.number)

    file, found = asyncio.run(judge())
    return {
        "verdict": found.verdict,
        "reason": found.reason,
        "number": file.number,
        "signer": found.signer,
        "signed_at": found.signed_at,
        "demo": found.demo,
        "file": file.verdict,
        **_told(trust, lists),
    }


def judge_qr(code: str, lists: Lists) -> dict[str, object]:
    """Return the verdict on what a QR code holds, its reason, and what the code says.

    KeyFolderError for a list that cannot be believed.
    """
    now = datetime.now(UTC)
    trust = load_pinned(lists.trust, lists.root)
    raw, seen = (None, 0) if lists.status is None else load_status_list(lists.status, trust, now)
    found = judge_code(code, trust, raw, now, at_least=seen)
    claim = found.claim
    return {
        "verdict": found.verdict,
        "reason": found.reason,
        "number": claim and claim.number,
        "title": claim and claim.title,
        "holder": claim and claim.holder,
        "issuer": claim and claim.issuer,
        "issued_on": claim and claim.issued_on,
        "valid_until": claim and claim.valid_until,
        **_told(trust, lists),
    }


def _told(trust: TrustList, lists: Lists) -> dict[str, object]:
    return {
        "register": "not asked" if lists.status is None else "status list",
        "list_version": trust.version,
        "list_expires_at": trust.expires_at,
    }

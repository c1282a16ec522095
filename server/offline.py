"""Judging a certificate's file with a signed trust list alone: no register, no network."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from docs_gen.pinned import load_pinned
from docs_gen.verifying import verify


def judge_offline(content: bytes, trust_list: Path, root: str | None) -> dict[str, object]:
    """Return the verdict on a file's own word, and how old the list is that it rests on.

    What only the register knows (revoked, superseded, past its last day) is not in it, and it
    says so. KeyFolderError for a list that cannot be believed.
    """
    trust = load_pinned(trust_list, root)
    found = asyncio.run(verify(content, trust, datetime.now(UTC)))
    return {
        "verdict": found.verdict,
        "number": found.number,
        "signer": found.signer,
        "signed_at": found.signed_at,
        "demo": found.demo,
        "register": "not asked",
        "list_version": trust.version,
        "list_expires_at": trust.expires_at,
    }

"""A certificate's whole evidence as one file, for a stranger who has none of our software.

It says what is kept and proves no more than it can: the PDF carries its own proof up to the root;
the log's events carry their hashes, ciphertext included, so that the chain can be walked; every
other file repeats what stands in those, and names where.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Action, Actor
from server.cases.models import Case, CaseEvent
from server.cases.queries import log_of
from server.cases.rules import covered
from server.certificates.messages import Certificate as ShownCertificate
from server.certificates.models import Certificate
from server.certificates.proof_queries import find_sm2
from server.certificates.queries import numbers_of
from server.certificates.statuses import Statuses
from server.db.unit import Unit
from server.errors import ServiceError
from server.items.rules import check_prose
from server.register import messages as wire
from server.register.queries import copies_of
from server.register.service import REASON_LENGTH, Register
from server.texts import EVIDENCE_README

FORMAT: Final = "kuayu-evidence/1"
ZIP: Final = "application/zip"
# What was found out about the applicant before anything was issued, as the log has it.
FOUND_OUT: Final = ("check.", "consent.", "material.", "person.", "review.")
# ZIP's own beginning of time: the archive of the same contents is the same file.
LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked for the evidence, when and why."""

    name: str
    region: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """All that the service keeps of one certificate, at one moment."""

    asked: Asked
    row: Certificate
    case: Case
    shown: ShownCertificate
    copies: Sequence[wire.Copy]
    events: Sequence[CaseEvent]
    numbers: Mapping[str, str]
    sm2: bytes | None


@dataclass(frozen=True, slots=True)
class Lists:
    """What the certificate is judged by: whom we trust, and how its issuer's certificates stand."""

    trust: bytes
    statuses: bytes


@dataclass(frozen=True, slots=True)
class Evidence:
    """Gathers what is kept of a certificate; only for supervisors of who issued it."""

    register: Register
    statuses: Statuses
    trust: Path

    async def lists(self, row: Certificate) -> Lists:
        """Return trust list and status list of now; signer.unavailable without either."""
        try:
            trust = await asyncio.to_thread(self.trust.read_bytes)
        except OSError:
            raise ServiceError("signer.unavailable") from None
        statuses = await self.statuses.current(row.issuer_code, row.year)
        return Lists(trust, statuses.content)

    async def order(self, unit: Unit, actor: Actor, certificate_id: str, reason: str) -> Asked:
        """Note in the case's log who takes the evidence and why, before any of it is given away."""
        action = Action.EXPORT_EVIDENCE
        row, case = await self.register.find(unit.session, actor, certificate_id, action)
        entry = await self.register.reader.records.begin(unit, actor, case.id, action)
        said = check_prose(reason, "reason", REASON_LENGTH, required=True)
        public = {"certificate_id": row.id, "number": row.number}
        event = await entry.append("evidence.exported", public, private={"reason": said})
        return Asked(actor.name, actor.region, event.at, said)

    async def gather(
        self, session: AsyncSession, actor: Actor, certificate_id: str, asked: Asked
    ) -> Found:
        """Return everything as it is now; what the certificate prints stands in its PDF alone."""
        action = Action.EXPORT_EVIDENCE
        row, case = await self.register.find(session, actor, certificate_id, action)
        related = [one for one in (row.supersedes, row.superseded_by) if one is not None]
        return Found(
            asked=asked,
            row=row,
            case=case,
            shown=await self.register.certificates.show_one(session, row),
            copies=[self.register.copy(case, one) for one in await copies_of(session, row.id)],
            events=[event async for event in log_of(session, case.id)],
            numbers=await numbers_of(session, related),
            sm2=None if (sm2 := await find_sm2(session, row.id)) is None else sm2.content,
        )


def pack(found: Found, pdf: bytes, lists: Lists) -> bytes:
    """Return the evidence as a ZIP: `evidence.json` names every other file with its SHA-256."""
    contents = {
        "certificate.pdf": pdf,
        **({} if found.sm2 is None else {"certificate.p7s": found.sm2}),
        "register.json": _text(_register(found)),
        "log.jsonl": b"".join(_line(event) for event in found.events),
        "checks.json": _text({"events": list(_found_out(found.events))}),
        "history.json": _text(_history(found)),
        "trust.json": lists.trust,
        "status.cose": lists.statuses,
        "README.txt": EVIDENCE_README.encode(),
    }
    whole = {"evidence.json": _text(_manifest(found, contents)), **contents}
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as archive:
        for name, content in whole.items():
            told = zipfile.ZipInfo(name, LONG_AGO)
            archive.writestr(told, content, zipfile.ZIP_DEFLATED)
    return kept.getvalue()


def _manifest(found: Found, contents: Mapping[str, bytes]) -> dict[str, object]:
    row, asked, last = found.row, found.asked, found.events[-1]
    return {
        "format": FORMAT,
        "made_at": _instant(asked.at),
        "made_for": {"name": asked.name, "region": asked.region, "reason": asked.reason},
        "certificate": {"id": row.id, "number": row.number, "sha256": row.sha256},
        "log": {
            "case_id": row.case_id, "events": last.seq, "head_hash": last.hash,
            "certificate_seq": row.case_seq, "certificate_hash": row.case_hash,
        },
        "files": {
            name: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
            for name, content in contents.items()
        },
    }  # fmt: skip


def _register(found: Found) -> dict[str, object]:
    """Return the register's row, without the check code and what only a key of ours opens."""
    row = found.row
    names = (
        "id", "case_id", "kind", "title", "jurisdiction", "authority_id", "issuer", "issuer_code",
        "year", "serial", "number", "state", "template_version", "case_seq", "case_hash", "demo",
        "issued_by_name", "review_id", "sha256", "size", "pages", "qr_token",
    )  # fmt: skip
    moments = {name: getattr(row, name) for name in ("signing_at", "issued_at", "revoked_at")}
    return {
        **{name: getattr(row, name) for name in names},
        **{name: at and _instant(at) for name, at in moments.items()},
        "case_number": found.case.number,
        "valid_until": row.valid_until and row.valid_until.isoformat(),
        "supersedes": found.numbers.get(row.supersedes or ""),
        "superseded_by": found.numbers.get(row.superseded_by or ""),
    }


def _history(found: Found) -> dict[str, object]:
    return {
        "receipts": [one.model_dump(mode="json") for one in found.shown.receipts],
        "recalls": [one.model_dump(mode="json") for one in found.shown.recalls],
        "copies": [one.model_dump(mode="json") for one in found.copies],
    }


def _found_out(events: Sequence[CaseEvent]) -> Iterator[dict[str, object]]:
    """Return who found out what and when, each with its place in the log; nothing is opened."""
    for event in events:
        if event.kind.startswith(FOUND_OUT):
            data = {name: value for name, value in event.data.items() if name != "sealed"}
            who = {name: event.actor[name] for name in ("kind", "name", "region")}
            yield {"seq": event.seq, "at": _instant(event.at), "kind": event.kind, "actor": who,
                   "data": data}  # fmt: skip


def _line(event: CaseEvent) -> bytes:
    said = covered(
        case_id=event.case_id, seq=event.seq, at=event.at, actor=event.actor, kind=event.kind,
        data=event.data, prev_hash=event.prev_hash,
    )  # fmt: skip
    line = json.dumps({**said, "hash": event.hash}, ensure_ascii=False, sort_keys=True)
    return f"{line}\n".encode()


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")


def _text(said: object) -> bytes:
    return json.dumps(said, ensure_ascii=False, indent=1).encode()

"""Detached SM2 signatures: asked for after each release, and of what has none every minute."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from server.certificates import proof_queries, queries
from server.certificates.afterwards import MINUTE, keep_at
from server.certificates.models import Certificate
from server.certificates.papers import Papers
from server.certificates.proof_queries import Place
from server.certificates.signer import Signer
from server.db.unit import Units
from server.errors import ServiceError
from server.rooms import case as case_room

log = structlog.get_logger("kuayu.certificates")

MOST: Final = 20
# Who releases more than that in a breath waits for the next minute with the rest.
MOST_TOLD: Final = 1000


@dataclass(slots=True)
class Sm2Signing:
    """Has released certificates signed with SM2, and keeps the first signature of each.

    Their bytes stay as they were released. An authority without an SM2 key has none made.
    """

    units: Units
    signer: Signer
    papers: Papers
    told: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(MOST_TOLD))
    after: Place | None = None

    def tell(self, certificate_id: str) -> None:
        """Have a certificate signed soon that is released just now; nobody waits for it."""
        if not self.told.full():
            self.told.put_nowait(certificate_id)

    async def sign_told(self) -> int:
        """Wait until a certificate is released, and have it signed; say whether one is kept."""
        certificate_id = await self.told.get()
        async with self.units.database.reading() as session:
            row = await queries.find(session, certificate_id)
        return 0 if row is None else await self._sign([row])

    async def sign_some(self) -> int:
        """Have certificates signed that are not, the oldest first; say of how many one is kept.

        What is refused keeps nobody behind it waiting: the next time goes on after it, and at the
        end begins anew. While nobody answers there is nothing to be done.
        """
        try:
            await self.signer.look()
        except ServiceError:
            return 0
        kept, done = 0, bool(self.signer.sm2)
        while done:
            async with self.units.database.reading() as session:
                rows = await proof_queries.list_without_sm2(
                    session, list(self.signer.sm2), MOST, self.after
                )
            count = await self._sign(rows)
            last = rows[-1] if len(rows) == MOST else None
            self.after = None if last is None else (last.issued_at or last.signing_at, last.id)
            kept, done = kept + count, count > 0 and last is not None
        return kept

    async def _sign(self, rows: Sequence[Certificate]) -> int:
        """Have these signed; say of how many one is kept, and log in a line why not of others."""
        kept, refused = 0, dict[str, str]()
        for row in rows:
            if row.authority_id not in self.signer.sm2:
                continue
            try:
                pdf = await self.papers.content(row)
                made = await self.signer.sign_sm2(row.id, pdf)
            except (ServiceError, OSError) as error:
                refused[row.number] = str(error)
                continue
            async with self.units.open() as unit:
                if await proof_queries.keep_sm2(unit.session, row.id, made.signed_at, made.content):
                    news = {"case_id": row.case_id, "certificate_id": row.id}
                    unit.notify(case_room(row.case_id), "certificate.signed", news)
                    kept += 1
        if refused:
            log.warning("not signed with SM2", certificates=refused)
        return kept


async def keep_signing_sm2(signing: Sm2Signing, *, every: float = MINUTE) -> None:
    """Have signed what is released, at once and what was missed every `every` seconds, for ever."""
    done, expected = "signed with SM2", (ServiceError, OSError)
    async with asyncio.TaskGroup() as both:
        both.create_task(keep_at(signing.sign_told, done, expected, every=0))
        both.create_task(keep_at(signing.sign_some, done, expected, every=every))

"""Time-stamps that come later: over files that were released while no clock answered."""

from __future__ import annotations

from dataclasses import dataclass

from docs_gen.keyfiles import KeyFolderError
from docs_gen.timestamps import Source, StampError, stamp
from server.certificates import proof_queries
from server.certificates.afterwards import MINUTE, keep_at
from server.certificates.drawing import TrustFile
from server.db.unit import Units

__all__ = ["StampError", "Stamping", "keep_stamping"]

MOST = 20


@dataclass(frozen=True, slots=True)
class Stamping:
    """Has proved, of certificates whose time nothing proves, that they are as old as that."""

    units: Units
    urls: tuple[str, ...]
    trust: TrustFile

    async def stamp_some(self) -> int:
        """Keep a time-stamp over the files of some certificates, apart from them; say of how many.

        Their bytes stay as they were released. StampError if no authority gives one, OSError or
        KeyFolderError where there is no trust list.
        """
        async with self.units.database.reading() as session:
            rows = await proof_queries.list_unstamped(session, MOST)
        if not rows:
            return 0
        source, kept = Source(self.urls, self.trust.now()), 0
        for row in rows:
            token = await stamp(bytes.fromhex(row.sha256 or ""), self.units.clock(), source)
            async with self.units.open() as unit:
                kept += await proof_queries.keep_stamp(
                    unit.session, row.id, token.at, token.content
                )
        return kept


async def keep_stamping(stamping: Stamping, *, every: float = MINUTE) -> None:
    """Have the time-stamps made that are lacking, every `every` seconds, until cancelled."""
    expected = (StampError, KeyFolderError, OSError)
    await keep_at(stamping.stamp_some, "stamped later", expected, every=every)

"""Status lists for whoever is offline: signed by the signer, published by the service."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from server.certificates import status_queries as queries
from server.certificates.models import StatusList
from server.certificates.rules import is_fresh
from server.certificates.signer import Signer
from server.db.unit import Units
from server.errors import ServiceError

log = structlog.get_logger("kuayu.certificates")


@dataclass(frozen=True, slots=True)
class Statuses:
    """Gives the status list of an issuer and year as the register is now."""

    units: Units
    signer: Signer

    async def current(self, issuer_code: str, year: int) -> StatusList:
        """Return the list, signed anew if the register has changed since or a day has passed.

        Refuses status_list.unknown where no number was given out. While nobody signs, the last
        list is given for as long as it counts, and then signer.unavailable.
        """
        async with self.units.database.reading() as session:
            changes = await queries.changes_of(session, issuer_code, year)
            last = await queries.find_list(session, issuer_code, year)
        if changes is None:
            raise ServiceError("status_list.unknown")
        now = self.units.clock()
        if last is not None and last.changes == changes and is_fresh(last.issued_at, now):
            return last
        before = None if last is None else last.version
        try:
            return await self._publish(issuer_code, year, changes, before)
        except ServiceError as error:
            if last is None or last.expires_at <= now:
                raise
            log.warning("the last status list is given", issuer=issuer_code, why=error.code)
            return last

    async def _publish(
        self, issuer_code: str, year: int, changes: int, before: int | None
    ) -> StatusList:
        """Have a list signed and keep it; of two at once, both give the one that was kept."""
        signed = await self.signer.list_statuses(issuer_code, year)
        one = StatusList(
            issuer_code=issuer_code,
            year=year,
            version=signed.version,
            changes=changes,
            issued_at=signed.issued_at,
            expires_at=signed.expires_at,
            content=signed.content,
        )
        async with self.units.open() as unit:
            if await queries.publish(unit.session, one, before):
                return one
            kept = await queries.find_list(unit.session, issuer_code, year)
        if kept is None:
            raise ServiceError("server.busy")
        return kept

"""The verbs of certificates beside issuing: show, settle, and tell the issuer of use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Action, Actor
from server.cases.models import Case
from server.cases.queries import find_case
from server.cases.reading import Reader
from server.cases.record import Entry, Records
from server.cases.rules import CaseState
from server.certificates import messages as wire
from server.certificates import proof_queries, queries
from server.certificates.models import Certificate, Receipt, RevocationRequest, Settlement
from server.certificates.recalls import Recalls, tell_clerk
from server.certificates.rules import (
    REASON_LENGTH,
    VerdictKind,
    require_valid,
    verify_address,
)
from server.db.base import new_id
from server.db.unit import Unit
from server.errors import ServiceError
from server.items.rules import check_prose, check_text
from server.items.service import refuse_unrecognised
from server.regions.rules import Catalogue
from server.tickets.rules import unknown_as
from server.vault import VaultError

REFERENCE_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Certificates:
    """Shows certificates and relies on them; each verb is one command in its unit."""

    records: Records
    reader: Reader
    catalogue: Catalogue
    recalls: Recalls
    public_url: str

    async def show(
        self, session: AsyncSession, rows: Sequence[Certificate]
    ) -> wire.CertificateList:
        """Return released certificates with who relied on them and what is said against them."""
        ids = [row.id for row in rows]
        receipts = await queries.list_receipts(session, ids)
        recalls = await self.recalls.of(session, ids)
        successors = [row.superseded_by for row in rows if row.superseded_by is not None]
        numbers = await queries.numbers_of(session, successors)
        signed = await proof_queries.sm2_times(session, ids)
        pending = {one.certificate_id: one for one in await queries.open_requests(session, ids)}
        return wire.CertificateList(
            certificates=[
                wire.Certificate.of(
                    row,
                    self._address(row),
                    receipts=[
                        self._receipt(one) for one in receipts if one.certificate_id == row.id
                    ],
                    recalls=[one for one in recalls if one.certificate_id == row.id],
                    superseded_by=numbers.get(row.superseded_by or ""),
                    sm2_signed_at=signed.get(row.id),
                    pending=await self._pending(session, pending.get(row.id)),
                )
                for row in rows
            ]
        )

    def pending(self, case: Case, request: RevocationRequest) -> wire.PendingRevocation:
        """Return an open request to revoke; without its reason once the case's key is destroyed."""
        try:
            key = self.records.key_of(case)
            reason = key.open(request.sealed_reason, request_context(request.id))
        except VaultError:
            reason = ""
        return wire.PendingRevocation.of(request, reason)

    async def _pending(
        self, session: AsyncSession, request: RevocationRequest | None
    ) -> wire.PendingRevocation | None:
        case = None if request is None else await find_case(session, request.case_id)
        return None if request is None or case is None else self.pending(case, request)

    async def show_one(self, session: AsyncSession, row: Certificate) -> wire.Certificate:
        """Return one released certificate."""
        return (await self.show(session, [row])).certificates[0]

    async def list(self, session: AsyncSession, actor: Actor, case_id: str) -> wire.CertificateList:
        """Return a case's certificates; none is there before the case is certified."""
        case = await self.records.read(session, actor, case_id, Action.READ_CASE)
        return await self.show(session, await queries.list_released(session, case.id))

    async def read(
        self, session: AsyncSession, actor: Actor, certificate_id: str, action: Action
    ) -> Certificate:
        """Return a released certificate to whom its case concerns.

        Refuses certificate.unknown for one that there is not, that is only reserved, or that the
        actor may not know of: all look the same.
        """
        row = await known(session, certificate_id)
        with unknown_as("certificate.unknown"):
            await self.records.read(session, actor, row.case_id, action)
        return row

    async def log_verification(
        self, unit: Unit, actor: Actor, row: Certificate, verdict: VerdictKind
    ) -> None:
        """Keep in the case's log what the machine found at the counter."""
        entry = await self.records.begin(unit, actor, row.case_id, Action.VERIFY_CERTIFICATE)
        data = {"certificate_id": row.id, "number": row.number, "verdict": verdict.value}
        await entry.append("certificate.verified", data)

    async def settle(
        self, unit: Unit, actor: Actor, case_id: str, order: wire.SettlementOrder
    ) -> wire.Settlement:
        """End a case in its local transaction, and tell the issuer who relied on what.

        Refuses certificate.unknown unless a certified case names a certificate of its own,
        certificate.revoked for one that counts no more, revocation.pending while its revocation
        waits for approval, certificate.unrecognised for one that the counter's region does not
        count, settlement.exists.
        """
        entry = await self._begin_settling(unit, actor, case_id)
        row = await self._relied_on(entry, order.certificate_id)
        remark = check_prose(order.remark, "remark", REASON_LENGTH)
        settlement = Settlement(
            case_id=case_id,
            certificate_id=None if row is None else row.id,
            reference=check_text(order.reference, "reference", REFERENCE_LENGTH),
            sealed_remark=entry.key.seal(remark, remark_context(case_id)),
            by=actor.id,
            by_name=actor.name,
            at=entry.at,
        )
        unit.session.add(settlement)
        entry.move(CaseState.SETTLED)
        public = {"certificate_id": settlement.certificate_id, "reference": settlement.reference}
        await entry.append("case.settled", public, private={"remark": remark})
        if row is not None:
            await self._send_receipt(entry, settlement, row)
        return wire.Settlement.of(settlement, remark)

    async def read_settlement(
        self, session: AsyncSession, actor: Actor, case_id: str
    ) -> wire.Settlement | None:
        """Return what the case ended in, if it did."""
        case = await self.records.read(session, actor, case_id, Action.READ_CASE)
        row = await queries.find_settlement(session, case_id)
        if row is None:
            return None
        key = self.records.key_of(case)
        return wire.Settlement.of(row, key.open(row.sealed_remark, remark_context(case_id)))

    async def _begin_settling(self, unit: Unit, actor: Actor, case_id: str) -> Entry:
        try:
            return await self.records.begin(unit, actor, case_id, Action.SETTLE_CASE)
        except ServiceError as error:
            settled = error.code == "case.wrong_state" and await queries.find_settlement(
                unit.session, case_id
            )
            raise ServiceError("settlement.exists") if settled else error from None

    async def _relied_on(self, entry: Entry, certificate_id: str | None) -> Certificate | None:
        promised = entry.case.state is CaseState.PROMISED
        if certificate_id is None:
            if promised:
                return None
            raise ServiceError("certificate.unknown", field="certificate_id")
        row = await queries.find(entry.unit.session, certificate_id)
        if row is None or row.case_id != entry.case.id:
            raise ServiceError("certificate.unknown", field="certificate_id")
        require_valid(row.state)
        if await queries.open_requests(entry.unit.session, [row.id]):
            raise ServiceError("revocation.pending", field="certificate_id")
        case = entry.case
        refuse_unrecognised(
            self.catalogue, self.reader.item_of(case), case.counter_region, row.jurisdiction,
            kind=row.kind, field="certificate_id",
        )  # fmt: skip
        return row

    async def _send_receipt(self, entry: Entry, settlement: Settlement, row: Certificate) -> None:
        case = entry.case
        receipt = Receipt(
            id=new_id(),
            certificate_id=row.id,
            case_id=case.id,
            region=case.counter_region,
            hall=case.counter_hall,
            by_name=settlement.by_name,
            purpose=self.reader.item_of(case).name,
            reference=settlement.reference,
            at=settlement.at,
        )
        entry.unit.session.add(receipt)
        data = {"receipt_id": receipt.id, "certificate_id": row.id, "number": row.number}
        await entry.append("receipt.sent", data)
        tell_clerk(entry, row.issued_by, "receipt.sent")

    def _receipt(self, row: Receipt) -> wire.Receipt:
        hall = self.catalogue.halls.get(row.hall)
        return wire.Receipt(
            id=row.id,
            hall_name=hall.name if hall else row.hall,
            by=row.by_name,
            purpose=row.purpose,
            reference=row.reference,
            at=row.at,
        )

    def _address(self, row: Certificate) -> str:
        address = verify_address(self.public_url, row.number)
        return address if row.qr_token is None else f"{address}#{row.qr_token}"


async def known(session: AsyncSession, certificate_id: str) -> Certificate:
    """Return a released certificate as it is now; certificate.unknown where there is none."""
    row = await queries.find(session, certificate_id)
    if row is None:
        raise ServiceError("certificate.unknown")
    return row


def request_context(request_id: str) -> str:
    """Return what the reason of a request to revoke is bound to."""
    return f"revocation_request:{request_id}"


def remark_context(case_id: str) -> str:
    """Return what a settlement's remark is bound to."""
    return f"settlement:{case_id}"

"""Over HTTP: revoking, deciding on it, and answering for what was settled with what fell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from server.access import Action
from server.certificates import messages as wire
from server.certificates.revoking import Revoking
from server.certificates.routes import CERTIFICATE
from server.web.http import Ask, Empty, Route

REQUEST = "/api/revocations/{request_id:[0-9a-f]{32}}"
RECALL = "/api/recalls/{recall_id:[0-9a-f]{32}}"


@dataclass(frozen=True, slots=True)
class _Desk:
    """What the clerks of both sides do about a certificate that should count no more."""

    revoking: Revoking

    async def revoke_certificate(self, ask: Ask[wire.RevocationOrder]) -> wire.Certificate:
        return await ask.command(
            lambda unit: self.revoking.revoke(
                unit, ask.actor, ask.path["certificate_id"], ask.said.reason
            )
        )

    async def list_revocations(self, ask: Ask[Empty]) -> wire.RevocationList:
        async with ask.database.reading() as session:
            return await self.revoking.list(session, ask.actor)

    async def approve_revocation(self, ask: Ask[Empty]) -> wire.Certificate:
        return await ask.command(
            lambda unit: self.revoking.approve(unit, ask.actor, ask.path["request_id"])
        )

    async def decline_revocation(self, ask: Ask[wire.RevocationOrder]) -> wire.Certificate:
        return await ask.command(
            lambda unit: self.revoking.decline(
                unit, ask.actor, ask.path["request_id"], ask.said.reason
            )
        )

    async def withdraw_revocation(self, ask: Ask[Empty]) -> wire.Certificate:
        return await ask.command(
            lambda unit: self.revoking.withdraw(unit, ask.actor, ask.path["request_id"])
        )

    async def list_recalls(self, ask: Ask[Empty]) -> wire.RecallList:
        async with ask.database.reading() as session:
            return await self.revoking.recalls.list(session, ask.actor)

    async def acknowledge_recall(self, ask: Ask[wire.RecallAnswer]) -> wire.Recall:
        return await ask.command(
            lambda unit: self.revoking.recalls.acknowledge(
                unit, ask.actor, ask.path["recall_id"], ask.said
            )
        )


def routes(revoking: Revoking) -> list[Route[Any]]:
    """Return these lines of the API."""
    on = _Desk(revoking)
    return [
        Route("POST", CERTIFICATE + "/revocation", Action.REVOKE_CERTIFICATE,
              wire.RevocationOrder, on.revoke_certificate, wire.Certificate,
              "Revoke a certificate, or ask a second clerk to approve it"),
        Route("GET", "/api/revocations", Action.LIST_REVOCATIONS, Empty, on.list_revocations,
              wire.RevocationList, "What waits for a second clerk's decision"),
        Route("POST", REQUEST + "/approval", Action.DECIDE_REVOCATION, Empty,
              on.approve_revocation, wire.Certificate, "Revoke what another clerk asked for"),
        Route("POST", REQUEST + "/refusal", Action.DECIDE_REVOCATION, wire.RevocationOrder,
              on.decline_revocation, wire.Certificate, "Leave the certificate valid"),
        Route("POST", REQUEST + "/withdrawal", Action.REVOKE_CERTIFICATE, Empty,
              on.withdraw_revocation, wire.Certificate, "Take one's own request back"),
        Route("GET", "/api/recalls", Action.LIST_RECALLS, Empty, on.list_recalls,
              wire.RecallList, "Certificates that fell after they were settled with"),
        Route("POST", RECALL + "/acknowledgement", Action.ACKNOWLEDGE_RECALL, wire.RecallAnswer,
              on.acknowledge_recall, wire.Recall, "Say what the hall did about it", keyed=True),
    ]  # fmt: skip

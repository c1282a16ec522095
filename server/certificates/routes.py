"""Certificates over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from server.access import Action
from server.cases.pictures import PDF
from server.cases.routes import CASE
from server.certificates import messages as wire
from server.certificates.correcting import Correcting
from server.certificates.drawing import MAX_BYTES
from server.certificates.issuing import Issuing, Key
from server.certificates.papers import PKCS7, Papers
from server.certificates.refusals import Refusals
from server.certificates.review_messages import CorrectionPreview
from server.certificates.rules import clean_number
from server.certificates.service import Certificates
from server.certificates.verifying import Verifying
from server.errors import ServiceError
from server.web.http import Ask, Empty, FileAnswer, Route, Upload
from server.web.login import Audience

CERTIFICATE = "/api/certificates/{certificate_id:[0-9a-f]{32}}"

Admit = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class _Counter:
    """What the clerks of both sides do with certificates."""

    issuing: Issuing
    correcting: Correcting
    certificates: Certificates
    verifying: Verifying
    papers: Papers
    refusals: Refusals

    async def read_refusal(self, ask: Ask[Empty]) -> FileAnswer:
        async with ask.database.reading() as session:
            refusal = await self.refusals.read(session, ask.actor, ask.path["case_id"])
        return FileAnswer(await self.refusals.draw(refusal), PDF, f"{refusal.letter.number}.pdf")

    async def preview_certificate(self, ask: Ask[wire.CertificateOrder]) -> FileAnswer:
        pdf = await self.issuing.preview(ask.actor, ask.path["case_id"], ask.said.kind)
        return FileAnswer(pdf, PDF, "preview.pdf")

    async def issue_certificate(self, ask: Ask[wire.CertificateOrder]) -> wire.Certificate:
        row = await self.issuing.issue(ask.actor, ask.path["case_id"], ask.said.kind, _key(ask))
        async with ask.database.reading() as session:
            return await self.certificates.show_one(session, row)

    async def preview_correction(self, ask: Ask[wire.CorrectionDraft]) -> CorrectionPreview:
        return await self.correcting.preview(ask.actor, ask.path["certificate_id"], ask.said.values)

    async def correct_certificate(self, ask: Ask[wire.CorrectionOrder]) -> wire.Certificate:
        row = await self.correcting.correct(
            ask.actor, ask.path["certificate_id"], ask.said, _key(ask)
        )
        async with ask.database.reading() as session:
            return await self.certificates.show_one(session, row)

    async def list_certificates(self, ask: Ask[Empty]) -> wire.CertificateList:
        async with ask.database.reading() as session:
            return await self.certificates.list(session, ask.actor, ask.path["case_id"])

    async def read_certificate_file(self, ask: Ask[Empty]) -> FileAnswer:
        async with ask.database.reading() as session:
            row = await self.certificates.read(
                session, ask.actor, ask.path["certificate_id"], Action.READ_CERTIFICATE
            )
        return FileAnswer(await self.papers.content(row), PDF, f"{row.number}.pdf")

    async def read_certificate_sm2(self, ask: Ask[Empty]) -> FileAnswer:
        async with ask.database.reading() as session:
            row = await self.certificates.read(
                session, ask.actor, ask.path["certificate_id"], Action.READ_CERTIFICATE
            )
            signature = await self.papers.sm2_signature(session, row)
        return FileAnswer(signature, PKCS7, f"{row.number}.p7s")

    async def verify_certificate(self, ask: Ask[Empty]) -> wire.Verdict:
        async with ask.database.reading() as session:
            row = await self.certificates.read(
                session, ask.actor, ask.path["certificate_id"], Action.VERIFY_CERTIFICATE
            )
        verdict = await self.verifying.of_row(row)
        async with ask.units.open() as unit:
            await self.certificates.log_verification(unit, ask.actor, row, verdict.verdict)
        return verdict

    async def settle_case(self, ask: Ask[wire.SettlementOrder]) -> wire.Settlement:
        return await ask.command(
            lambda unit: self.certificates.settle(unit, ask.actor, ask.path["case_id"], ask.said)
        )

    async def read_settlement(self, ask: Ask[Empty]) -> wire.Settlement | None:
        async with ask.database.reading() as session:
            return await self.certificates.read_settlement(session, ask.actor, ask.path["case_id"])


@dataclass(frozen=True, slots=True)
class _Anyone:
    """What anyone may ask, without an account."""

    verifying: Verifying
    admit: Admit

    async def verify_number(self, ask: Ask[wire.NumberAndCode]) -> wire.Verdict:
        self.admit("verify_number", clean_number(ask.said.number))
        return await self.verifying.by_code(ask.said.number, ask.said.check_code)

    async def verify_qr(self, ask: Ask[wire.NumberAndToken]) -> wire.Verdict:
        self.admit("verify_number", clean_number(ask.said.number))
        return await self.verifying.by_token(ask.said.number, ask.said.token)

    async def verify_file(self, ask: Ask[Empty]) -> wire.Verdict:
        return await self.verifying.by_file(ask.content)


def _key(ask: Ask[Any]) -> Key:
    if ask.key is None:
        raise ServiceError("idempotency_key.missing")
    return Key(f"{ask.actor.id}:{ask.key}", ask.fingerprint)


def routes(
    issuing: Issuing,
    certificates: Certificates,
    verifying: Verifying,
    papers: Papers,
    admit: Admit,
    *,
    refusals: Refusals,
) -> list[Route[Any]]:
    """Return this domain's lines of the API; `admit` counts the questions about one number."""
    on = _Counter(issuing, Correcting(issuing), certificates, verifying, papers, refusals)
    anyone = _Anyone(verifying, admit)
    pdf = Upload(MAX_BYTES, (PDF,))
    return [
        Route("POST", CASE + "/certificate-previews", Action.PREVIEW_CERTIFICATE,
              wire.CertificateOrder, on.preview_certificate, None,
              "Draw what a certificate would say"),
        Route("POST", CASE + "/certificates", Action.ISSUE_CERTIFICATE, wire.CertificateOrder,
              on.issue_certificate, wire.Certificate, "Issue a certificate", keyed=True),
        Route("POST", CERTIFICATE + "/correction-previews", Action.SUPERSEDE_CERTIFICATE,
              wire.CorrectionDraft, on.preview_correction, CorrectionPreview,
              "What would be otherwise on a corrected certificate"),
        Route("POST", CERTIFICATE + "/corrections", Action.SUPERSEDE_CERTIFICATE,
              wire.CorrectionOrder, on.correct_certificate, wire.Certificate,
              "Issue a corrected certificate in the place of a wrong one", keyed=True),
        Route("GET", CASE + "/certificates", Action.READ_CASE, Empty, on.list_certificates,
              wire.CertificateList, "List a case's certificates"),
        Route("GET", CASE + "/refusal-notice", Action.READ_CASE, Empty, on.read_refusal, None,
              "The notice of refusal, to be printed and sealed by hand"),
        Route("GET", CERTIFICATE + "/file", Action.READ_CERTIFICATE, Empty,
              on.read_certificate_file, None, "Download a certificate"),
        Route("GET", CERTIFICATE + "/sm2-signature", Action.READ_CERTIFICATE, Empty,
              on.read_certificate_sm2, None, "Download a certificate's detached SM2 signature"),
        Route("POST", CERTIFICATE + "/verification", Action.VERIFY_CERTIFICATE, Empty,
              on.verify_certificate, wire.Verdict, "Check a certificate's file now; logged"),
        Route("POST", CASE + "/settlement", Action.SETTLE_CASE, wire.SettlementOrder,
              on.settle_case, wire.Settlement, "End the case in its local transaction",
              keyed=True),
        Route("GET", CASE + "/settlement", Action.READ_CASE, Empty, on.read_settlement,
              wire.Settlement, "Read what the case ended in", nullable=True),
        Route("POST", "/api/verify", None, wire.NumberAndCode, anyone.verify_number, wire.Verdict,
              "Verify a number with its check code", audience=Audience.ANYONE, rate="verify"),
        Route("POST", "/api/verify/qr", None, wire.NumberAndToken, anyone.verify_qr, wire.Verdict,
              "Verify what a QR code holds", audience=Audience.ANYONE, rate="verify"),
        Route("POST", "/api/verify/file", None, Empty, anyone.verify_file, wire.Verdict,
              "Verify a file; nothing is kept", audience=Audience.ANYONE, upload=pdf,
              rate="verify_file"),
    ]  # fmt: skip

"""The protocol from Python: every verb that a counter, an agent, a screen or a citizen needs.

One `Client` is one login in one browser, so to speak: it keeps its own cookies, and which of
them counts is decided by the path, as docs/protocol.md says.
"""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import urlsplit

from .answers import Data, Refusal, ServerLostError
from .link import Link, Login, new_key

__all__ = ["Client", "Data", "Login", "Refusal", "ServerLostError", "new_key"]


def fragment_of(url: str) -> str:
    """Return what stands after the `#` of a link: the part that no server log ever sees."""
    return urlsplit(url).fragment


class Client(Link):
    """Commands of docs/protocol.md by name; whatever else there is goes through `command`.

    Verbs that create something make their own Idempotency-Key unless one is given, and use
    the same one again when the connection is lost under way.
    """

    # Staff

    async def sign_in(self, name: str, password: str) -> Data:
        """Sign a clerk in and return Me; a wrong name or password is `login.refused`."""
        return await self.command("POST", "/api/login", {"name": name, "password": password})

    async def sign_out(self) -> None:
        """End the login, its sockets included."""
        await self.command("POST", "/api/logout")

    async def me(self) -> Data:
        """Return who we are signed in as."""
        return await self.command("GET", "/api/me")

    async def regions(self) -> Data:
        """Return the regions with their halls, counters and authorities."""
        return await self.command("GET", "/api/regions")

    async def items(self) -> Data:
        """Return the service items with their fields, materials and certificates."""
        return await self.command("GET", "/api/items")

    async def board(self) -> Data:
        """Return the supervisor's board."""
        return await self.command("GET", "/api/board")

    # Cases

    async def open_case(
        self, item_code: str, jurisdiction: str, applicant: Data, *, key: str | None = None
    ) -> Data:
        """Open a case for an applicant and return it."""
        body = {"item_code": item_code, "jurisdiction": jurisdiction, "applicant": applicant}
        return await self.command("POST", "/api/cases", body, key=key or new_key())

    async def case(self, case_id: str) -> Data:
        """Return a case as we may see it."""
        return await self.command("GET", f"/api/cases/{case_id}")

    async def events(self, case_id: str, after: int = 0) -> Data:
        """Return at most 500 events of the case's log after `after`, oldest first."""
        return await self.command("GET", f"/api/cases/{case_id}/events", query={"after": after})

    async def write_field(self, case_id: str, name: str, value: object, version: int) -> Data:
        """Write a field over the version we know; a stale one is `field.stale`."""
        body = {"value": value, "version": version}
        return await self.command("PATCH", f"/api/cases/{case_id}/fields/{name}", body)

    async def reveal(self, case_id: str, name: str) -> str:
        """Return the whole of a masked value; that we looked is logged."""
        answer = await self.command("POST", f"/api/cases/{case_id}/reveals", {"name": name})
        return str(answer["value"])

    async def add_material(
        self,
        case_id: str,
        kind: str,
        content: bytes,
        media_type: str,
        *,
        origin: str = "upload",
        still_id: str | None = None,
        key: str | None = None,
    ) -> Data:
        """File a JPEG, PNG or PDF with the case; `origin` is upload, document_camera or still."""
        query: dict[str, str | int] = {"kind": kind, "origin": origin}
        if still_id is not None:
            query["still_id"] = still_id
        path = f"/api/cases/{case_id}/materials"
        return await self.upload(path, content, media_type, key=key or new_key(), query=query)

    async def material_file(self, case_id: str, material_id: str) -> bytes:
        """Return a material as it is kept."""
        return await self.fetch(f"/api/cases/{case_id}/materials/{material_id}/file")

    async def tick_material(
        self, case_id: str, material_id: str, *, accepted: bool, remark: str = ""
    ) -> Data:
        """Say for our side whether a material will do."""
        path = f"/api/cases/{case_id}/materials/{material_id}/tick"
        return await self.command("POST", path, {"accepted": accepted, "remark": remark})

    async def record_check(
        self,
        case_id: str,
        kind: str,
        *,
        passed: bool,
        evidence: list[str],
        remark: str = "",
        key: str | None = None,
    ) -> Data:
        """Record a check (identity, material, eligibility, other) on named materials."""
        body = {"kind": kind, "passed": passed, "evidence": evidence, "remark": remark}
        path = f"/api/cases/{case_id}/checks"
        return await self.command("POST", path, body, key=key or new_key())

    async def ask_consent(self, case_id: str) -> Data:
        """Show the notice on the facing screen and ask for consent."""
        return await self.command("POST", f"/api/cases/{case_id}/consent-requests")

    async def withdraw(self, case_id: str, reason: str) -> Data:
        """Withdraw a case that has not been decided."""
        return await self.command("POST", f"/api/cases/{case_id}/withdrawal", {"reason": reason})

    # Queue and calls

    async def take_ticket(self, case_id: str, *, key: str | None = None) -> Data:
        """Put the case in line; `materials.missing` until the list is complete."""
        return await self.command("POST", f"/api/cases/{case_id}/ticket", key=key or new_key())

    async def ticket(self, case_id: str) -> Data | None:
        """Return the case's ticket, if it has one."""
        return await self.find(f"/api/cases/{case_id}/ticket")

    async def abandon_ticket(self, ticket_id: str, reason: str) -> Data:
        """Give the place in line up; the case is a draft again."""
        path = f"/api/tickets/{ticket_id}/abandonment"
        return await self.command("POST", path, {"reason": reason})

    async def queue(self) -> Data:
        """Return who waits for my jurisdiction."""
        return await self.command("GET", "/api/queue")

    async def agent(self) -> Data:
        """Return my state as an agent, with the offer before me and the call I am in."""
        return await self.command("GET", "/api/agent")

    async def set_agent_state(self, state: str, reason: str = "") -> Data:
        """Be ready, take a break or go offline; ends a wrap-up early."""
        return await self.command("PUT", "/api/agent/state", {"state": state, "reason": reason})

    async def accept_offer(self, offer_id: str) -> Data:
        """Take the offered ticket and return the call; a late taker gets `offer.gone`."""
        return await self.command("POST", f"/api/offers/{offer_id}/acceptance")

    async def refuse_offer(self, offer_id: str, reason: str) -> Data:
        """Leave the offered ticket to the next agent and return my state."""
        return await self.command("POST", f"/api/offers/{offer_id}/refusal", {"reason": reason})

    async def case_call(self, case_id: str) -> Data | None:
        """Return the live call on a case, if there is one."""
        return await self.find(f"/api/cases/{case_id}/call")

    async def call(self, call_id: str) -> Data:
        """Return a call with its seats and the ends that I negotiate with."""
        return await self.command("GET", f"/api/calls/{call_id}")

    async def hang_up(self, call_id: str, reason: str = "finished", remark: str = "") -> Data:
        """End the call: finished, line, citizen_left or other."""
        body = {"reason": reason, "remark": remark}
        return await self.command("POST", f"/api/calls/{call_id}/hang-up", body)

    async def record(self, call_id: str) -> Data:
        """Have the call recorded, or go on after a pause or a failure; refuses consent.missing."""
        return await self.command("POST", f"/api/calls/{call_id}/recording")

    async def pause_recording(self, call_id: str, reason: str) -> Data:
        """Have nothing of the call kept for a while."""
        body = {"reason": reason}
        return await self.command("POST", f"/api/calls/{call_id}/recording/pause", body)

    async def recording(self, call_id: str) -> Data:
        """Return whether the call is recorded, and every part of it."""
        return await self.command("GET", f"/api/calls/{call_id}/recording")

    async def ask_still(
        self, call_id: str, kind: str, remark: str = "", *, key: str | None = None
    ) -> Data:
        """Ask the counter's camera for a picture at its full resolution."""
        path = f"/api/calls/{call_id}/stills"
        body = {"kind": kind, "remark": remark}
        return await self.command("POST", path, body, key=key or new_key())

    async def refuse_still(self, still_id: str, reason: str) -> Data:
        """Say that no picture will be taken."""
        return await self.command("POST", f"/api/stills/{still_id}/refusal", {"reason": reason})

    # Certificates

    async def preview_certificate(self, case_id: str, kind: str) -> bytes:
        """Return the certificate as it would be: a PDF marked 预览, never signed."""
        path = f"/api/cases/{case_id}/certificate-previews"
        return await self.fetch(path, method="POST", body={"kind": kind})

    async def issue(self, case_id: str, kind: str, *, key: str | None = None) -> Data:
        """Issue the certificate; the same key gives the same certificate again."""
        path = f"/api/cases/{case_id}/certificates"
        return await self.command("POST", path, {"kind": kind}, key=key or new_key())

    async def certificates(self, case_id: str) -> list[Data]:
        """Return the case's certificates."""
        answer = await self.command("GET", f"/api/cases/{case_id}/certificates")
        return list(answer["certificates"])

    async def certificate_file(self, certificate_id: str) -> bytes:
        """Return the signed PDF."""
        return await self.fetch(f"/api/certificates/{certificate_id}/file")

    async def verify_certificate(self, certificate_id: str) -> Data:
        """Have the file checked by machine now and return the verdict; it is logged."""
        return await self.command("POST", f"/api/certificates/{certificate_id}/verification")

    async def revoke(self, certificate_id: str, reason: str) -> Data:
        """Revoke a certificate, or ask for it where a second clerk must approve."""
        path = f"/api/certificates/{certificate_id}/revocation"
        return await self.command("POST", path, {"reason": reason})

    async def settle(
        self,
        case_id: str,
        certificate_id: str,
        reference: str,
        remark: str = "",
        *,
        key: str | None = None,
    ) -> Data:
        """Close the case with the local transaction's reference; the issuer gets a receipt."""
        body = {"certificate_id": certificate_id, "reference": reference, "remark": remark}
        path = f"/api/cases/{case_id}/settlement"
        return await self.command("POST", path, body, key=key or new_key())

    async def settlement(self, case_id: str) -> Data | None:
        """Return how the case was settled, if it was."""
        return await self.find(f"/api/cases/{case_id}/settlement")

    # Anyone

    async def verify_number(self, number: str, check_code: str) -> Data:
        """Return the verdict on a certificate's number and check code."""
        body = {"number": number, "check_code": check_code}
        return await self.command("POST", "/api/verify", body)

    async def verify_qr(self, number: str, token: str) -> Data:
        """Return the verdict on what a certificate's QR code says."""
        return await self.command("POST", "/api/verify/qr", {"number": number, "token": token})

    async def verify_file(self, content: bytes) -> Data:
        """Return the verdict on a PDF; nothing of it is kept."""
        return await self.upload("/api/verify/file", content, "application/pdf")

    # Citizen

    async def mint_pickup_link(self, case_id: str, *, key: str | None = None) -> Data:
        """Return a fresh pick-up link for the citizen of a case."""
        path = f"/api/cases/{case_id}/pickup-links"
        return await self.command("POST", path, key=key or new_key())

    async def claim_pickup(self, url: str) -> Data:
        """Follow a pick-up link as the citizen's phone does: its token works once."""
        return await self.command("POST", "/api/citizen/login", {"token": fragment_of(url)})

    async def citizen_case(self) -> Data:
        """Return the citizen's own case."""
        return await self.command("GET", "/api/citizen/case")

    async def citizen_file(self, certificate_id: str) -> bytes:
        """Return the citizen's certificate."""
        return await self.fetch(f"/api/citizen/certificates/{certificate_id}/file")

    async def rate(self, level: int, remark: str = "") -> Data:
        """Rate the service as the citizen, 5 being 非常满意; once per case."""
        body = {"level": level, "remark": remark}
        return await self.command("POST", "/api/citizen/rating", body)

    # Facing screen

    async def ask_pairing(self) -> Data:
        """Return token and 6-digit code with which this screen can be paired for 2 minutes."""
        return await self.command("POST", "/api/facing/pairings")

    async def claim_pairing(self, token: str) -> bool:
        """Say whether a clerk has entered the code; if so this screen now has its login."""
        answer = await self.command("POST", "/api/facing/pairings/claim", {"token": token})
        return bool(answer["paired"])

    async def pair_screen(self, code: str) -> Data:
        """Pair the screen that shows `code` with the clerk's own counter."""
        return await self.command("POST", "/api/counter/pairing", {"code": code})

    async def facing(self) -> Data:
        """Return what the facing screen shows now."""
        return await self.command("GET", "/api/facing")

    async def give_consent(self, case_id: str, notice_version: str | int, png: bytes) -> Data:
        """Agree to the notice on the facing screen with a drawn signature."""
        body = {
            "case_id": case_id,
            "notice_version": notice_version,
            "agreed": True,
            "signature": b64encode(png).decode(),
        }
        return await self.command("POST", "/api/facing/consent", body)

    async def facing_pickup_link(self) -> Data:
        """Return a fresh pick-up link for the case on the facing screen."""
        return await self.command("POST", "/api/facing/pickup-link")

"""Citizens' phones and facing screens over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from server.access import Action
from server.cases.pictures import PDF, PNG, Pictures
from server.cases.routes import CASE, store_picture
from server.cases.rules import ConsentState
from server.certificates.issuing import Key
from server.certificates.papers import PKCS7, Papers
from server.citizens import messages as wire
from server.citizens.models import PickupLink
from server.citizens.pictures import admit_signature, draw_link
from server.citizens.reading import Views
from server.citizens.rules import CITIZEN_LOGIN_LIVES, DEVICE_LOGIN_LIVES, Way
from server.citizens.service import Citizens
from server.errors import ServiceError
from server.files import FileStore
from server.web.http import Ask, Empty, FileAnswer, Route
from server.web.login import Audience, NewLogin

CERTIFICATE = "/api/citizen/certificates/{certificate_id:[0-9a-f]{32}}"


@dataclass(frozen=True, slots=True)
class _Links:
    """Links, phones and screens that sign in."""

    citizens: Citizens
    public_url: str

    async def mint_pickup_link(self, ask: Ask[Empty]) -> wire.PickupLink:
        key = None if ask.key is None else Key(f"{ask.actor.id}:{ask.key}", ask.fingerprint)
        async with ask.units.open() as unit:
            link = await self.citizens.mint_link(unit, ask.actor, ask.path["case_id"], key)
        return self.show(link)

    def show(self, link: PickupLink) -> wire.PickupLink:
        url = f"{self.public_url}/c#{self.citizens.token_of(link.id)}"
        return wire.PickupLink(url=url, qr=draw_link(url), expires_at=link.expires_at)

    async def offer_pairing(self, ask: Ask[Empty]) -> wire.PairingOffer:
        async with ask.units.open() as unit:
            new, row = await self.citizens.offer_pairing(unit)
        return wire.PairingOffer(token=new.token, code=new.code, expires_at=row.expires_at)

    async def claim_pairing(self, ask: Ask[wire.PairingClaim]) -> wire.PairingState:
        async with ask.units.open() as unit:
            token = await self.citizens.claim_pairing(unit, ask.said.token)
        if token is None:
            return wire.PairingState(paired=False)
        seconds = int(DEVICE_LOGIN_LIVES.total_seconds())
        ask.login = NewLogin(Audience.DEVICE, token, seconds)
        return wire.PairingState(paired=True)

    async def pair_counter(self, ask: Ask[wire.PairingCode]) -> wire.CounterPaired:
        async with ask.units.open() as unit:
            counter = await self.citizens.pair(unit, ask.actor, ask.said.code)
        return wire.CounterPaired(counter=counter)


@dataclass(frozen=True, slots=True)
class _Phone:
    """A citizen's phone."""

    citizens: Citizens
    views: Views
    papers: Papers

    async def read_own_refusal(self, ask: Ask[Empty]) -> FileAnswer:
        async with ask.database.reading() as session:
            case = await self.views.require_own(session, ask.actor)
            refusal = await self.views.refusals.of_case(session, case)
        return FileAnswer(await self.views.refusals.draw(refusal), PDF, f"{case.number}.pdf")

    async def sign_citizen_in(self, ask: Ask[wire.PickUp]) -> wire.CitizenCase:
        async with ask.units.open() as unit:
            token, citizen = await self.citizens.sign_in(unit, ask.said.token)
        seconds = int(CITIZEN_LOGIN_LIVES.total_seconds())
        ask.login = NewLogin(Audience.CITIZEN, token, seconds)
        async with ask.database.reading() as session:
            return await self.views.own_case(session, citizen)

    async def read_own_case(self, ask: Ask[Empty]) -> wire.CitizenCase:
        async with ask.database.reading() as session:
            return await self.views.own_case(session, ask.actor)

    async def read_own_file(self, ask: Ask[Empty]) -> FileAnswer:
        async with ask.database.reading() as session:
            row = await self.views.own_certificate(session, ask.actor, ask.path["certificate_id"])
        return FileAnswer(await self.papers.content(row), PDF, f"{row.number}.pdf")

    async def read_own_sm2(self, ask: Ask[Empty]) -> FileAnswer:
        async with ask.database.reading() as session:
            row = await self.views.own_certificate(session, ask.actor, ask.path["certificate_id"])
            signature = await self.papers.sm2_signature(session, row)
        return FileAnswer(signature, PKCS7, f"{row.number}.p7s")

    async def read_own_picture(self, ask: Ask[wire.PageQuery]) -> FileAnswer:
        async with ask.database.reading() as session:
            row = await self.views.own_certificate(session, ask.actor, ask.path["certificate_id"])
        drawn = await self.papers.picture(row, ask.said.page)
        return FileAnswer(drawn, PNG, f"{ask.said.page}.png", attachment=False)

    async def rate_by_phone(self, ask: Ask[wire.RatingGiven]) -> wire.RatingKept:
        async with ask.units.open() as unit:
            await self.citizens.rate(
                unit,
                ask.actor,
                ask.actor.case_id,
                level=ask.said.level,
                remark=ask.said.remark,
                way=Way.PHONE,
            )
        return wire.RatingKept(level=ask.said.level)


@dataclass(frozen=True, slots=True)
class _Screen:
    """The facing screen of a counter."""

    citizens: Citizens
    views: Views
    papers: Papers
    pictures: Pictures
    files: FileStore
    links: _Links

    async def read_facing(self, ask: Ask[Any]) -> wire.Facing:
        async with ask.database.reading() as session:
            return await self.views.facing(session, ask.actor, ask.units.clock())

    async def answer_notice(self, ask: Ask[wire.ConsentGiven]) -> wire.Facing:
        """A repeated answer changes nothing: the screen sees what was kept."""
        said = ask.said
        now = await self._require_shown(ask, said.case_id)
        wanted = ConsentState.GIVEN if said.agreed else ConsentState.REFUSED
        if now.consent is not None and now.consent.state is wanted:
            return now
        stored = None
        if said.agreed:
            picture = await admit_signature(self.pictures, said.signature or "")
            stored = await store_picture(self.files, picture)
        async with ask.units.open() as unit:
            await self.citizens.answer_notice(
                unit, ask.actor, said.case_id, said.notice_version, stored
            )
        return await self.read_facing(ask)

    async def mint_facing_link(self, ask: Ask[Empty]) -> wire.PickupLink:
        now = await self._require_shown(ask)
        async with ask.units.open() as unit:
            link = await self.citizens.mint_link(unit, ask.actor, _case_id(now))
        return self.links.show(link)

    async def read_facing_picture(self, ask: Ask[wire.PageQuery]) -> FileAnswer:
        async with ask.database.reading() as session:
            case = await self.views.require_shown(session, ask.actor, ask.units.clock())
            row = await self.views.shown_certificate(session, case)
        if row is None:
            raise ServiceError("certificate.unknown")
        drawn = await self.papers.picture(row, ask.said.page)
        return FileAnswer(drawn, PNG, f"{ask.said.page}.png", attachment=False)

    async def rate_at_counter(self, ask: Ask[wire.FacingRating]) -> wire.Facing:
        await self._require_shown(ask, ask.said.case_id)
        async with ask.units.open() as unit:
            await self.citizens.rate(
                unit,
                ask.actor,
                ask.said.case_id,
                level=ask.said.level,
                remark=ask.said.remark,
                way=Way.FACING,
            )
        return await self.read_facing(ask)

    async def _require_shown(self, ask: Ask[Any], case_id: str | None = None) -> wire.Facing:
        """Return what the screen shows; case.unknown if it shows no case, or another one."""
        now = await self.read_facing(ask)
        if now.case is None or case_id not in {None, now.case.id}:
            raise ServiceError("case.unknown")
        return now


def _case_id(facing: wire.Facing) -> str:
    return "" if facing.case is None else facing.case.id


def routes(
    citizens: Citizens,
    views: Views,
    papers: Papers,
    pictures: Pictures,
    files: FileStore,
    *,
    public_url: str,
) -> list[Route[Any]]:
    """Return this domain's lines of the API."""
    links = _Links(citizens, public_url)
    phone = _Phone(citizens, views, papers)
    screen = _Screen(citizens, views, papers, pictures, files, links)
    device, citizen = Audience.DEVICE, Audience.CITIZEN
    return [
        Route("POST", CASE + "/pickup-links", Action.MINT_PICKUP_LINK, Empty,
              links.mint_pickup_link, wire.PickupLink, "Mint a link for the citizen's phone",
              keyed=True),
        Route("POST", "/api/counter/pairing", Action.PAIR_COUNTER, wire.PairingCode,
              links.pair_counter, wire.CounterPaired,
              "Pair the screen that shows this code with the clerk's counter", rate="pair"),
        Route("POST", "/api/citizen/login", None, wire.PickUp, phone.sign_citizen_in,
              wire.CitizenCase, "Use a pick-up link up and sign its citizen in",
              audience=citizen, rate="pick_up"),
        Route("GET", "/api/citizen/case", Action.READ_OWN_CASE, Empty, phone.read_own_case,
              wire.CitizenCase, "Read one's own case", audience=citizen),
        Route("GET", CERTIFICATE + "/file", Action.READ_OWN_CASE, Empty, phone.read_own_file,
              None, "Download one's own certificate", audience=citizen),
        Route("GET", CERTIFICATE + "/sm2-signature", Action.READ_OWN_CASE, Empty,
              phone.read_own_sm2, None, "Download one's own certificate's SM2 signature",
              audience=citizen),
        Route("GET", CERTIFICATE + "/picture", Action.READ_OWN_CASE, wire.PageQuery,
              phone.read_own_picture, None, "A picture of one page of one's own certificate",
              audience=citizen),
        Route("GET", "/api/citizen/refusal-notice", Action.READ_OWN_CASE, Empty,
              phone.read_own_refusal, None, "The notice of refusal of one's own case",
              audience=citizen),
        Route("POST", "/api/citizen/rating", Action.RATE_CASE, wire.RatingGiven,
              phone.rate_by_phone, wire.RatingKept, "Rate the service, once", audience=citizen),
        Route("POST", "/api/facing/pairings", None, Empty, links.offer_pairing,
              wire.PairingOffer, "Get a code for a clerk to enter", audience=device, rate="pair"),
        Route("POST", "/api/facing/pairings/claim", None, wire.PairingClaim, links.claim_pairing,
              wire.PairingState, "Ask whether the code was entered, and sign the screen in",
              audience=device, rate="pair"),
        Route("GET", "/api/facing", Action.READ_FACING, Empty, screen.read_facing, wire.Facing,
              "All that the screen shows now", audience=device),
        Route("POST", "/api/facing/consent", Action.GIVE_CONSENT, wire.ConsentGiven,
              screen.answer_notice, wire.Facing, "Answer the notice", audience=device),
        Route("POST", "/api/facing/pickup-link", Action.MINT_PICKUP_LINK, Empty,
              screen.mint_facing_link, wire.PickupLink, "Mint a link for the case shown",
              audience=device),
        Route("GET", "/api/facing/certificate/picture", Action.READ_FACING, wire.PageQuery,
              screen.read_facing_picture, None, "A picture of one page of the certificate shown",
              audience=device),
        Route("POST", "/api/facing/rating", Action.RATE_CASE, wire.FacingRating,
              screen.rate_at_counter, wire.Facing, "Rate the service, once", audience=device),
    ]  # fmt: skip

"""The verbs of citizens: pair a screen, hand out a link, sign in with it, consent, rate."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from server.access import Action, Actor, Role, authorize
from server.cases import queries as case_queries
from server.cases.record import Records
from server.cases.rules import ConsentState
from server.cases.service import Cases, StoredFile
from server.certificates.issuing import Key
from server.citizens import queries
from server.citizens.models import CitizenLogin, DeviceLogin, Pairing, PickupLink, Rating
from server.citizens.rules import (
    BAD_LEVEL,
    CITIZEN_LOGIN_LIVES,
    CODE_DIGITS,
    DEVICE_LOGIN_LIVES,
    PAIRING_LIVES,
    PICKUP_LIVES,
    Way,
)
from server.db.base import new_id
from server.db.replies import claim, remember
from server.db.unit import Unit, Units
from server.errors import ServiceError
from server.items.rules import check_prose
from server.rooms import login as login_room
from server.texts import CITIZEN
from server.vault import Vault

TOKEN_BYTES = 32
CODE_TRIES = 20
REMARK_LENGTH = 500


@dataclass(frozen=True, slots=True)
class NewPairing:
    """What a screen is told once: its token and the code that it shows."""

    token: str
    code: str
    lives: timedelta = PAIRING_LIVES


Consented = Callable[[Unit, str], Awaitable[None]]


async def nothing_follows(_unit: Unit, _case_id: str) -> None:
    """Let an answer to the notice have no further consequence."""


@dataclass(frozen=True, slots=True)
class Citizens:
    """Screens, links, logins, consent and rating; each verb is one command in its unit."""

    units: Units
    vault: Vault
    records: Records
    cases: Cases
    consented: Consented = nothing_follows

    async def offer_pairing(self, unit: Unit) -> tuple[NewPairing, Pairing]:
        """Give a screen a code to show for two minutes; server.busy if none is free."""
        await queries.forget_pairings(unit.session, unit.now)
        for _ in range(CODE_TRIES):
            code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
            token = secrets.token_urlsafe(TOKEN_BYTES)
            row = Pairing(
                id=new_id(),
                token_hash=self.vault.token_hash(token),
                code_index=self._code_index(code),
                expires_at=unit.now + PAIRING_LIVES,
            )
            if await queries.add_pairing(unit.session, row):
                return NewPairing(token, code), row
        raise ServiceError("server.busy")

    async def pair(self, unit: Unit, actor: Actor, code: str) -> str:
        """Give the screen that shows `code` to the clerk's own counter, whose id is returned.

        Refuses pairing.unknown for a code that is wrong, used or too old, and counter.unknown for
        a clerk without a counter.
        """
        authorize(actor, Action.PAIR_COUNTER)
        if not actor.counter:
            raise ServiceError("counter.unknown")
        done = await queries.assign_pairing(
            unit.session,
            self._code_index(code),
            unit.now,
            region=actor.region,
            hall=actor.hall,
            counter=actor.counter,
            paired_by=actor.id,
        )
        if not done:
            raise ServiceError("pairing.unknown", field="code")
        return actor.counter

    async def claim_pairing(self, unit: Unit, token: str) -> str | None:
        """Return the token of the screen's login, once a clerk has entered its code; else None.

        The login replaces the one that the counter's screen had. Refuses pairing.unknown.
        """
        digest = self.vault.token_hash(token)
        pairing = await queries.take_pairing(unit.session, digest, unit.now)
        if pairing is None or pairing.counter is None:
            if await queries.find_pairing(unit.session, digest, unit.now) is None:
                raise ServiceError("pairing.unknown")
            return None
        for login_id in await queries.end_devices(unit.session, pairing.counter, unit.now):
            unit.notify(login_room(login_id), "login.ended", {})
        login_token = secrets.token_urlsafe(TOKEN_BYTES)
        unit.session.add(
            DeviceLogin(
                id=new_id(),
                token_hash=self.vault.token_hash(login_token),
                region=pairing.region or "",
                hall=pairing.hall or "",
                counter=pairing.counter,
                paired_by=pairing.paired_by or "",
                created_at=unit.now,
                expires_at=unit.now + DEVICE_LOGIN_LIVES,
            )
        )
        return login_token

    async def find_device(self, token: str) -> Actor | None:
        """Return the screen behind a cookie, which sees one counter and nothing else."""
        digest = self.vault.token_hash(token)
        async with self.units.database.reading() as session:
            login = await queries.find_device(session, digest, self.units.clock())
        if login is None:
            return None
        return Actor(
            id=login.id,
            name=CITIZEN,
            login_id=login.id,
            roles=frozenset({Role.DEVICE}),
            region=login.region,
            hall=login.hall,
            counter=login.counter,
        )

    async def find_citizen(self, token: str) -> Actor | None:
        """Return the citizen behind a cookie, who sees one case and nothing else."""
        digest = self.vault.token_hash(token)
        async with self.units.database.reading() as session:
            login = await queries.find_citizen(session, digest, self.units.clock())
        return None if login is None else _citizen(login.id, login.case_id)

    async def ended_logins(self, ids: Iterable[str]) -> set[str]:
        """Return those of these login ids that are of screens or phones and live no more."""
        async with self.units.database.reading() as session:
            return await queries.dead_logins(session, sorted(ids), self.units.clock())

    async def mint_link(
        self, unit: Unit, actor: Actor, case_id: str, key: Key | None = None
    ) -> PickupLink:
        """Mint a link to a case with a certificate; a repeated key gives the same link again."""
        if key is not None:
            known = await claim(unit, key.owner, key.fingerprint)
            if known is not None:
                return await queries.link_of(unit.session, known)
        entry = await self.records.begin(unit, actor, case_id, Action.MINT_PICKUP_LINK)
        link_id = new_id()
        link = PickupLink(
            id=link_id,
            case_id=case_id,
            token_hash=self.vault.token_hash(self.token_of(link_id)),
            minted_by=actor.id,
            minted_at=unit.now,
            expires_at=unit.now + PICKUP_LIVES,
        )
        unit.session.add(link)
        await entry.append("pickup.minted", {"link_id": link_id})
        if key is not None:
            # The id and not the link: a copy of the database must open nothing.
            await remember(unit, key.owner, link_id)
        return link

    def token_of(self, link_id: str) -> str:
        """Return a link's token: 256 bits that only the service's secret can make from the id."""
        made = bytes.fromhex(self.vault.blind_index("pick-up link", link_id))
        return base64.urlsafe_b64encode(made).rstrip(b"=").decode()

    async def sign_in(self, unit: Unit, token: str) -> tuple[str, Actor]:
        """Use a link up and return a login's token and its citizen; pickup.unknown if it is none.

        First the link is checked and used, then the login is made: of two who hold the same link
        one gets in.
        """
        link = await queries.use_link(unit.session, self.vault.token_hash(token), unit.now)
        if link is None:
            raise ServiceError("pickup.unknown")
        login_token = secrets.token_urlsafe(TOKEN_BYTES)
        login_id = new_id()
        unit.session.add(
            CitizenLogin(
                id=login_id,
                case_id=link.case_id,
                link_id=link.id,
                token_hash=self.vault.token_hash(login_token),
                created_at=unit.now,
                expires_at=unit.now + CITIZEN_LOGIN_LIVES,
            )
        )
        citizen = _citizen(login_id, link.case_id)
        entry = await self.records.begin(unit, citizen, link.case_id, Action.READ_OWN_CASE)
        await entry.append("pickup.claimed", {"link_id": link.id})
        return login_token, citizen

    async def end_logins(self, unit: Unit, case_id: str) -> int:
        """End every phone's login to a case, its sockets too; return how many there were."""
        ended = await queries.end_citizens(unit.session, case_id, unit.now)
        for login_id in ended:
            unit.notify(login_room(login_id), "login.ended", {})
        return len(ended)

    async def answer_notice(
        self,
        unit: Unit,
        actor: Actor,
        case_id: str,
        notice_version: str,
        signature: StoredFile | None,
    ) -> None:
        """Keep the citizen's consent with its signature, or their refusal (None).

        Refuses consent.missing unless consent was asked for and not answered yet, and
        notice.stale if another wording was asked about.
        """
        entry = await self.records.begin(unit, actor, case_id, Action.GIVE_CONSENT)
        asked = await case_queries.find_consent(unit.session, case_id)
        if asked is None or asked.state is not ConsentState.ASKED:
            raise ServiceError("consent.missing")
        await self.cases.answer_consent(entry, notice_version, signature)
        await self.consented(unit, case_id)

    async def rate(
        self, unit: Unit, actor: Actor, case_id: str, *, level: int, remark: str, way: Way
    ) -> None:
        """Keep a case's rating; a bad one is marked for follow-up. Refuses rating.given."""
        entry = await self.records.begin(unit, actor, case_id, Action.RATE_CASE)
        said = check_prose(remark, "remark", REMARK_LENGTH)
        rating = Rating(
            case_id=case_id,
            level=level,
            sealed_remark=entry.key.seal(said, remark_context(case_id)),
            way=way,
            at=unit.now,
            follow_up=level <= BAD_LEVEL,
        )
        if not await queries.add_rating(unit.session, rating):
            raise ServiceError("rating.given")
        await entry.append(
            "rating.given", {"level": level, "way": way.value}, private={"remark": said}
        )

    def _code_index(self, code: str) -> str:
        return self.vault.blind_index("pairing code", code)


def remark_context(case_id: str) -> str:
    """Return what a rating's remark is bound to."""
    return f"rating:{case_id}"


def _citizen(login_id: str, case_id: str) -> Actor:
    return Actor(
        id=login_id,
        name=CITIZEN,
        login_id=login_id,
        roles=frozenset({Role.CITIZEN}),
        case_id=case_id,
    )

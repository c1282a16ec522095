"""The verbs of staff: sign in and out, and keep the accounts."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from server.access import OF_PROVINCES, Actor, Role, is_province
from server.db.base import new_id
from server.db.unit import Unit, Units
from server.errors import ServiceError
from server.rooms import login as login_room
from server.staff import queries
from server.staff.messages import Me, PlaceNames, describe_clerk
from server.staff.models import Clerk, Login
from server.staff.passwords import PasswordHashes
from server.staff.rules import (
    LOGIN_LIVES,
    EndReason,
    check_display_name,
    check_name,
    check_password,
    fold_name,
    must_touch,
)
from server.vault import Vault

TOKEN_BYTES = 32
STAFF_ROLES = frozenset({Role.COUNTER, Role.AGENT, Role.SUPERVISOR, Role.ADMINISTRATOR})

# Region, hall and counter to their names; refuses what it does not know.
NamePlaces = Callable[[str, str, str], PlaceNames]


@dataclass(frozen=True, slots=True)
class NewClerk:
    """What an account is made of; `items` empty means that an agent handles every item."""

    name: str
    display_name: str
    roles: Sequence[Role]
    region: str = ""
    hall: str = ""
    counter: str = ""
    items: Sequence[str] = ()
    demo: bool = False


@dataclass(frozen=True, slots=True)
class StaffService:
    """Accounts and logins. Hashing takes tens of milliseconds, so no unit is open meanwhile."""

    units: Units
    vault: Vault
    hashes: PasswordHashes
    name_places: NamePlaces

    async def sign_in(
        self, name: str, password: str, *, replacing: str | None = None
    ) -> tuple[str, Login]:
        """Return a token and its login; the clerk's earlier logins end, and so does `replacing`.

        Refuses login.refused for a wrong name or password and for a disabled account alike, in
        the same time; login.locked after five failures in a row; server.busy.
        """
        folded = fold_name(name)
        index = self.vault.blind_index("sign-in name", folded or name)
        # The place in line comes first: an attempt that nobody could look at is not a failure.
        with self.hashes.place():
            clerk = await self._count_attempt(folded, index)
            known_hash = clerk.password_hash if clerk is not None else None
            right = await self.hashes.check(known_hash, password)
        if clerk is None or not right:
            raise ServiceError("login.refused")
        token = secrets.token_urlsafe(TOKEN_BYTES)
        async with self.units.open() as unit:
            if not await queries.note_sign_in(unit.session, clerk, unit.now):
                raise ServiceError("login.refused")
            await queries.forget_failures(unit.session, index)
            if replacing is not None:
                await self._end(unit, replacing, EndReason.SIGNED_IN_ANEW)
            await self._end_all(unit, clerk.id, EndReason.SIGNED_IN_ANEW)
            login = Login(
                id=new_id(),
                clerk_id=clerk.id,
                token_hash=self.vault.token_hash(token),
                created_at=unit.now,
                seen_at=unit.now,
                expires_at=unit.now + LOGIN_LIVES,
                ended_at=None,
                end_reason=None,
            )
            unit.session.add(login)
        return token, login

    async def sign_out(self, login_id: str) -> None:
        """End one login; that it had ended already is no error."""
        async with self.units.open() as unit:
            await self._end(unit, login_id, EndReason.SIGNED_OUT)

    async def find_actor(self, token: str) -> Actor | None:
        """Return who signed in with this token, if the login lives; note that it is in use."""
        now = self.units.clock()
        async with self.units.database.reading() as session:
            found = await queries.find_login(session, self.vault.token_hash(token), now)
        if found is None:
            return None
        login, clerk = found
        if must_touch(login.seen_at, now):
            async with self.units.open() as unit:
                await queries.touch_login(unit.session, login.id, unit.now)
        return actor_of(clerk, login.id)

    async def me(self, login_id: str) -> Me:
        """Return who is behind a login; login.missing if there is no such login."""
        async with self.units.database.reading() as session:
            found = await queries.login_with_clerk(session, login_id)
        if found is None:
            raise ServiceError("login.missing")
        login, clerk = found
        names = self.name_places(clerk.region, clerk.hall, clerk.counter)
        return Me(
            clerk=describe_clerk(clerk, names),
            expires_at=login.expires_at,
            server_time=self.units.clock(),
        )

    async def ended_logins(self, ids: Iterable[str]) -> set[str]:
        """Return those login ids of staff that have ended, expired or belong to a disabled clerk.

        Ids that are not of staff (screens, citizens) are never among them.
        """
        now, asked, ended = self.units.clock(), sorted(ids), set[str]()
        async with self.units.database.reading() as session:
            for start in range(0, len(asked), queries.PAGE):
                page = asked[start : start + queries.PAGE]
                ended.update(await queries.dead_logins(session, page, now))
        return ended

    async def add_clerk(self, new: NewClerk, password: str) -> Clerk:
        """Open an account and return it.

        Refuses staff.taken, password.weak, a name or place that will not do, and a role that no
        account can have there: a province has supervisors and administrators, and no halls.
        """
        name = check_name(new.name)
        display_name = check_display_name(new.display_name)
        check_password(name, password)
        provincial = is_province(new.region)
        able = OF_PROVINCES if provincial else STAFF_ROLES
        if not new.roles or not set(new.roles) <= able:
            raise ServiceError("choice.unknown", field="roles", choices=sorted(able))
        self.name_places(new.region, new.hall, new.counter)
        if provincial and new.counter:
            raise ServiceError("counter.unknown")
        password_hash = await self.hashes.make(password)
        async with self.units.open() as unit:
            clerk = Clerk(
                id=new_id(),
                name=name,
                display_name=display_name,
                region=new.region,
                hall=new.hall,
                counter=new.counter,
                roles=sorted(set(new.roles)),
                items=sorted(set(new.items)),
                password_hash=password_hash,
                active=True,
                demo=new.demo,
                created_at=unit.now,
                signed_in_at=None,
            )
            if not await queries.add_clerk(unit.session, clerk):
                raise ServiceError("staff.taken", field="name")
        return clerk

    async def disable_clerk(self, name: str) -> None:
        """Close an account and end its logins; staff.unknown if there is none."""
        async with self.units.open() as unit:
            clerk_id = await queries.disable(unit.session, fold_name(name))
            if clerk_id is None:
                raise ServiceError("staff.unknown", field="name")
            await self._end_all(unit, clerk_id, EndReason.DISABLED)

    async def set_password(self, name: str, password: str) -> None:
        """Change a password, end the account's logins and unlock it.

        Refuses staff.unknown and password.weak.
        """
        folded = fold_name(name)
        check_password(folded, password)
        password_hash = await self.hashes.make(password)
        async with self.units.open() as unit:
            clerk_id = await queries.change_password(unit.session, folded, password_hash)
            if clerk_id is None:
                raise ServiceError("staff.unknown", field="name")
            index = self.vault.blind_index("sign-in name", folded)
            await queries.forget_failures(unit.session, index)
            await self._end_all(unit, clerk_id, EndReason.PASSWORD_CHANGED)

    async def clerks(self) -> list[Clerk]:
        """Return every account, by name."""
        async with self.units.database.reading() as session:
            return await queries.clerks(session)

    async def demo_clerks(self) -> list[str]:
        """Return the names of demo accounts that can sign in; production refuses to start then."""
        async with self.units.database.reading() as session:
            return await queries.demo_names(session)

    async def _count_attempt(self, folded: str, index: str) -> Clerk | None:
        async with self.units.open() as unit:
            locked = await queries.count_attempt(unit.session, index, unit.now)
            clerk = await queries.find_clerk(unit.session, folded)
        if locked is not None:
            seconds = int((locked - unit.now).total_seconds()) + 1
            raise ServiceError("login.locked", seconds=seconds)
        return clerk

    async def _end(self, unit: Unit, login_id: str, reason: EndReason) -> None:
        _tell(unit, await queries.end_login(unit.session, login_id, reason, unit.now))

    async def _end_all(self, unit: Unit, clerk_id: str, reason: EndReason) -> None:
        _tell(unit, await queries.end_logins_of(unit.session, clerk_id, reason, unit.now))


async def find_signed_in(session: AsyncSession, clerk_id: str, now: datetime) -> Actor | None:
    """Return what a clerk's account makes of whoever is signed in to it; None if nobody is."""
    found = await queries.find_signed_in(session, clerk_id, now)
    if found is None:
        return None
    login, clerk = found
    return actor_of(clerk, login.id)


def actor_of(clerk: Clerk, login_id: str = "") -> Actor:
    """Return what an account makes of its clerk, signed in or not."""
    return Actor(
        id=clerk.id,
        name=clerk.display_name,
        login_id=login_id,
        roles=frozenset(Role(role) for role in clerk.roles),
        region=clerk.region,
        hall=clerk.hall,
        counter=clerk.counter,
        items=frozenset(clerk.items),
    )


def _tell(unit: Unit, login_ids: list[str]) -> None:
    for login_id in login_ids:
        unit.notify(login_room(login_id), "login.ended", {})

"""The verbs of workers and legs; what they mean for calls is said in the domain above."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel
from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from server.access import Actor, Role
from server.db.base import new_id
from server.db.unit import Unit
from server.errors import ServiceError
from server.media import messages as media
from server.relays import queries
from server.relays.models import MediaLeg, MediaWorker
from server.relays.rules import (
    LEG_LEASE,
    LEG_OUTLIVES_SOCKET,
    OPENING_LASTS,
    WORKER_LEASE,
    LegState,
    Lost,
    Tab,
    choose_meeting_point,
    choose_worker,
    must_renew,
)
from server.rooms import MEDIA
from server.rooms import socket as socket_room
from server.rooms import worker as worker_room


@dataclass(frozen=True, slots=True)
class Relays:
    """Knows which workers there are and who has a leg on which; each verb works in a unit."""

    async def report(self, unit: Unit, sid: str, said: media.WorkerReported) -> bool:
        """Believe a worker for the length of its lease; say whether it is new on this socket.

        Legs that it lost without a word are lost here too; those that we know nothing of, it is
        to close.
        """
        session, now = unit.session, unit.now
        worker = await queries.find_worker(session, said.worker_id)
        new = worker is None or worker.sid != sid
        if worker is None:
            worker = MediaWorker(id=said.worker_id)
            session.add(worker)
        facts = (sid, said.name, said.capacity)
        if facts != (worker.sid, worker.name, worker.capacity) or must_renew(
            worker.lease_until, now
        ):
            worker.sid, worker.name, worker.capacity = facts
            worker.lease_until = now + WORKER_LEASE
            await session.flush()
        await self._compare(unit, said)
        return new

    async def _compare(self, unit: Unit, said: media.WorkerReported) -> None:
        known, there = await queries.legs_of(unit.session, said.worker_id), set(said.legs)
        missing = [
            leg.id for leg in known if leg.state is LegState.CONNECTED and leg.id not in there
        ]
        if missing:
            self._tell_lost(
                unit, await queries.drop_legs(unit.session, MediaLeg.id.in_(missing)),
                Lost.CONNECTION,
            )  # fmt: skip
        for leg_id in sorted(there - {leg.id for leg in known}):
            tell_worker(unit, said.worker_id, "leg.closed", media.LegClosed(leg_id=leg_id))

    async def part(self, unit: Unit, sid: str) -> bool:
        """Take a worker away whose socket is gone, unless it is here on another by now."""
        return await self._lose(unit, MediaWorker.sid == sid)

    async def lapse_worker(self, unit: Unit, worker_id: str) -> None:
        """Take a worker away that has not been heard of, unless it was meanwhile."""
        await self._lose(
            unit, (MediaWorker.id == worker_id) & (MediaWorker.lease_until <= unit.now)
        )

    async def _lose(self, unit: Unit, condition: ColumnElement[bool]) -> bool:
        gone = await queries.drop_worker(unit.session, condition)
        if gone is None:
            return False
        self._tell_lost(unit, gone[1], Lost.WORKER)
        return True

    async def choose(
        self, session: AsyncSession, holders: Sequence[str], now: datetime
    ) -> str | None:
        """Return the worker for those who will meet, in the order in which they count; hold it.

        It is the one on which the first of them has a leg already, else the least loaded.
        """
        for holder in holders:
            leg = await queries.newest_leg(session, holder=holder, now=now)
            if leg is not None and await queries.hold_worker(session, leg.worker_id, now):
                return leg.worker_id
        chosen = choose_worker(await queries.loads(session, now))
        held = None if chosen is None else await queries.hold_worker(session, chosen, now)
        return None if held is None else held.id

    async def meeting_point(self, session: AsyncSession, key: str, now: datetime) -> str | None:
        """Return the worker on which those who know `key` find each other; None without any."""
        return choose_meeting_point(await queries.loads(session, now), key)

    async def hold(self, session: AsyncSession, worker_id: str, now: datetime) -> bool:
        """Have a worker stay until the unit ends; say whether it was there."""
        return await queries.hold_worker(session, worker_id, now) is not None

    async def leg_for(
        self, session: AsyncSession, holder: str, worker_id: str, now: datetime
    ) -> str | None:
        """Return the leg on which somebody can be seen and heard at once on a worker."""
        leg = await queries.newest_leg(session, holder=holder, worker_id=worker_id, now=now)
        return None if leg is None else leg.id

    async def open_leg(
        self, unit: Unit, tab: Tab, *, on: str | None = None, has: str | None = None,
        another: bool = False,
    ) -> MediaLeg | None:  # fmt: skip
        """Return the tab's connected leg, or a new one to be offered; None if nobody can take it.

        `on` says which worker it must be, `has` which leg the tab has: a later socket of its login
        gets that one back. `another` is for a network that changed: a new leg, and the connected
        one stays until then. A tab has one connected leg and one that is opening: what else it
        had is closed.
        """
        session, now = unit.session, unit.now
        if has is None:
            present = await queries.newest_leg(session, sid=tab.sid, now=now)
        else:
            present = await self._take_back(unit, tab, has)
        if present is not None and not another and on in {None, present.worker_id}:
            return present
        able = [one for one in await queries.loads(session, now) if on in {None, one.worker_id}]
        chosen = choose_worker(able)
        if chosen is None or await queries.hold_worker(session, chosen, now) is None:
            return None
        kept = set() if present is None else {present.id}
        others = (MediaLeg.sid == tab.sid, MediaLeg.id.not_in(kept))
        self._tell_closed(unit, await queries.drop_legs(session, *others))
        leg = MediaLeg(
            id=new_id(),
            worker_id=chosen,
            sid=tab.sid,
            login_id=tab.login_id,
            holder=tab.holder,
            opened_at=now,
            state=LegState.OPENING,
            lease_until=now + OPENING_LASTS,
        )
        session.add(leg)
        await session.flush()
        return leg

    async def _take_back(self, unit: Unit, tab: Tab, leg_id: str) -> MediaLeg | None:
        """Give a tab the leg that it had on the socket before, and have told what comes there."""
        leg = await queries.find_leg(unit.session, leg_id)
        same = leg is not None and leg.sid == tab.sid
        leg = await queries.adopt_leg(unit.session, leg_id, tab, unit.now + LEG_LEASE)
        if leg is not None and not same:
            tell_worker(unit, leg.worker_id, "leg.resumed", media.LegResumed(leg_id=leg.id))
        return leg

    async def own_leg(self, session: AsyncSession, sid: str, leg_id: str) -> MediaLeg:
        """Return a leg to the socket that opened it; anybody else's is leg.unknown."""
        leg = await queries.find_leg(session, leg_id)
        if leg is None or leg.sid != sid:
            raise ServiceError("leg.unknown")
        return leg

    async def tabs_leg(
        self, session: AsyncSession, sid: str, worker_id: str, now: datetime
    ) -> MediaLeg | None:
        """Return the leg on which one socket can be seen and heard at once on a worker."""
        return await queries.newest_leg(session, sid=sid, worker_id=worker_id, now=now)

    async def count(self, session: AsyncSession, now: datetime) -> int:
        """Return how many workers there are."""
        return len(await queries.loads(session, now))

    async def is_live(self, session: AsyncSession, worker_id: str) -> bool:
        """Say whether a worker is there still."""
        return await queries.find_worker(session, worker_id) is not None

    async def leg_at(self, session: AsyncSession, sid: str, leg_id: str) -> MediaLeg | None:
        """Return a leg of the worker whose socket speaks of it, unless it is over."""
        leg = await queries.find_leg(session, leg_id)
        worker = await queries.worker_at(session, sid)
        return leg if leg and worker and leg.worker_id == worker.id else None

    async def note_state(self, unit: Unit, sid: str, said: media.LegChanged) -> None:
        """Note what a worker says of one of its legs; one that failed or closed is lost."""
        leg = await self.leg_at(unit.session, sid, said.leg_id)
        if leg is None:
            return
        if said.state == "connected":
            until = unit.now + LEG_LEASE
            await queries.connect_leg(unit.session, leg.id, leg.worker_id, until)
            return
        gone = await queries.drop_legs(unit.session, MediaLeg.id == leg.id)
        self._tell_lost(unit, gone, Lost.CONNECTION)

    async def close_leg(self, unit: Unit, sid: str, leg_id: str) -> None:
        """Close a leg that its tab wants no more; refuses leg.unknown."""
        leg = await self.own_leg(unit.session, sid, leg_id)
        self._tell_closed(unit, await queries.drop_legs(unit.session, MediaLeg.id == leg.id))

    async def forget_socket(self, unit: Unit, sid: str) -> bool:
        """Let the legs of a socket that is gone wait for the next one of their tab.

        Of a login that has ended there will be none: its legs are closed. Says if there were any.
        """
        gone = await queries.drop_legs(unit.session, *queries.without_login(sid))
        self._tell_closed(unit, gone)
        await queries.leave_legs(unit.session, sid, unit.now + LEG_OUTLIVES_SOCKET)
        return bool(gone)

    async def lapse_leg(self, unit: Unit, leg_id: str) -> None:
        """Close a leg whose lease has run out, unless it was renewed meanwhile."""
        lapsed = (MediaLeg.id == leg_id, MediaLeg.lease_until <= unit.now)
        gone = await queries.drop_legs(unit.session, *lapsed)
        self._tell_closed(unit, gone)
        self._tell_lost(unit, gone, Lost.CONNECTION)

    async def renew(self, unit: Unit, sids: Collection[str]) -> None:
        """Let the connected legs of present sockets stay."""
        await queries.renew_legs(unit.session, sids, unit.now + LEG_LEASE)

    async def come_back(self, unit: Unit) -> None:
        """Give workers and legs their time anew, for nobody could renew it while we were away."""
        await queries.extend_all(unit.session, unit.now, workers=WORKER_LEASE, legs=OPENING_LASTS)

    def _tell_closed(self, unit: Unit, legs: Sequence[MediaLeg]) -> None:
        for leg in legs:
            tell_worker(unit, leg.worker_id, "leg.closed", media.LegClosed(leg_id=leg.id))

    def _tell_lost(self, unit: Unit, legs: Sequence[MediaLeg], reason: Lost) -> None:
        for leg in legs:
            news = {"leg_id": leg.id, "reason": reason.value}
            unit.notify(socket_room(leg.sid), "leg.lost", news)


def tell_worker(unit: Unit, worker_id: str, event: str, what: BaseModel) -> None:
    """Tell a worker something once the unit is committed."""
    data = what.model_dump(mode="json")
    unit.notify(worker_room(worker_id), event, data, namespace=MEDIA, urgent=True)


def find_worker(secret: bytes | None, token: str) -> Actor | None:
    """Return the actor that every media worker is, if the token is the secret that they bear."""
    right = secret is not None and hmac.compare_digest(
        base64.b64encode(secret), token.encode("ascii")
    )
    if not right:
        return None
    return Actor(id="worker", name="", login_id="", roles=frozenset({Role.WORKER}))

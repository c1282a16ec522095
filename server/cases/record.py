"""How every verb, of this domain and of those above, opens a case's record and writes its log."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from server.access import (
    Action,
    Actor,
    Relation,
    Role,
    Sitting,
    Subject,
    authorize,
    relations_to,
)
from server.cases import queries
from server.cases.models import Case, CaseEvent
from server.cases.rules import CaseState, Side, event_hash, require_move
from server.db.unit import Unit
from server.errors import ServiceError
from server.rooms import case as case_room
from server.rooms import clerk as clerk_room
from server.rooms import counter as counter_room
from server.vault import CaseKey, Vault

# What is written behind the citizen's back: the screen before them shows the same after it.
UNSEEN: Final = frozenset({
    "recording.chunk", "recording.gap", "recording.viewed", "recording.purged",
    "export.requested", "export.finished", "export.failed", "export.cancelled",
    "export.downloaded", "export.purged",
    "revocation.requested", "revocation.declined", "revocation.withdrawn",
    "review.requested", "review.read", "review.approved", "review.declined", "review.withdrawn",
    "recall.made", "recall.acknowledged", "certificate.copied", "evidence.exported",
})  # fmt: skip

FindSitting = Callable[[AsyncSession, Actor, Case], Awaitable[Sitting]]


@dataclass(slots=True)
class Entry:
    """A case whose row this unit has locked; what the unit appends is its next events."""

    unit: Unit
    actor: Actor
    case: Case
    key: CaseKey

    @property
    def side(self) -> Side:
        """The side for which the actor speaks."""
        relations = subject_relations(self.actor, self.case)
        return Side.LOCAL if Relation.LOCAL in relations else Side.JURISDICTION

    @property
    def at(self) -> datetime:
        """When what the command does happens: now, and never before the case's last event."""
        return max(self.unit.now, self.case.last_event_at)

    @property
    def clock_is_behind(self) -> bool:
        """Whether the case's last event lies in this server's future."""
        return self.unit.now < self.case.last_event_at

    async def append(
        self,
        kind: str,
        data: Mapping[str, object] | None = None,
        *,
        private: Mapping[str, object] | None = None,
    ) -> CaseEvent:
        """Append one event; `private` is kept as ciphertext under the case's key.

        The event is never earlier than the last one of the case.
        """
        case, at = self.case, self.at
        case.seq += 1
        kept: dict[str, object] = dict(data or {})
        if private is not None:
            kept["sealed"] = self.key.seal(
                json.dumps(private, ensure_ascii=False), event_context(case.id, case.seq)
            )
        actor = describe(self.actor)
        digest = event_hash(
            case_id=case.id, seq=case.seq, at=at, actor=actor, kind=kind, data=kept,
            prev_hash=case.head_hash,
        )  # fmt: skip
        event = CaseEvent(
            case_id=case.id, seq=case.seq, at=at, actor=actor, kind=kind, data=kept,
            prev_hash=case.head_hash, hash=digest,
        )  # fmt: skip
        self.unit.session.add(event)
        case.head_hash, case.last_event_at = digest, at
        await self.unit.session.flush()
        self._tell(kind)
        return event

    def move(self, target: CaseState) -> None:
        """Bring the case into another state; refuse case.wrong_state if there is no such way."""
        require_move(self.case.state, target)
        self.case.state = target

    def _tell(self, kind: str) -> None:
        case = self.case
        news = {"case_id": case.id, "seq": case.seq, "kind": kind}
        rooms = {case_room(case.id), clerk_room(case.opened_by)}
        if case.agent_id is not None:
            rooms.add(clerk_room(case.agent_id))
        for room in sorted(rooms):
            self.unit.notify(room, "case.changed", news)
        if kind not in UNSEEN:
            room = counter_room(case.counter)
            self.unit.notify(room, "facing.changed", {"counter": case.counter})


@dataclass(frozen=True, slots=True)
class Records:
    """Opens cases for reading and for commands; the only way to either."""

    vault: Vault
    find_sitting: FindSitting

    async def begin(self, unit: Unit, actor: Actor, case_id: str, action: Action) -> Entry:
        """Lock the case's row for a command, if the actor may give it now.

        Refuses what `authorize` refuses; on SQLite and PostgreSQL alike, two commands on one case
        come one after the other.
        """
        case = await queries.lock(unit.session, case_id)
        if case is None:
            raise ServiceError("case.unknown")
        authorize(actor, action, await self.subject(unit.session, actor, case))
        return Entry(unit, actor, case, self.key_of(case))

    async def begin_as_service(self, unit: Unit, case_id: str) -> Entry:
        """Lock the case's row for what the service does by itself, such as a timer running out."""
        case = await queries.lock(unit.session, case_id)
        if case is None:
            raise ServiceError("case.unknown")
        return Entry(unit, SERVICE, case, self.key_of(case))

    async def read(self, session: AsyncSession, actor: Actor, case_id: str, action: Action) -> Case:
        """Return the case if the actor may do `action` with it now."""
        case = await queries.find_case(session, case_id)
        if case is None:
            raise ServiceError("case.unknown")
        authorize(actor, action, await self.subject(session, actor, case))
        return case

    async def subject(self, session: AsyncSession, actor: Actor, case: Case) -> Subject:
        """Return how the actor stands to the case."""
        return Subject(
            relations=subject_relations(actor, case),
            state=case.state.value,
            sitting=await self.find_sitting(session, actor, case),
        )

    def key_of(self, case: Case) -> CaseKey:
        """Return the key that opens this case's personal values."""
        return self.vault.open_key(case.wrapped_key, case.id)

    def open_event(self, case: Case, event: CaseEvent) -> dict[str, object]:
        """Return an event's data with its private part opened; {} in its place once erased."""
        data = dict(event.data)
        sealed = data.pop("sealed", None)
        if sealed is not None:
            text = self.key_of(case).open(str(sealed), event_context(case.id, event.seq))
            data |= json.loads(text)
        return data


SERVICE = Actor(id="service", name="", login_id="", roles=frozenset())


def event_context(case_id: str, seq: int) -> str:
    """Return what an event's ciphertext is bound to."""
    return f"event:{case_id}:{seq}"


def describe(actor: Actor) -> dict[str, str]:
    """Return what the log keeps of who did it."""
    if Role.DEVICE in actor.roles or Role.CITIZEN in actor.roles:
        kind = "citizen"
    else:
        kind = "staff" if actor.roles else "service"
    return {"kind": kind, "id": actor.id, "name": actor.name, "region": actor.region}


def subject_relations(actor: Actor, case: Case) -> frozenset[Relation]:
    """Return how an actor stands to a case: by region, or as its citizen or its screen."""
    if actor.roles & {Role.DEVICE, Role.CITIZEN}:
        own = (bool(actor.counter) and actor.counter == case.counter) or actor.case_id == case.id
        return frozenset({Relation.OWN}) if own else frozenset()
    return relations_to(actor, counter_region=case.counter_region, jurisdiction=case.jurisdiction)

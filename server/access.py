"""Who may do what: one pure function over one table, and nothing else decides."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field

from server.errors import ServiceError


class Role(enum.StrEnum):
    """What an account, or a paired screen, or a pick-up link makes its holder."""

    COUNTER = "counter"
    AGENT = "agent"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"
    CITIZEN = "citizen"
    DEVICE = "device"
    WORKER = "worker"


class Relation(enum.StrEnum):
    """How the actor's region, counter or case stands to the case at hand."""

    LOCAL = "local"
    JURISDICTION = "jurisdiction"
    OWN = "own"


class Action(enum.StrEnum):
    """Everything that a route or a socket event can ask for."""

    SIGN_OUT = "login.sign_out"
    READ_ME = "login.read"
    READ_CATALOGUE = "catalogue.read"
    OPEN_CASE = "case.open"
    LIST_CASES = "case.list"
    READ_CASE = "case.read"
    WATCH_CASE = "case.watch"
    EDIT_FIELD = "field.edit"
    EDIT_LOCAL_FIELD = "field.edit_local"
    EDIT_JURISDICTION_FIELD = "field.edit_jurisdiction"
    ANNOUNCE_EDITING = "field.announce"
    REVEAL_VALUE = "value.reveal"
    ADD_MATERIAL = "material.add"
    READ_MATERIAL = "material.read"
    TICK_MATERIAL = "material.tick"
    REMOVE_MATERIAL = "material.remove"
    RECORD_CHECK = "check.record"
    ASK_CONSENT = "consent.ask"
    RETURN_CASE = "case.return"
    REFUSE_CASE = "case.refuse"
    DEFER_CASE = "case.defer"
    PROMISE_CASE = "case.promise"
    WITHDRAW_CASE = "case.withdraw"
    TAKE_TICKET = "ticket.take"
    READ_TICKET = "ticket.read"
    ABANDON_TICKET = "ticket.abandon"
    READ_QUEUE = "queue.read"
    READ_AGENT = "agent.read"
    SET_AGENT_STATE = "agent.set"
    ANSWER_OFFER = "offer.answer"
    READ_CALL = "call.read"
    TAKE_SEAT = "seat.take"
    USE_SEAT = "seat.use"
    LEAVE_SEAT = "seat.leave"
    INVITE_ADVISER = "adviser.invite"
    ANSWER_INVITATION = "invitation.answer"
    OBSERVE_CALL = "call.observe"
    OPEN_LEG = "leg.open"
    HANG_UP = "call.hang_up"
    SAY = "chat.say"
    CHECK_DEVICES = "devices.check"
    CONFIRM_PERSON = "person.confirm"
    ASK_STILL = "still.ask"
    REFUSE_STILL = "still.refuse"
    PREVIEW_CERTIFICATE = "certificate.preview"
    ISSUE_CERTIFICATE = "certificate.issue"
    READ_CERTIFICATE = "certificate.read"
    VERIFY_CERTIFICATE = "certificate.verify"
    REVOKE_CERTIFICATE = "certificate.revoke"
    SUPERSEDE_CERTIFICATE = "certificate.supersede"
    DECIDE_REVOCATION = "revocation.decide"
    LIST_REVOCATIONS = "revocation.list"
    READ_REVIEW = "review.read"
    DECIDE_REVIEW = "review.decide"
    WITHDRAW_REVIEW = "review.withdraw"
    LIST_REVIEWS = "review.list"
    ACKNOWLEDGE_RECALL = "recall.acknowledge"
    LIST_RECALLS = "recall.list"
    SEARCH_REGISTER = "register.search"
    READ_REGISTER = "register.read"
    TAKE_COPY = "certificate.copy"
    EXPORT_EVIDENCE = "evidence.export"
    SETTLE_CASE = "case.settle"
    MINT_PICKUP_LINK = "pickup.mint"
    READ_OWN_CASE = "own_case.read"
    RATE_CASE = "rating.give"
    PAIR_COUNTER = "counter.pair"
    READ_FACING = "facing.read"
    GIVE_CONSENT = "consent.give"
    READ_BOARD = "board.read"
    RECORD_CALL = "recording.order"
    READ_RECORDING = "recording.read"
    LIST_RECORDINGS = "recording.list"
    VIEW_RECORDING = "recording.view"
    EXPORT_RECORDING = "recording.export"
    FILE_CHUNK = "chunk.file"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks, as their login says; never taken from a message."""

    id: str
    name: str
    login_id: str
    roles: frozenset[Role]
    region: str = ""
    hall: str = ""
    counter: str = ""
    case_id: str = ""
    items: frozenset[str] = field(default_factory=frozenset)


class Sitting(enum.StrEnum):
    """What seat somebody has in a case's call; who observes has none by which to act.

    `former` is the agent whom the case is with, who sat in a call on it that is over.
    """

    NONE = "none"
    FORMER = "former"
    ADVISER = "adviser"
    PARTY = "party"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked about: how the actor stands to it, its state, and what seat they have.

    `unknown` is the refusal for those who may not know that it exists.
    """

    relations: frozenset[Relation]
    state: str
    sitting: Sitting = Sitting.NONE
    unknown: str = "case.unknown"


@dataclass(frozen=True, slots=True)
class Grant:
    """One line of the table: these roles, standing so, in these states (None: in any).

    `seat` asks for the seat of a party of the call; with `advice` an adviser's will do, with
    `former` that of the case's agent in a call that is over.
    """

    roles: frozenset[Role]
    relations: frozenset[Relation] | None = None
    states: frozenset[str] | None = None
    seat: bool = False
    advice: bool = False
    former: bool = False


def _grant(
    roles: str, relations: str = "", states: str = "", *,
    seat: bool = False, advice: bool = False, former: bool = False,
) -> tuple[Grant, ...]:  # fmt: skip
    return (
        Grant(
            roles=frozenset(Role(name) for name in roles.split()),
            relations=frozenset(Relation(name) for name in relations.split()) or None,
            states=frozenset(states.split()) or None,
            seat=seat,
            advice=advice,
            former=former,
        ),
    )


_CLERKS = "counter agent supervisor"
_STAFF = "counter agent supervisor administrator"
# The jurisdiction learns of a case when it comes to its queue, not while it is drafted.
_SENT = "waiting in_call with_jurisdiction certified settled returned refused promised withdrawn"
_ALL_STATES = f"draft {_SENT}"
_OPEN = "draft waiting in_call returned with_jurisdiction"
_AT_WORK = "in_call with_jurisdiction"
_REVIEWED = f"{_AT_WORK} certified settled"  # Something may be issued, or corrected.
_ON_PAPER = "certified settled refused"  # The citizen has something to take home.
_READ = (
    _grant(_CLERKS, "local", _ALL_STATES)
    + _grant("agent supervisor", "jurisdiction", _SENT)
)  # fmt: skip
# What was issued stays in the register, also when its case is open again because it was revoked.
_IN_REGISTER = (
    _grant("agent supervisor", "jurisdiction", _SENT)
    + _grant("supervisor", "local", "settled")
)  # fmt: skip

_EDIT_LOCAL = _grant("counter", "local", "draft waiting in_call returned")
_EDIT_THERE = _grant("agent", "jurisdiction", _AT_WORK, seat=True)

TABLE: dict[Action, tuple[Grant, ...]] = {
    Action.SIGN_OUT: _grant(_STAFF),
    Action.READ_ME: _grant(_STAFF),
    Action.READ_CATALOGUE: _grant(_STAFF),
    Action.OPEN_CASE: _grant("counter"),
    Action.LIST_CASES: _grant(_CLERKS),
    Action.READ_CASE: _READ,
    Action.WATCH_CASE: _READ,
    Action.EDIT_FIELD: _EDIT_LOCAL + _EDIT_THERE,
    Action.EDIT_LOCAL_FIELD: _EDIT_LOCAL,
    Action.EDIT_JURISDICTION_FIELD: _EDIT_THERE,
    Action.ANNOUNCE_EDITING: _grant("counter", "local", _OPEN)
    + _grant("agent", "jurisdiction", _AT_WORK),
    Action.REVEAL_VALUE: _grant("counter", "local", _OPEN + " certified")
    + _grant("agent", "jurisdiction", _AT_WORK, seat=True),
    Action.ADD_MATERIAL: _grant("counter", "local", "draft waiting in_call returned")
    + _grant("agent", "jurisdiction", _AT_WORK, seat=True),
    Action.READ_MATERIAL: _READ,
    Action.TICK_MATERIAL: _grant("counter", "local", "draft waiting in_call returned")
    + _grant("agent", "jurisdiction", _AT_WORK, seat=True),
    Action.REMOVE_MATERIAL: _grant("counter", "local", "draft waiting in_call returned"),
    Action.RECORD_CHECK: _grant("counter", "local", "draft waiting in_call returned")
    + _grant("agent", "jurisdiction", _AT_WORK, seat=True),
    Action.ASK_CONSENT: _grant("counter", "local", "draft waiting in_call returned")
    + _grant("agent", "jurisdiction", "in_call", seat=True),
    Action.RETURN_CASE: _grant("agent", "jurisdiction", "in_call", seat=True),
    Action.REFUSE_CASE: _grant("agent", "jurisdiction", _AT_WORK, seat=True),
    Action.DEFER_CASE: _grant("agent", "jurisdiction", "in_call", seat=True),
    Action.PROMISE_CASE: _grant("agent", "jurisdiction", "in_call", seat=True),
    Action.WITHDRAW_CASE: _grant("counter", "local", "draft waiting returned"),
    Action.TAKE_TICKET: _grant("counter", "local", "draft returned"),
    Action.READ_TICKET: _READ,
    Action.ABANDON_TICKET: _grant("counter", "local", "waiting"),
    Action.READ_QUEUE: _grant("agent supervisor"),
    Action.READ_AGENT: _grant("agent"),
    Action.SET_AGENT_STATE: _grant("agent"),
    Action.ANSWER_OFFER: _grant("agent", "own"),
    Action.READ_CALL: _READ + _grant("device", "own"),
    Action.TAKE_SEAT: _grant("counter agent supervisor device", "own"),
    Action.USE_SEAT: _grant("counter agent supervisor device", "own"),
    Action.LEAVE_SEAT: _grant("agent supervisor", "own"),
    Action.INVITE_ADVISER: _grant("counter", "local", seat=True)
    + _grant("agent", "jurisdiction", seat=True),
    Action.ANSWER_INVITATION: _grant("agent", "own"),
    Action.OBSERVE_CALL: _grant("supervisor", "local jurisdiction", _SENT),
    Action.OPEN_LEG: _grant("counter agent supervisor device"),
    Action.HANG_UP: _grant("counter agent", "local jurisdiction", seat=True),
    Action.CHECK_DEVICES: _grant("counter agent"),
    Action.SAY: _grant("counter agent", "local jurisdiction", seat=True, advice=True),
    Action.CONFIRM_PERSON: _grant("counter", "local", seat=True),
    Action.ASK_STILL: _grant("counter", "local", "in_call certified", seat=True)
    + _grant("agent", "jurisdiction", "in_call certified", seat=True),
    Action.REFUSE_STILL: _grant("counter", "local", seat=True),
    Action.PREVIEW_CERTIFICATE: _grant("agent", "jurisdiction", _AT_WORK, seat=True),
    Action.ISSUE_CERTIFICATE: _grant("agent", "jurisdiction", "in_call certified", seat=True)
    + _grant("agent", "jurisdiction", "with_jurisdiction certified", seat=True),
    Action.READ_CERTIFICATE: _grant(_CLERKS, "local", _SENT)
    + _grant("agent supervisor", "jurisdiction", _SENT),
    Action.VERIFY_CERTIFICATE: _grant("counter", "local", _SENT)
    + _grant("agent", "jurisdiction", _SENT),
    Action.REVOKE_CERTIFICATE: _grant("agent", "jurisdiction", _SENT),
    # In a call that a revocation has opened again it says what there is no more to correct.
    Action.SUPERSEDE_CERTIFICATE: _grant("agent", "jurisdiction", "in_call", seat=True)
    + _grant("agent", "jurisdiction", "certified settled", seat=True, former=True),
    Action.DECIDE_REVOCATION: _grant("agent supervisor", "jurisdiction", _SENT),
    Action.LIST_REVOCATIONS: _grant("agent supervisor"),
    Action.READ_REVIEW: _grant("agent supervisor", "jurisdiction", _REVIEWED),
    Action.DECIDE_REVIEW: _grant("agent supervisor", "jurisdiction", _REVIEWED),
    Action.WITHDRAW_REVIEW: _grant("agent", "jurisdiction", _SENT),
    Action.LIST_REVIEWS: _grant("agent supervisor"),
    Action.ACKNOWLEDGE_RECALL: _grant("counter", "local", "settled"),
    Action.LIST_RECALLS: _grant(_CLERKS),
    Action.SEARCH_REGISTER: _grant("agent supervisor"),
    Action.READ_REGISTER: _IN_REGISTER,
    Action.TAKE_COPY: _IN_REGISTER,
    Action.EXPORT_EVIDENCE: _grant("supervisor", "jurisdiction", _SENT),
    Action.SETTLE_CASE: _grant("counter", "local", "certified promised"),
    Action.MINT_PICKUP_LINK: _grant("counter", "local", _ON_PAPER)
    + _grant("agent", "jurisdiction", _ON_PAPER)
    + _grant("device", "own", _ON_PAPER),
    Action.READ_OWN_CASE: _grant("citizen", "own"),
    Action.RATE_CASE: _grant("citizen device", "own", "certified settled refused promised"),
    Action.PAIR_COUNTER: _grant("counter"),
    Action.READ_FACING: _grant("device"),
    Action.GIVE_CONSENT: _grant("device", "own", "draft waiting in_call returned"),
    Action.READ_BOARD: _grant("supervisor"),
    Action.RECORD_CALL: _grant("agent", "jurisdiction", "in_call certified", seat=True),
    Action.READ_RECORDING: _READ + _grant("device", "own"),
    Action.LIST_RECORDINGS: _grant("supervisor"),
    Action.VIEW_RECORDING: _grant("supervisor", "local", _ALL_STATES)
    + _grant("supervisor", "jurisdiction", _SENT),
    Action.EXPORT_RECORDING: _grant("supervisor", "local", _ALL_STATES)
    + _grant("supervisor", "jurisdiction", _SENT),
    Action.FILE_CHUNK: _grant("worker"),
}


# Who sees to all places of a province; whoever handles cases does so in a place.
OF_PROVINCES = frozenset({Role.SUPERVISOR, Role.ADMINISTRATOR})


def covers(region: str, other: str) -> bool:
    """Say whether an office of `region` sees to `other`: itself, or a place of its province."""
    return region == other or (bool(region) and other.startswith(places_of(region)))


def is_province(region: str) -> bool:
    """Say whether a code is a whole province's."""
    return places_of(region) != region


def handles(actor: Actor, item_code: str) -> bool:
    """Say whether somebody is there for an item: an agent who has it, or whoever supervises.

    An agent without any list handles every item.
    """
    has_it = not actor.items or item_code in actor.items
    return Role.SUPERVISOR in actor.roles or (Role.AGENT in actor.roles and has_it)


def places_of(region: str) -> str:
    """Return what the codes of all places begin with that an office of `region` sees to."""
    return region.removesuffix("0000")


def authorize(actor: Actor, action: Action, subject: Subject | None = None) -> None:
    """Let the action pass, or refuse it.

    Refused as unknown (404) is what the actor may not even know of, with action.forbidden what
    their role or side does not allow, with case.wrong_state what is too early or too late, and
    with seat.missing what only a party of the live call may do.
    """
    mine = [grant for grant in TABLE[action] if grant.roles & actor.roles]
    if subject is None:
        if not any(grant.relations is None for grant in mine):
            raise ServiceError("action.forbidden")
        return
    standing = [g for g in mine if g.relations is None or g.relations & subject.relations]
    timely = [g for g in standing if g.states is None or subject.state in g.states]
    if any(_sits_right(grant, subject.sitting) for grant in timely):
        return
    if not _may_know(actor, subject):
        raise ServiceError(subject.unknown)
    if not standing:
        raise ServiceError("action.forbidden")
    if not timely:
        raise ServiceError("case.wrong_state", state=subject.state)
    raise ServiceError("seat.missing")


def _sits_right(grant: Grant, sitting: Sitting) -> bool:
    advises = grant.advice and sitting is Sitting.ADVISER
    sat = grant.former and sitting is Sitting.FORMER
    return not grant.seat or sitting is Sitting.PARTY or advises or sat


def _may_know(actor: Actor, subject: Subject) -> bool:
    """Those who may read a case may know of it; so may the holder of something of their own."""
    return Relation.OWN in subject.relations or any(_fits(grant, actor, subject) for grant in _READ)


def _fits(grant: Grant, actor: Actor, subject: Subject) -> bool:
    return bool(
        grant.roles & actor.roles
        and (grant.relations or frozenset()) & subject.relations
        and subject.state in (grant.states or frozenset())
    )


def relations_to(actor: Actor, *, counter_region: str, jurisdiction: str) -> frozenset[Relation]:
    """Return how a clerk's region stands to a case's two regions."""
    provincial = actor.roles <= OF_PROVINCES
    found: Iterable[Relation] = (
        relation
        for relation, region in (
            (Relation.LOCAL, counter_region),
            (Relation.JURISDICTION, jurisdiction),
        )
        if actor.region
        and (actor.region == region or (provincial and covers(actor.region, region)))
    )
    return frozenset(found)

"""The shared case on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field as Limit
from pydantic import StringConstraints

from server.cases import models
from server.cases.rules import CaseState, CheckKind, ConsentState, Origin, Side
from server.web.http import Message, RowId

ShortText = Annotated[str, StringConstraints(max_length=200)]
LongText = Annotated[str, StringConstraints(max_length=1000)]
FieldText = Annotated[str, StringConstraints(max_length=20_000)]  # A table is one value.
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class ApplicantGiven(Message):
    """Who the case is for: a person, or an enterprise and the person who acts for it."""

    name: ShortText
    id_number: ShortText
    phone: ShortText
    enterprise_name: ShortText = ""
    credit_code: ShortText = ""


class CaseOrder(Message):
    """What opens a case."""

    item_code: Name
    jurisdiction: Name
    applicant: ApplicantGiven


class FieldEdit(Message):
    """A field's new value, and the version it is meant to follow."""

    value: FieldText
    version: Annotated[int, Limit(ge=0, le=1_000_000)]


class RevealOrder(Message):
    """Which masked value is to be seen whole."""

    name: Name


class Revealed(Message):
    """The whole of a value."""

    value: str


class MaterialQuery(Message):
    """What an uploaded file is."""

    kind: Name
    origin: Literal[Origin.UPLOAD, Origin.DOCUMENT_CAMERA, Origin.STILL] = Origin.UPLOAD
    still_id: RowId | None = None


class PictureQuery(Message):
    """Which page of a material, and how large."""

    page: Annotated[int, Limit(ge=1, le=200)] = 1
    size: Literal["thumb", "full"] = "full"


class TickOrder(Message):
    """One side's word on a material."""

    accepted: bool
    remark: ShortText = ""


class ReasonGiven(Message):
    """Why."""

    reason: Reason


class CheckOrder(Message):
    """What was checked, with what result, on which evidence."""

    kind: CheckKind
    passed: bool
    evidence: Annotated[tuple[RowId, ...], Limit(max_length=50)] = ()
    remark: ShortText = ""


class Missing(Message):
    """One thing the citizen has to bring."""

    what: Reason
    why: ShortText = ""


class ReturnOrder(Message):
    """What is missing."""

    missing: Annotated[list[Missing], Limit(min_length=1, max_length=30)]
    remark: LongText = ""


class RefusalOrder(Message):
    """Why the case is refused, and on what basis in law."""

    reason: LongText
    basis: Reason


class DeferralOrder(Message):
    """By when the jurisdiction will finish the case after the call."""

    remark: LongText = ""
    due_on: date


class PromiseOrder(Message):
    """What the citizen promises in place of proof."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class ListQuery(Message):
    """Which cases to list; `open` are those of which something is still to come."""

    scope: Literal["mine", "hall", "jurisdiction"] = "mine"
    state: CaseState | None = None
    open: bool = False
    before: datetime | None = None


class EventsQuery(Message):
    """From where in the log."""

    after: Annotated[int, Limit(ge=0, le=1_000_000_000)] = 0


class ItemName(Message):
    """The item a case is about, as it was when the case was opened."""

    code: str
    version: str
    name: str


class Applicant(Message):
    """The applicant, masked as the reader may see them."""

    kind: Literal["person", "enterprise"]
    name: str
    id_number: str
    phone: str
    enterprise_name: str
    credit_code: str


class Field(Message):
    """A field's value; version 0 and no value: nothing was written yet."""

    name: str
    value: str | None
    masked: bool
    version: int
    by: str | None
    at: datetime | None


class Tick(Message):
    """One side's word on a material."""

    accepted: bool
    remark: str
    by: str
    at: datetime

    @classmethod
    def of(cls, row: models.MaterialTick) -> Tick:
        """Build from its row."""
        return cls(accepted=row.accepted, remark=row.remark, by=row.by, at=row.at)


class Ticks(Message):
    """Both sides' words on a material."""

    local: Tick | None
    jurisdiction: Tick | None


class Material(Message):
    """A file of a case, with its origin and its SHA-256."""

    id: str
    kind: str
    name: str
    origin: Origin
    media_type: str
    size: int
    width: int | None
    height: int | None
    pages: int
    sha256: str
    by: str
    at: datetime
    ticks: Ticks
    removed: bool

    @classmethod
    def of(
        cls, row: models.Material, name: str, ticks: Sequence[models.MaterialTick] = ()
    ) -> Material:
        """Build from its row, its kind's name and both sides' ticks."""
        by_side = {tick.side: Tick.of(tick) for tick in ticks if tick.material_id == row.id}
        return cls(
            id=row.id,
            kind=row.kind,
            name=name,
            origin=row.origin,
            media_type=row.media_type,
            size=row.size,
            width=row.width,
            height=row.height,
            pages=row.pages,
            sha256=row.sha256,
            by=row.by,
            at=row.at,
            ticks=Ticks(local=by_side.get(Side.LOCAL), jurisdiction=by_side.get(Side.JURISDICTION)),
            removed=row.removed,
        )


class Check(Message):
    """Who checked what, on which evidence, with what result."""

    id: str
    kind: CheckKind
    side: Side
    passed: bool
    evidence: list[str]
    remark: str
    by: str
    at: datetime

    @classmethod
    def of(cls, row: models.Check, remark: str) -> Check:
        """Build from its row and the opened remark."""
        return cls(
            id=row.id,
            kind=row.kind,
            side=row.side,
            passed=row.passed,
            evidence=row.evidence,
            remark=remark,
            by=row.by,
            at=row.at,
        )


class Consent(Message):
    """Whether the citizen has agreed."""

    state: ConsentState
    at: datetime | None = None
    notice_version: str | None = None

    @classmethod
    def of(cls, row: models.Consent | None) -> Consent:
        """Build from its row, if there is one."""
        if row is None:
            return cls(state=ConsentState.NONE)
        at = row.answered_at or row.asked_at
        return cls(state=row.state, at=at, notice_version=row.notice_version)


class AgentName(Message):
    """The agent a case is with."""

    id: str
    name: str


class CaseRow(Message):
    """A case in a list."""

    id: str
    number: str
    state: CaseState
    seq: int
    item_name: str
    applicant_name: str
    counter_region: str
    counter_hall_name: str
    jurisdiction: str
    jurisdiction_name: str
    opened_at: datetime
    last_event_at: datetime


class CaseList(Message):
    """A page of cases, newest first."""

    cases: list[CaseRow]
    more: bool


class Case(Message):
    """The whole shared case as its reader may see it."""

    id: str
    number: str
    state: CaseState
    seq: int
    item: ItemName
    counter_region: str
    counter_region_name: str
    counter_hall: str
    counter_hall_name: str
    counter: str
    jurisdiction: str
    jurisdiction_name: str
    side: Literal["local", "jurisdiction", "both", "none"]
    applicant: Applicant
    fields: list[Field]
    materials: list[Material]
    missing_materials: list[str]
    checks: list[Check]
    consent: Consent
    opened_by: str
    opened_at: datetime
    agent: AgentName | None


class EventActor(Message):
    """Who did it."""

    kind: str
    id: str
    name: str
    region: str


class Event(Message):
    """One line of a case's log."""

    seq: int
    at: datetime
    kind: str
    actor: EventActor
    data: dict[str, object]


class EventList(Message):
    """The next events of a log; `seq` is the newest there is."""

    events: list[Event]
    seq: int

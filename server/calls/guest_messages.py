"""Guests of calls on the wire, and with what authority an agent acts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import StringConstraints

from server.calls import models
from server.calls.rules import AuthorityVerdict, Departure, InvitationState
from server.web.http import Message, RowId


class Authority(Message):
    """Who acts for the jurisdiction in a call, and whether they may: as found at this moment.

    `office` is the authority that issues on the item there, `hall` where the agent sits.
    """

    clerk_id: str
    name: str
    office: str
    hall: str
    item_name: str
    jurisdiction_name: str
    verdict: AuthorityVerdict


class Colleague(Message):
    """Somebody who could be asked into a call now."""

    clerk_id: str
    name: str
    office: str
    region_name: str


class ColleagueList(Message):
    """Those of both halls who are ready and in no call."""

    colleagues: list[Colleague]


class InvitationOrder(Message):
    """Whom to ask."""

    clerk_id: RowId


class InvitationRefusal(Message):
    """Why a colleague does not come."""

    reason: Annotated[str, StringConstraints(max_length=200)] = ""


class Pending(Message):
    """Somebody who is asked into a call and has not answered yet."""

    id: str
    clerk_id: str
    name: str
    office: str
    invited_by: str
    expires_at: datetime

    @classmethod
    def of(cls, row: models.Invitation) -> Pending:
        """Build from its row."""
        return cls(
            id=row.id,
            clerk_id=row.clerk_id,
            name=row.clerk_name,
            office=row.office,
            invited_by=row.invited_by,
            expires_at=row.expires_at,
        )


class Invitation(Message):
    """What a colleague is asked into, by whom: never the applicant."""

    id: str
    call_id: str
    case_id: str
    number: str
    item_name: str
    clerk_name: str
    invited_by_name: str
    from_office: str
    made_at: datetime
    expires_at: datetime
    state: InvitationState


class InvitationClosed(Message):
    """An invitation is open no more."""

    id: str
    call_id: str
    clerk_name: str
    state: InvitationState


class SeatEnded(Message):
    """My seat in a call that goes on has ended."""

    call_id: str
    case_id: str
    reason: Departure

"""Calls on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, RootModel, StringConstraints, model_validator

from server.calls import guest_messages as guest_wire
from server.calls import models
from server.calls.rules import (
    CallState,
    EndReason,
    Interruption,
    SeatSide,
    StillState,
    Topology,
    negotiates,
)
from server.relays.messages import IceServer
from server.web.http import Message, RowId


class HangUp(Message):
    """Why a call is over."""

    reason: EndReason = EndReason.FINISHED
    remark: Annotated[str, StringConstraints(max_length=200)] = ""


class Withdrawal(Message):
    """Why a case is withdrawn."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=500)]


class Remark(Message):
    """What somebody writes to the other side."""

    text: str


class Said(Message):
    """Where in the case's log a remark stands."""

    seq: int
    at: datetime


class Gap(Message):
    """A cut of the line after which nobody has said yet who sits at the counter."""

    began_at: datetime
    ended_at: datetime

    @classmethod
    def of(cls, found: Interruption) -> Gap:
        """Build from what the log says."""
        return cls(began_at=found.began_at, ended_at=found.ended_at)


class StillOrder(Message):
    """Of which material a still is wanted."""

    kind: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    remark: Annotated[str, StringConstraints(max_length=200)] = ""


class StillRefusal(Message):
    """Why the counter takes no still."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Seat(Message):
    """One participant; `connected`: a socket holds the seat. `since` is the seat's epoch.

    `invited_by` is the clerk who asked an adviser in, and may let them go.
    """

    id: str
    order: int
    side: SeatSide
    name: str
    office: str
    connected: bool
    media_up: bool
    since: datetime
    invited_by: str | None

    @classmethod
    def of(cls, row: models.Seat) -> Seat:
        """Build from its row."""
        return cls(
            id=row.id,
            order=row.place,
            side=row.side,
            name=row.name,
            office=row.office,
            connected=row.sid is not None,
            media_up=row.media_up,
            since=row.since,
            invited_by=row.invited_by,
        )


class End(Message):
    """A seat with which mine negotiates; I am the polite one, or not."""

    seat_id: str
    polite: bool


class Call(Message):
    """A call as one of its seats sees it.

    A seat negotiates with `ends` in a direct call, and over its leg, if it is on one, in a relayed.
    """

    id: str
    case_id: str
    state: CallState
    topology: Topology
    started_at: datetime
    connected_at: datetime | None
    ended_at: datetime | None
    end_reason: EndReason | None
    my_seat: str | None
    my_leg: str | None
    seats: list[Seat]
    ends: list[End]
    ice_servers: list[IceServer]
    unconfirmed: Gap | None
    authority: guest_wire.Authority | None
    invitations: list[guest_wire.Pending]

    @classmethod
    def of(
        cls, row: models.Call, seats: Sequence[models.Seat], mine: models.Seat | None,
        ice_servers: Sequence[IceServer], cut: Interruption | None, *,
        authority: guest_wire.Authority | None, asked: Sequence[models.Invitation],
    ) -> Call:  # fmt: skip
        """Build from its rows, for the holder of one seat or for somebody who only looks."""
        ends = [
            End(seat_id=other.id, polite=mine.place > other.place)
            for other in seats
            if mine is not None
            and row.topology is Topology.DIRECT
            and other.id != mine.id
            and negotiates(mine.side, other.side)
        ]
        return cls(
            id=row.id,
            case_id=row.case_id,
            state=row.state,
            topology=row.topology,
            started_at=row.started_at,
            connected_at=row.connected_at,
            ended_at=row.ended_at,
            end_reason=row.end_reason,
            my_seat=None if mine is None else mine.id,
            my_leg=None if mine is None else mine.leg_id,
            seats=[Seat.of(seat) for seat in seats],
            ends=ends,
            ice_servers=list(ice_servers),
            unconfirmed=None if cut is None else Gap.of(cut),
            authority=authority,
            invitations=[guest_wire.Pending.of(one) for one in asked],
        )


class Still(Message):
    """A still that was asked for."""

    id: str
    call_id: str
    case_id: str
    kind: str
    remark: str
    state: StillState
    asked_by: str
    expires_at: datetime
    material_id: str | None

    @classmethod
    def of(cls, row: models.Still) -> Still:
        """Build from its row."""
        return cls(
            id=row.id,
            call_id=row.call_id,
            case_id=row.case_id,
            kind=row.kind,
            remark=row.remark,
            state=row.state,
            asked_by=row.asked_by,
            expires_at=row.expires_at,
            material_id=row.material_id,
        )


class SeatTaken(Message):
    """Which call's seat this socket takes, and on which of its legs."""

    call_id: RowId
    leg_id: RowId | None = None


class SeatMoved(Message):
    """On which other leg the seat that this socket has is from now on."""

    call_id: RowId
    leg_id: RowId


class SeatReported(Message):
    """What my peer connections say."""

    call_id: RowId
    state: Literal[CallState.CONNECTED, CallState.INTERRUPTED]


class Description(Message):
    """An RTCSessionDescription; how large and of what it may be is checked by the rules."""

    type: Literal["offer", "answer"]
    sdp: str


class Candidate(Message):
    """An RTCIceCandidate."""

    candidate: Annotated[str, StringConstraints(max_length=512)]
    sdp_mid: Annotated[str, StringConstraints(pattern=r"^[!-~]{0,64}$")] | None = None
    sdp_m_line_index: Annotated[int, Field(ge=0, le=32)] | None = None
    username_fragment: Annotated[str, StringConstraints(pattern=r"^[!-~]{0,256}$")] | None = None


def _name_no_default(schema: dict[str, Any]) -> None:
    """Leave the default out of a schema where left out is not the same as null."""
    schema.pop("default", None)


_LeftOut = Field(json_schema_extra=_name_no_default)


class SignalSent(Message):
    """A description, or a candidate; a candidate of null ends them."""

    call_id: RowId
    to: RowId
    description: Annotated[Description | None, _LeftOut] = None
    candidate: Annotated[Candidate | None, _LeftOut] = None

    @model_validator(mode="after")
    def _is_one_of_both(self) -> SignalSent:
        said = {"description", "candidate"} & self.model_fields_set
        if len(said) != 1 or (said == {"description"} and self.description is None):
            raise ValueError("expected a description or a candidate")
        return self


class PointerMoved(Message):
    """Where somebody points on a stream, from 0 to 1."""

    call_id: RowId
    stream: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}:(camera|screen|document)$")]
    x: Annotated[float, Field(ge=0, le=1)]
    y: Annotated[float, Field(ge=0, le=1)]


# How much of a seat its line carries: all, a smaller picture, or none.
Sends = Literal["full", "reduced", "voice"]


class DevicesSwitched(Message):
    """Which of a seat's own devices are on, and what of them its line carries."""

    call_id: RowId
    microphone: bool
    camera: bool
    sends: Sends = "full"


class CallNews(Message):
    """Which call it is about."""

    call_id: str
    case_id: str


class CallStarted(CallNews):
    """A call to join; the counter's clerk is told all of it, so as to see it at once."""

    call: Call | None


class TakenSeat(Message):
    """A seat that was taken just now, and its new epoch."""

    seat_id: str
    since: datetime


class CallChanged(CallNews):
    """A call's seats or its state differ: ask again."""

    state: CallState
    taken: TakenSeat | None


class CallEnded(CallNews):
    """A call is over."""

    reason: EndReason


class SeatLost(Message):
    """Another socket has taken this one's seat."""

    call_id: str


class Signal(Message):
    """Which seat of a call says something to mine."""

    call_id: str
    seat_id: Annotated[str, Field(alias="from")]


class DescriptionReceived(Signal):
    """A description of another seat."""

    description: Description


class CandidateReceived(Signal):
    """A candidate of another seat; null ends them."""

    candidate: Candidate | None


class SignalReceived(RootModel[DescriptionReceived | CandidateReceived]):
    """What another seat says."""


class PointerSeen(Signal):
    """Where another seat points."""

    stream: str
    x: float
    y: float


class DevicesSeen(Signal):
    """Which of another seat's own devices are on, and what of them its line carries."""

    microphone: bool
    camera: bool
    sends: Sends


NOTICES: dict[str, type[BaseModel]] = {
    "devices.switched": DevicesSeen,
    "call.started": CallStarted,
    "call.changed": CallChanged,
    "call.ended": CallEnded,
    "seat.lost": SeatLost,
    "seat.ended": guest_wire.SeatEnded,
    "invitation.made": guest_wire.Invitation,
    "invitation.closed": guest_wire.InvitationClosed,
    "signal.received": SignalReceived,
    "pointer.moved": PointerSeen,
    "still.requested": Still,
    "still.closed": Still,
}

"""Legs on the wire; what workers say is in `server.media.messages`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, model_validator

from server.media import messages as media
from server.relays.rules import Lost
from server.web.http import Message, RowId


class Near(Message):
    """What a leg is for: a case, an offer that rings or a call."""

    case_id: RowId | None = None
    offer_id: RowId | None = None
    call_id: RowId | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Near:
        if sum(value is not None for value in self.model_dump().values()) != 1:
            raise ValueError("expected one of case_id, offer_id and call_id")
        return self


class LegOpened(Message):
    """A tab wants a leg; `leg_id` is the one that it has, `another`: beside that one."""

    near: Near | None = None
    leg_id: RowId | None = None
    another: bool = False


class LegOffered(Message):
    """Offer `n` on a leg; how large and of what the SDP may be is checked by the rules."""

    leg_id: RowId
    n: Annotated[int, Field(ge=0, le=2**31 - 1)]
    sdp: str


class LegClosed(Message):
    """A leg is wanted no more."""

    leg_id: RowId


class LegProbed(Message):
    """A tab wants to hear itself on its leg for so many seconds, to measure its way there."""

    leg_id: RowId
    seconds: Annotated[int, Field(ge=1, le=media.LONGEST_PROBE)]


class IceServer(Message):
    """A STUN or TURN server."""

    urls: list[str]
    username: str | None = None
    credential: str | None = None


class Leg(Message):
    """The leg that a tab has: the one it knows, or a new one that is to be offered."""

    leg_id: str
    ice_servers: list[IceServer]


class LegLost(Message):
    """A leg is over: open another."""

    leg_id: str
    reason: Lost


NOTICES: dict[str, type[BaseModel]] = {
    "leg.answered": media.LegAnswered,
    "leg.refused": media.LegRefused,
    "leg.lost": LegLost,
    "leg.measured": media.LegMeasured,
    "negotiation.wanted": media.NegotiationWanted,
    "streams.mapped": media.StreamsMapped,
}

"""What citizens' phones and facing screens say and read."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from server.cases.messages import Consent
from server.cases.rules import CaseState
from server.certificates.rules import CertificateState
from server.citizens.rules import Step
from server.web.http import Message, RowId

Token = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
# 200 kB of picture in base64, and its padding.
MAX_SIGNATURE = 266_672


class PickupLink(Message):
    """A link for the citizen's phone, also as a QR code."""

    url: str
    qr: str
    expires_at: datetime


class PickUp(Message):
    """The token of a link's fragment."""

    token: Token


class CitizenStep(Message):
    """One thing that happened to the case."""

    kind: str
    at: datetime


class CitizenCertificate(Message):
    """A certificate as its holder sees it."""

    id: str
    title: str
    number: str
    check_code: str
    issued_at: datetime
    state: CertificateState
    pages: int
    sm2_signed_at: datetime | None


class CitizenRefusal(Message):
    """The notice of refusal, as text; the paper says the same."""

    title: str
    paragraphs: list[str]
    issuer: str
    issued_on: date


class CitizenCase(Message):
    """A case as its citizen sees it."""

    number: str
    item_name: str
    state: CaseState
    counter_hall_name: str
    jurisdiction_name: str
    steps: list[CitizenStep]
    certificates: list[CitizenCertificate]
    refusal: CitizenRefusal | None
    rating: int | None


class PageQuery(Message):
    """Which page."""

    page: Annotated[int, Field(ge=1, le=200)] = 1


class RatingGiven(Message):
    """Five levels; 5 is 非常满意."""

    level: Annotated[int, Field(ge=1, le=5)]
    remark: Annotated[str, StringConstraints(max_length=500)] = ""


class RatingKept(Message):
    """What was kept."""

    level: int


class PairingOffer(Message):
    """The code that a screen shows, and the token with which it asks whether it is paired."""

    token: str
    code: str
    expires_at: datetime


class PairingClaim(Message):
    """The token of a pairing."""

    token: Token


class PairingState(Message):
    """Whether a clerk has entered the code; the cookie comes with the first yes."""

    paired: bool


class PairingCode(Message):
    """What the screen shows."""

    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]


class CounterPaired(Message):
    """The counter that the screen now belongs to."""

    counter: str


class FacingCase(Message):
    """The case in front of the citizen; `applicant` is the masked name."""

    id: str
    number: str
    item_name: str
    state: CaseState
    applicant: str


class FacingAgent(Message):
    """Who speaks to the citizen, and with what authority."""

    name: str
    office: str
    jurisdiction_name: str


class NoticeText(Message):
    """What is done with the citizen's data."""

    version: str
    title: str
    paragraphs: list[str]


class FacingCertificate(Message):
    """The certificate on the screen."""

    id: str
    title: str
    number: str


class Facing(Message):
    """All that a facing screen shows now."""

    counter: str
    counter_name: str
    hall_name: str
    region_name: str
    step: Step
    case: FacingCase | None = None
    agent: FacingAgent | None = None
    call_id: str | None = None
    notice: NoticeText | None = None
    consent: Consent | None = None
    certificate: FacingCertificate | None = None
    rating: int | None = None


class ConsentGiven(Message):
    """The citizen's answer to the notice, with a signature when they agree."""

    case_id: RowId
    notice_version: Annotated[str, StringConstraints(min_length=1, max_length=32)]
    agreed: bool
    signature: Annotated[str, StringConstraints(max_length=MAX_SIGNATURE)] | None = None


class FacingRating(Message):
    """A rating at the counter."""

    case_id: RowId
    level: Annotated[int, Field(ge=1, le=5)]
    remark: Annotated[str, StringConstraints(max_length=500)] = ""

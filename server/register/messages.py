"""The register on the wire: what is looked for, its lines, one certificate's whole story."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from server.cases.messages import Event
from server.certificates.messages import Certificate
from server.register.rules import Standing
from server.web.http import Message, RowId

# No certificate is older, and no year after it has to be reckoned with.
Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2999, 12, 31))]
Instant = Annotated[
    AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), le=datetime(3000, 1, 1, tzinfo=UTC))
]
Part = Annotated[str, StringConstraints(max_length=100)]


class Place(Message):
    """Where a page of the register ended: the next one begins behind it."""

    issued_at: Instant
    id: RowId


class RegisterQuery(Message):
    """What is looked for; what is empty asks for nothing. An ID number is asked for whole."""

    number: Part = ""
    issuer: Part = ""
    kind: Part = ""
    standing: Standing | None = None
    issued_from: Day | None = None
    issued_to: Day | None = None
    issued_by: Part = ""
    id_number: Part = ""
    after: Place | None = None


class RegisterLine(Message):
    """One certificate in a list; its holder as the verify page shows them, or null once erased."""

    id: str
    case_number: str
    kind: str
    title: str
    number: str
    issuer: str
    holder: str | None
    standing: Standing
    issued_at: datetime
    issued_by: str
    valid_until: date | None
    demo: bool
    copies: int
    receipts: int
    open_recalls: int


class RegisterPage(Message):
    """Lines of the register, newest first; `total` counts all that was found."""

    lines: list[RegisterLine]
    total: int
    more: Place | None


class Reason(Message):
    """Why something is taken out of the register."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Copy(Message):
    """A numbered copy: who took it out of the register, when and why."""

    number: int
    by: str
    region_name: str
    at: datetime
    reason: str


class RegisterEntry(Message):
    """One certificate with all that was ever noted of it."""

    line: RegisterLine
    certificate: Certificate
    item_code: str
    item_version: str
    pages: int
    size: int
    copies: list[Copy]
    history: list[Event]
    evidence: bool

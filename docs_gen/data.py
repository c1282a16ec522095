"""What a certificate says, as plain facts that cross processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")
# Where a certificate's data say its last day (yyyy-mm-dd): a word of our own in PDF's /Info.
LAST_DAY = "ValidUntil"


@dataclass(frozen=True, slots=True)
class Issuer:
    """The authority that issues; `code` is its unified social credit code."""

    name: str
    code: str
    seal_text: str
    region: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a certificate's page and its signature are made of.

    `signing_time` is an aware instant; the page shows its day in China. `values` are the case's
    values by field name, in their normal forms.
    """

    kind: str
    template_version: str
    number: str
    check_code: str
    issuer: Issuer
    signing_time: datetime
    values: Mapping[str, str]
    qr_url: str
    demo: bool

    @property
    def issued_on(self) -> date:
        """The day of issue in China."""
        return self.signing_time.astimezone(CHINA).date()

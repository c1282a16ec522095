"""What the service asks of the process that holds the seals, and how both of them say it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Protocol

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field

from server.certificates.forms import Signed, SignedList, Sm2Signed

SEALS_PATH = "/seals"
SIGNATURES_PATH = "/signatures"
LISTS_PATH = "/status-lists"
SM2_PATH = "/sm2-signatures"


class Signer(Protocol):
    """Whoever signs what is reserved in the register: it takes a place there, and no bytes.

    Only for what is signed beside a released file it is given that file, and believes it no more.
    """

    @property
    def sm2(self) -> Mapping[str, bool]:
        """Whose SM2 keys there were at the last look; of each whether it is a demonstration's."""

    async def look(self) -> None:
        """Learn whose seals there are; signer.unavailable if nobody answers."""

    def is_demo(self, authority_id: str) -> bool:
        """Say whether a seal is one of the demonstration; signer.unavailable without a seal."""

    def looks_demo(self, authority_id: str) -> bool:
        """Say the same of what is never sealed, and so needs no answer."""

    def picture_of(self, authority_id: str) -> str | None:
        """Return the digest of the picture that a seal is, as of the last look; None if drawn."""

    async def sign(self, certificate_id: str, attempt: int) -> Signed:
        """Have a reserved certificate drawn and signed; the same place gives the same bytes.

        A time-stamp is another each time: then the file that is released first counts.

        Refuses what the register and the case do not bear out when the signer reads them itself.
        """

    async def list_statuses(self, issuer_code: str, year: int) -> SignedList:
        """Have the status list of an issuer and year signed, as the signer reads the register.

        Refuses status_list.unknown for an issuer that this signer has no seal of.
        """

    async def sign_sm2(self, certificate_id: str, pdf: bytes) -> Sm2Signed:
        """Have a released certificate's own bytes signed with SM2; another signature each time.

        Refuses bytes that the register and the signer's own trust list do not bear out.
        """


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Place(_Said):
    """A reserved certificate, and how often its facts were taken anew."""

    certificate_id: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    attempt: Annotated[int, Field(ge=1, le=2**31)]


class Known(_Said):
    """Whose seals and SM2 keys there are; of each whether it is one of the demonstration.

    `pictures` has the digests of the seals that are pictures.
    """

    demo: dict[str, bool]
    sm2: dict[str, bool] = {}
    pictures: dict[str, Annotated[str, Field(pattern="^[0-9a-f]{64}$")]] = {}


class Paper(_Said):
    """A signed certificate on its way to the service."""

    pdf: Base64Bytes
    sha256: str
    token: str
    pages: int
    stamped_at: datetime | None = None


class ListPlace(_Said):
    """Whose status list, of which year."""

    issuer_code: Annotated[str, Field(pattern="^[0-9A-Z]{18}$")]
    year: Annotated[int, Field(ge=2000, le=9999)]


class ListPaper(_Said):
    """A signed status list on its way to the service."""

    content: Base64Bytes
    version: int
    issued_at: datetime
    expires_at: datetime


class Sm2Paper(_Said):
    """A detached SM2 signature on its way to the service."""

    content: Base64Bytes
    signed_at: datetime


class Refusal(_Said):
    """Why the signer does not."""

    code: str
    details: dict[str, object] = {}

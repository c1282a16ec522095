"""The signer as the service sees it: a Unix socket, behind which another process has the keys."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeVar

import aiohttp
import structlog
from prometheus_client import Gauge
from pydantic import BaseModel, ValidationError

from server.certificates.forms import Signed, SignedList, Sm2Signed
from server.certificates.signer import (
    LISTS_PATH,
    SEALS_PATH,
    SIGNATURES_PATH,
    SM2_PATH,
    Known,
    ListPaper,
    ListPlace,
    Paper,
    Place,
    Refusal,
    Sm2Paper,
)
from server.errors import CODES, ServiceError

log = structlog.get_logger("kuayu.certificates")

UNAVAILABLE: Final = "signer.unavailable"
# A little longer than the signer gives itself for one job.
PATIENCE: Final = aiohttp.ClientTimeout(total=35, sock_connect=2)
ANSWERS: Final = Gauge("kuayu_signer_answers", "Whether the signer answered when last asked")
LOOK_PATIENCE: Final = aiohttp.ClientTimeout(total=5)

Answer = TypeVar("Answer", bound=BaseModel)


class RemoteSigner:
    """Asks the signer; every question has a connection of its own, so that it may come and go."""

    def __init__(self, socket: Path, *, demo: bool) -> None:
        """Ask at `socket`; `demo` is what is unknown taken for."""
        self._socket = socket
        self._assumed = demo
        self._known: Mapping[str, bool] = {}
        self._sm2: Mapping[str, bool] = {}
        self._pictures: Mapping[str, str] = {}

    async def look(self) -> None:
        """Learn whose seals there are; signer.unavailable if nobody answers.

        A signer of the demonstration is none for a service in production.
        """
        found = await self._ask("GET", SEALS_PATH, None, Known, LOOK_PATIENCE)
        if any((*found.demo.values(), *found.sm2.values())) and not self._assumed:
            log.error("the signer has demo keys, which are not for production")
            raise ServiceError(UNAVAILABLE)
        self._known, self._sm2, self._pictures = found.demo, found.sm2, found.pictures

    @property
    def sm2(self) -> Mapping[str, bool]:
        """Whose SM2 keys there were at the last look; of each whether it is a demonstration's."""
        return self._sm2

    async def answers(self) -> bool:
        """Say whether the signer is there and has a seal."""
        try:
            await self.look()
        except ServiceError:
            return False
        return bool(self._known)

    def is_demo(self, authority_id: str) -> bool:
        """Say whether a seal is one of the demonstration; signer.unavailable without a seal."""
        if authority_id not in self._known:
            raise ServiceError(UNAVAILABLE)
        return self._known[authority_id]

    def looks_demo(self, authority_id: str) -> bool:
        """Say the same of what is never sealed, and so needs no answer."""
        return self._known.get(authority_id, self._assumed)

    def picture_of(self, authority_id: str) -> str | None:
        """Return the digest of the picture that a seal is, as of the last look; None if drawn."""
        return self._pictures.get(authority_id)

    async def sign(self, certificate_id: str, attempt: int) -> Signed:
        """Have a reserved certificate drawn and signed; refuses what the signer refuses."""
        place = Place(certificate_id=certificate_id, attempt=attempt)
        paper = await self._ask("POST", SIGNATURES_PATH, place, Paper, PATIENCE)
        return Signed(paper.pdf, paper.sha256, paper.token, paper.pages, paper.stamped_at)

    async def list_statuses(self, issuer_code: str, year: int) -> SignedList:
        """Have a status list signed; refuses what the signer refuses."""
        place = ListPlace(issuer_code=issuer_code, year=year)
        paper = await self._ask("POST", LISTS_PATH, place, ListPaper, PATIENCE)
        return SignedList(paper.content, paper.version, paper.issued_at, paper.expires_at)

    async def sign_sm2(self, certificate_id: str, pdf: bytes) -> Sm2Signed:
        """Have a released certificate's bytes signed with SM2; refuses what the signer refuses."""
        path = f"{SM2_PATH}/{certificate_id}"
        paper = await self._ask("POST", path, pdf, Sm2Paper, PATIENCE)
        return Sm2Signed(paper.content, paper.signed_at)

    async def _ask(
        self, method: str, path: str, said: BaseModel | bytes | None, kind: type[Answer],
        patience: aiohttp.ClientTimeout,
    ) -> Answer:  # fmt: skip
        content = said.model_dump_json().encode() if isinstance(said, BaseModel) else said
        body = None if content is None else io.BytesIO(content)
        try:
            async with (
                aiohttp.ClientSession(
                    connector=aiohttp.UnixConnector(str(self._socket)), timeout=patience
                ) as session,
                session.request(method, f"http://signer{path}", data=body) as answer,
            ):
                heard = await answer.read()
                ANSWERS.set(1)
                if answer.status == 200:  # noqa: PLR2004 (OK)
                    return kind.model_validate_json(heard)
                refusal = Refusal.model_validate_json(heard)
        except (aiohttp.ClientError, OSError, ValidationError) as error:
            ANSWERS.set(0)
            log.info("no answer from the signer", why=type(error).__name__)
            raise ServiceError(UNAVAILABLE) from None
        if refusal.code not in CODES:
            raise ServiceError(UNAVAILABLE)
        raise ServiceError(refusal.code, **refusal.details)

"""Drawing and judging in processes without keys: previews, notices, pictures, strangers' files."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pypdfium2

from docs_gen.fonts import FontError, unprintable
from docs_gen.notice import Letter, NoticeTemplate
from docs_gen.press import draw_notice, preview
from docs_gen.sm2 import Sm2MissingError
from docs_gen.sm2verifying import Sm2Finding, Sm2Reason, judge_signature
from docs_gen.trust import KeyFolderError, TrustList, load_trust
from docs_gen.trustlist import PUBLISHED, TRUST
from docs_gen.verifying import MAX_BYTES, Finding, Verdict, verify
from server.certificates.forms import Forms, Order
from server.errors import ServiceError
from server.pool import Refused, WorkerPool, unless_refused

__all__ = [
    "MAX_BYTES", "PUBLISHED", "TRUST", "Drawing", "Finding", "Sm2Finding", "Sm2Reason",
    "TrustFile", "Verdict",
]  # fmt: skip

PICTURE_PIXELS = 1800
UNAVAILABLE = "signer.unavailable"
# Looking at an honest file takes some 10 ms.
LOOK_SECONDS = 5


class Drawing:
    """The service's drawing room: it knows whom to trust, and holds no key."""

    def __init__(self, forms: Forms, trust: Path, *, fallback: Path | None = None) -> None:
        """Judge by the trust list in `trust`; `fallback` is a face for rare characters."""
        self.forms = forms
        # Our own files at the desk, strangers' at the door: nobody keeps the clerks waiting.
        self._desk, self._door = (
            WorkerPool(
                name, 1, _lay_out_desk, (trust, fallback), refusal=UNAVAILABLE,
                cpu_seconds=LOOK_SECONDS,
            )
            for name in ("desk", "door")
        )  # fmt: skip

    async def close(self) -> None:
        """Stop the processes."""
        await asyncio.gather(self._desk.close(), self._door.close())

    async def check(self, values: Mapping[str, str], words: str) -> None:
        """Refuse certificate.unprintable for a value with a character that no face has.

        Refuses signer.unavailable when nothing can be drawn at all.
        """
        unless_refused(await self._desk.run(_unprintable, dict(values), words))

    async def preview(self, order: Order) -> bytes:
        """Draw what a certificate would say: never signed, without a live QR code."""
        return unless_refused(await self._desk.run(_preview, order))

    async def examine(self, content: bytes, now: datetime, token: bytes | None = None) -> Finding:
        """Judge one of our own files by its word; what the register says is for the caller.

        `token` is a time-stamp over the file that is kept apart from it.
        """
        return await self._desk.run(_examine, content, now, token)

    async def examine_strange(self, content: bytes, now: datetime, token: bytes | None) -> Finding:
        """Judge a file from anywhere; one that takes the process down is none of ours."""
        try:
            return await self._door.run(_examine, content, now, token)
        except ServiceError as error:
            if error.code == "server.busy":
                raise
            return _nothing(content)

    async def examine_sm2(
        self, content: bytes, signature: bytes, now: datetime, number: str
    ) -> Sm2Finding | None:
        """Judge a detached SM2 signature over the file of a certificate of this number.

        None where nobody can: without a trust list, or SM2 on this machine.
        """
        return await self._door.run(_examine_sm2, content, signature, now, number)

    async def notice(self, letter: Letter, template: NoticeTemplate) -> bytes:
        """Draw a notice; certificate.unprintable names the characters that no face has."""
        return unless_refused(await self._desk.run(_notice, letter, template))

    async def picture(self, content: bytes, page: int) -> bytes:
        """Return a page of a certificate as a PNG; material.unknown if there is no such page."""
        return unless_refused(await self._desk.run(_picture, content, page))


class TrustFile:
    """A folder's trust list, read again when it was renewed."""

    def __init__(self, folder: Path) -> None:
        """Read nothing yet."""
        self._folder = folder
        self._read_at = 0
        self._list: TrustList | None = None

    def now(self) -> TrustList:
        """Return the list as it is; OSError or KeyFolderError where there is none."""
        written_at = (self._folder / TRUST).stat().st_mtime_ns
        if self._list is None or written_at != self._read_at:
            self._list, self._read_at = load_trust(self._folder), written_at
        return self._list


class _Desk:
    """One process's things."""

    trust: TrustFile | None = None
    fallback: Path | None = None


def _lay_out_desk(trust: Path, fallback: Path | None) -> None:
    _Desk.trust = TrustFile(trust)
    _Desk.fallback = fallback


def _lacking(text: str) -> list[str]:
    """Name the characters of a text that no face has."""
    return [f"{one} (U+{ord(one):04X})" for one in unprintable(text, _Desk.fallback)]


def _unprintable(values: dict[str, str], words: str) -> Refused | None:
    try:
        for name, text in {**values, "issuer": words}.items():
            if named := _lacking(text):
                return Refused("certificate.unprintable", {"field": name, "characters": named})
    except FontError:
        return Refused(UNAVAILABLE)
    return None


def _preview(order: Order) -> bytes | Refused:
    try:
        return preview(order.facts(""), order.template, _Desk.fallback)
    except ValueError:
        return Refused("certificate.unprintable")
    except FontError:
        return Refused(UNAVAILABLE)


def _trust() -> TrustList | None:
    try:
        return None if _Desk.trust is None else _Desk.trust.now()
    except (KeyFolderError, OSError):
        return None


def _examine_sm2(
    content: bytes, signature: bytes, now: datetime, number: str
) -> Sm2Finding | None:  # fmt: skip
    if (trust := _trust()) is None:
        return None
    try:
        return asyncio.run(judge_signature(content, signature, trust, now, number=number))
    except Sm2MissingError:
        return None


def _examine(content: bytes, now: datetime, token: bytes | None) -> Finding:
    if (trust := _trust()) is None:
        return Finding(Verdict.CANNOT_TELL, _nothing(content).sha256)
    return asyncio.run(verify(content, trust, now, token=token))


def _notice(letter: Letter, template: NoticeTemplate) -> bytes | Refused:
    try:
        if named := _lacking("".join((letter.issuer, *template.written(letter)))):
            return Refused("certificate.unprintable", {"characters": named})
        return draw_notice(letter, template, _Desk.fallback)
    except ValueError:
        return Refused("certificate.unprintable")
    except FontError:
        return Refused(UNAVAILABLE)


def _nothing(content: bytes) -> Finding:
    return Finding(Verdict.UNREADABLE, hashlib.sha256(content).hexdigest())


def _picture(content: bytes, page: int) -> bytes | Refused:
    try:
        document = pypdfium2.PdfDocument(content)
        if page > len(document):
            return Refused("material.unknown")
        sheet = document[page - 1]
        image = sheet.render(scale=PICTURE_PIXELS / max(sheet.get_size())).to_pil()
    except pypdfium2.PdfiumError:
        return Refused("material.unreadable")
    drawn = io.BytesIO()
    image.convert("RGB").save(drawn, "PNG", optimize=False)
    return drawn.getvalue()

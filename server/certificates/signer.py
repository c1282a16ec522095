"""Drawing, signing and judging certificates in processes of their own.

The processes that hold keys never see a file from outside; those that look at such files hold no
key. This is the only importer of docs_gen.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar

import pypdfium2
import structlog

from docs_gen import qr
from docs_gen.data import CHINA, Facts, Issuer
from docs_gen.fonts import FontError, load_fonts, unprintable
from docs_gen.notice import Letter, NoticeTemplate, load_notices
from docs_gen.numbers import identifier, long_date
from docs_gen.press import draw_notice, preview
from docs_gen.sealkeys import load_seals
from docs_gen.signing import issue
from docs_gen.template import Template, load_templates
from docs_gen.trust import (
    KeyFolderError,
    TrustList,
    create_demo,
    load_qr_key,
    load_trust,
    qr_key_id,
    renew_crls,
)
from docs_gen.verifying import Finding, Verdict, verify
from server.errors import ServiceError
from server.items.rules import Page
from server.pool import WorkerPool
from server.regions.rules import Authority

__all__ = [
    "Finding",
    "KeyFolderError",
    "Letter",
    "NoticeTemplate",
    "Order",
    "Signed",
    "Signer",
    "Template",
    "Verdict",
    "long_date",
]

log = structlog.get_logger("kuayu.certificates")

Answer = TypeVar("Answer")
PICTURE_PIXELS = 1800
UNAVAILABLE = "signer.unavailable"
# Looking at an honest file takes some 10 ms.
LOOK_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Order:
    """Everything that one certificate is made of; the same order gives the same bytes.

    The template comes along: one of the drawing process's own might be of another version.
    """

    template: Template
    title: str
    number: str
    check_code: str
    jurisdiction: str
    authority: Authority
    values: Mapping[str, str]
    holder: str
    signing_time: datetime
    verify_url: str
    demo: bool

    @property
    def issuer(self) -> Issuer:
        """The issuing authority as a certificate names it."""
        one = self.authority
        return Issuer(one.name, one.code, one.seal_text, self.jurisdiction)

    def facts(self, token: str) -> Facts:
        """Return what is drawn, with the QR code's token in the fragment of its address."""
        return Facts(
            kind=self.template.kind,
            template_version=self.template.version,
            number=self.number,
            check_code=self.check_code,
            issuer=self.issuer,
            signing_time=self.signing_time,
            values=dict(self.values),
            qr_url=f"{self.verify_url}#{token}",
            demo=self.demo,
        )


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed certificate that our own verifier has found genuine."""

    pdf: bytes
    sha256: str
    token: str
    pages: int


@dataclass(frozen=True, slots=True)
class _Refused:
    """A refusal on its way between processes."""

    code: str
    details: Mapping[str, object] = field(default_factory=dict)


class Signer:
    """The service's hand: knows the templates, keeps the processes that draw, sign and judge."""

    def __init__(self, folder: Path, passphrase: str, *, fallback: Path | None = None) -> None:
        """Work with the key folder `folder`; `fallback` is a face for rare characters."""
        self.templates = load_templates()
        self.notices = load_notices()
        self._folder = folder
        self._passphrase = passphrase
        self._demo: Mapping[str, bool] = {}
        self._seals = WorkerPool(
            "seals", 1, _lay_out_keys, (folder, passphrase, fallback), refusal=UNAVAILABLE
        )
        # Our own files at the desk, strangers' at the door: nobody keeps the clerks waiting.
        self._desk, self._door = (
            WorkerPool(
                name, 1, _lay_out_desk, (folder, fallback), refusal=UNAVAILABLE,
                cpu_seconds=LOOK_SECONDS,
            )
            for name in ("desk", "door")
        )  # fmt: skip

    @property
    def pages(self) -> dict[str, Page]:
        """What the page of each kind asks of an item that issues it."""
        return {
            kind: Page(template.longest, frozenset(template.departments), template.columns)
            for kind, template in self.templates.items()
        }

    async def prepare_demo(
        self, authorities: Sequence[tuple[str, Authority]], now: datetime
    ) -> None:
        """Make demo keys for these (jurisdiction, authority) pairs where there are none yet."""
        issuers = [
            (one.id, Issuer(one.name, one.code, one.seal_text, region))
            for region, one in authorities
        ]
        await asyncio.to_thread(create_demo, self._folder, issuers, now, self._passphrase)

    async def start(self, *, demo: bool) -> None:
        """Load the keys; KeyFolderError if they cannot be used, or are demo keys in production."""
        found = await self._seals.run(_survey)
        if isinstance(found, str):
            raise KeyFolderError(found)
        self._demo = found
        false = sorted(name for name, is_demo in found.items() if is_demo)
        if false and not demo:
            raise KeyFolderError(f"demo keys are not for production: {', '.join(false)}")

    async def renew(self, now: datetime) -> bool:
        """Issue our own CAs' CRLs anew and read the others again; False without any key folder."""
        ours, brought = self._folder / "root.p12", self._folder / "trusted"
        if not ours.exists() and not brought.exists():
            return False
        await asyncio.to_thread(renew_crls, self._folder, now, self._passphrase)
        return True

    async def close(self) -> None:
        """Stop the processes."""
        await asyncio.gather(self._seals.close(), self._desk.close(), self._door.close())

    def can_sign(self, authority_id: str) -> bool:
        """Say whether there is a key for an authority."""
        return authority_id in self._demo

    def is_demo(self, authority_id: str) -> bool:
        """Say whether an authority's key is one of the demonstration; unavailable without one."""
        if authority_id not in self._demo:
            raise ServiceError("signer.unavailable")
        return self._demo[authority_id]

    def number(self, kind: str, issuer_code: str, serial: str) -> str:
        """Return the certificate identifier of a serial (GB/T 36903)."""
        return identifier(self.templates[kind].type_code, issuer_code, serial)

    def valid_until(self, kind: str, signing_time: datetime) -> date:
        """Return the last day on which a certificate of this kind counts."""
        return self.templates[kind].valid_until(signing_time.astimezone(CHINA).date())

    async def check(self, values: Mapping[str, str], words: str) -> None:
        """Refuse certificate.unprintable for a value with a character that no face has.

        Refuses signer.unavailable when nothing can be drawn at all.
        """
        _unless_refused(await self._seals.run(_unprintable, dict(values), words))

    async def preview(self, order: Order) -> bytes:
        """Draw what a certificate would say: never signed, without a live QR code."""
        return _unless_refused(await self._seals.run(_preview, order))

    async def issue(self, order: Order, now: datetime) -> Signed:
        """Draw, sign and validate a certificate; the same order gives the same bytes."""
        found = await self._seals.run(_issue, order, now)
        if isinstance(found, _Refused):
            log.warning("not signed", number=order.number, why=found.code, **found.details)
            raise ServiceError(found.code, **found.details)
        return found

    async def examine(self, content: bytes, now: datetime) -> Finding:
        """Judge one of our own files by its word; what the register says is for the caller."""
        return await self._desk.run(_examine, content, now)

    async def examine_strange(self, content: bytes, now: datetime) -> Finding:
        """Judge a file from anywhere; one that takes the process down is none of ours."""
        try:
            return await self._door.run(_examine, content, now)
        except ServiceError as error:
            if error.code == "server.busy":
                raise
            return _nothing(content)

    async def notice(self, letter: Letter, template: NoticeTemplate) -> bytes:
        """Draw a notice; certificate.unprintable names the characters that no face has."""
        return _unless_refused(await self._desk.run(_notice, letter, template))

    async def picture(self, content: bytes, page: int) -> bytes:
        """Return a page of a certificate as a PNG; material.unknown if there is no such page."""
        return _unless_refused(await self._desk.run(_picture, content, page))


def _lacking(text: str, fallback: Path | None) -> list[str]:
    """Name the characters of a text that no face has."""
    return [f"{one} (U+{ord(one):04X})" for one in unprintable(text, fallback)]


def _unless_refused(found: Answer | _Refused) -> Answer:
    if isinstance(found, _Refused):
        raise ServiceError(found.code, **found.details)
    return found


class _Keys:
    """What a signing process holds, loaded once."""

    def __init__(self, folder: Path, passphrase: str, fallback: Path | None) -> None:
        self.fallback = fallback
        self.seals = load_seals(folder, passphrase)
        self.qr_key = load_qr_key(folder, passphrase)
        self.qr_key_id = qr_key_id(self.qr_key.public_key())
        self.trust = _Trust(folder)
        load_fonts(fallback)


class _Trust:
    """The trust list, read again when it was renewed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read_at = 0
        self._list: TrustList | None = None

    def now(self) -> TrustList:
        written_at = (self._folder / "trust.json").stat().st_mtime_ns
        if self._list is None or written_at != self._read_at:
            self._list, self._read_at = load_trust(self._folder), written_at
        return self._list


class _Bench:
    """One process's things; `fault` says why there are no keys."""

    keys: _Keys | None = None
    trust: _Trust | None = None
    fallback: Path | None = None
    fault = "the keys are not loaded"


def _lay_out_keys(folder: Path, passphrase: str, fallback: Path | None) -> None:
    try:
        _Bench.keys = _Keys(folder, passphrase, fallback)
    except (KeyFolderError, FontError, OSError) as error:
        # Kept for who asks: an initializer that raises would only say that the pool is broken.
        _Bench.fault = str(error)


def _lay_out_desk(folder: Path, fallback: Path | None) -> None:
    _Bench.trust = _Trust(folder)
    _Bench.fallback = fallback


def _survey() -> dict[str, bool] | str:
    if _Bench.keys is None:
        return _Bench.fault
    return {name: key.demo for name, key in _Bench.keys.seals.items()}


def _unprintable(values: dict[str, str], words: str) -> _Refused | None:
    if _Bench.keys is None:
        return _Refused("signer.unavailable")
    for name, text in {**values, "issuer": words}.items():
        if named := _lacking(text, _Bench.keys.fallback):
            return _Refused("certificate.unprintable", {"field": name, "characters": named})
    return None


def _preview(order: Order) -> bytes | _Refused:
    if _Bench.keys is None:
        return _Refused("signer.unavailable")
    try:
        return preview(order.facts(""), order.template, _Bench.keys.fallback)
    except ValueError:
        return _Refused("certificate.unprintable")


def _issue(order: Order, now: datetime) -> Signed | _Refused:
    keys = _Bench.keys
    if keys is None or order.authority.id not in keys.seals:
        return _Refused("signer.unavailable")
    facts = order.facts("")
    claim = qr.Claim(
        number=order.number,
        title=order.title,
        holder=order.holder,
        issuer=order.authority.name,
        issued_on=facts.issued_on,
        valid_until=order.template.valid_until(facts.issued_on),
    )
    token = qr.encode(claim, keys.qr_key, keys.qr_key_id)
    seal = keys.seals[order.authority.id]
    try:
        made = asyncio.run(issue(order.facts(token), order.template, seal, keys.fallback))
    except ValueError:
        return _Refused("certificate.unprintable")
    finding = asyncio.run(verify(made.pdf, keys.trust.now(), now))
    if finding.verdict is not Verdict.GENUINE or finding.number != order.number:
        return _Refused("signer.unavailable", {"finding": finding.verdict.value})
    return Signed(made.pdf, made.sha256, token, len(pypdfium2.PdfDocument(made.pdf)))


def _examine(content: bytes, now: datetime) -> Finding:
    try:
        trust = None if _Bench.trust is None else _Bench.trust.now()
    except (KeyFolderError, OSError):
        trust = None
    if trust is None:
        return Finding(Verdict.CANNOT_TELL, _nothing(content).sha256)
    return asyncio.run(verify(content, trust, now))


def _notice(letter: Letter, template: NoticeTemplate) -> bytes | _Refused:
    try:
        words = "".join((letter.issuer, *template.written(letter)))
        if named := _lacking(words, _Bench.fallback):
            return _Refused("certificate.unprintable", {"characters": named})
        return draw_notice(letter, template, _Bench.fallback)
    except ValueError:
        return _Refused("certificate.unprintable")
    except FontError:
        return _Refused(UNAVAILABLE)


def _nothing(content: bytes) -> Finding:
    return Finding(Verdict.UNREADABLE, hashlib.sha256(content).hexdigest())


def _picture(content: bytes, page: int) -> bytes | _Refused:
    try:
        document = pypdfium2.PdfDocument(content)
        if page > len(document):
            return _Refused("material.unknown")
        sheet = document[page - 1]
        image = sheet.render(scale=PICTURE_PIXELS / max(sheet.get_size())).to_pil()
    except pypdfium2.PdfiumError:
        return _Refused("material.unreadable")
    drawn = io.BytesIO()
    image.convert("RGB").save(drawn, "PNG", optimize=False)
    return drawn.getvalue()

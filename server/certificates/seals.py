"""The seals: the only processes that hold signing keys; they open no file from outside."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pypdfium2
import structlog

from docs_gen import qr, sm2, statuslist
from docs_gen.chain import Chain
from docs_gen.data import Issuer
from docs_gen.fonts import FontError, load_fonts
from docs_gen.imageseal import ImageSeal, load_pictures
from docs_gen.sealkeys import load_seals
from docs_gen.signing import issue
from docs_gen.sm2keys import load_seals as load_sm2_seals
from docs_gen.timestamps import Source
from docs_gen.trust import (
    KeyFolderError,
    create_demo,
    load_qr_key,
    qr_key_id,
    renew_crls,
)
from docs_gen.verifying import Verdict, verify
from server.certificates.drawing import UNAVAILABLE, TrustFile
from server.certificates.forms import Order, Signed, SignedList, Sm2Signed
from server.certificates.rules import CertificateState
from server.errors import ServiceError
from server.pool import Refused, WorkerPool, unless_refused
from server.regions.rules import Authority

__all__ = ["KeyFolderError", "Seals"]

log = structlog.get_logger("kuayu.certificates")

CHANGED = "seal.changed"
_STATUSES = {
    CertificateState.VALID: statuslist.Status.VALID,
    CertificateState.REVOKED: statuslist.Status.REVOKED,
    CertificateState.SUPERSEDED: statuslist.Status.SUPERSEDED,
}


class Seals:
    """Every authority's seal, in a process that draws, signs and validates."""

    def __init__(
        self, folder: Path, passphrase: str, *, fallback: Path | None = None,
        tsa_urls: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        """Work with the key folder `folder`; `fallback` is a face for rare characters.

        With time-stamping authorities each certificate's time is proved if one of them answers.
        """
        self.folder = folder
        self._passphrase = passphrase
        self._demo: Mapping[str, bool] = {}
        self._sm2: Mapping[str, bool] = {}
        self._pictures: Mapping[str, str] = {}
        self._pool = WorkerPool(
            "seals", 1, _lay_out_keys, (folder, passphrase, fallback, tsa_urls), refusal=UNAVAILABLE
        )

    @property
    def known(self) -> Mapping[str, bool]:
        """Every authority that there is a key for, and whether it is one of the demonstration."""
        return self._demo

    @property
    def sm2(self) -> Mapping[str, bool]:
        """Every authority that there is an SM2 key for, and whether it is a demonstration's."""
        return self._sm2

    @property
    def pictures(self) -> Mapping[str, str]:
        """Every authority whose seal is a picture, and the picture's digest."""
        return self._pictures

    def picture_of(self, authority_id: str) -> str | None:
        """Return the digest of the picture that a seal is; None if it is drawn."""
        return self._pictures.get(authority_id)

    def is_demo(self, authority_id: str) -> bool:
        """Say whether an authority's key is one of the demonstration; unavailable without one."""
        if authority_id not in self._demo:
            raise ServiceError(UNAVAILABLE)
        return self._demo[authority_id]

    async def prepare_demo(
        self, authorities: Sequence[tuple[str, Authority]], now: datetime
    ) -> None:
        """Make demo keys for these (jurisdiction, authority) pairs where there are none yet."""
        issuers = [
            (one.id, Issuer(one.name, one.code, one.seal_text, region))
            for region, one in authorities
        ]
        await asyncio.to_thread(create_demo, self.folder, issuers, now, self._passphrase)

    async def start(self, *, demo: bool) -> None:
        """Load the keys; KeyFolderError if they cannot be used, or are demo keys in production."""
        found = await self._pool.run(_survey)
        if isinstance(found, str):
            raise KeyFolderError(found)
        self._demo, self._sm2, self._pictures = found.demo, found.sm2, found.pictures
        keys = (*found.demo.items(), *found.sm2.items())
        false = sorted({name for name, is_demo in keys if is_demo})
        if false and not demo:
            raise KeyFolderError(f"demo keys are not for production: {', '.join(false)}")

    async def renew(self, now: datetime) -> bool:
        """Issue our own CAs' CRLs anew and read the others again; False without any key folder."""
        ours, brought = self.folder / "root.p12", self.folder / "trusted"
        if not ours.exists() and not brought.exists():
            return False
        await asyncio.to_thread(renew_crls, self.folder, now, self._passphrase)
        return True

    async def publish_list(self, now: datetime) -> bool:
        """Sign the trust list for everybody; False where its key is not in the key folder."""
        return await asyncio.to_thread(Chain(self.folder, self._passphrase).publish, now)

    async def list_statuses(
        self, place: tuple[str, int], version: int, now: datetime,
        statuses: Mapping[int, CertificateState],
    ) -> SignedList:  # fmt: skip
        """Sign the status list of an (issuer code, year); what is not named is not issued."""
        named = {serial: _STATUSES[state] for serial, state in statuses.items()}
        made = statuslist.make(*place, version, now, named.items())
        found = unless_refused(await self._pool.run(_sign_list, made))
        return SignedList(found, made.version, made.issued_at, made.expires_at)

    async def close(self) -> None:
        """Stop the process."""
        await self._pool.close()

    async def issue(self, order: Order, now: datetime) -> Signed:
        """Draw, sign and validate a certificate; the same order gives the same bytes.

        Refuses seal.changed where the seal is another picture than was ordered, or none.
        """
        found = await self._pool.run(_issue, order, now)
        if isinstance(found, Refused):
            if found.code == CHANGED:  # Brought since the start, and read by a newer process.
                await self._learn()
            log.warning(
                "not signed", number=order.number, why=found.why or found.code, **found.details
            )
            raise ServiceError(found.code, **found.details)
        made, unstamped = found
        if unstamped is not None:
            log.warning("not stamped", number=order.number, why=unstamped)
        return made

    async def sign_sm2(self, authority_id: str, pdf: bytes, now: datetime) -> Sm2Signed:
        """Sign whatever bytes with an authority's SM2 key; signer.unavailable without one.

        What they are, others look at: the process with the keys opens no file.
        """
        found = unless_refused(await self._pool.run(_sign_sm2, authority_id, pdf, now))
        return Sm2Signed(found, now.replace(microsecond=0))

    async def _learn(self) -> None:
        """Know the pictures as the process has them now."""
        found = await self._pool.run(_survey)
        if not isinstance(found, str):
            self._pictures = found.pictures


@dataclass(frozen=True, slots=True)
class _Survey:
    """Of each seal and each SM2 key whether it is a demonstration's; the digests of pictures."""

    demo: dict[str, bool]
    sm2: dict[str, bool]
    pictures: dict[str, str]


class _Keys:
    """What the signing process holds, loaded once."""

    def __init__(
        self, folder: Path, passphrase: str, fallback: Path | None, tsa_urls: tuple[str, ...]
    ) -> None:
        self.fallback = fallback
        self.tsa_urls = tsa_urls
        self.resting: dict[str, float] = {}
        self.seals = load_seals(folder, passphrase)
        self.sm2 = load_sm2_seals(folder, passphrase)
        self.pictures = load_pictures(folder)
        self.qr_key = load_qr_key(folder, passphrase)
        self.qr_key_id = qr_key_id(self.qr_key.public_key())
        self.trust = TrustFile(folder)
        load_fonts(fallback)

    def refusal_of(self, order: Order) -> Refused | None:
        """Say why these are no keys for an order, if they are not."""
        name = order.authority.id
        if name not in self.seals:
            return Refused(UNAVAILABLE)
        if self.seals[name].demo and not order.demo:
            return Refused(UNAVAILABLE, why=f"{name}: a key of the demonstration")
        return None if order.picture == self.digests().get(name) else Refused(CHANGED)

    def digests(self) -> dict[str, str]:
        """Return whose seals are pictures, and the pictures' digests."""
        return {name: picture.digest for name, picture in self.pictures.items()}

    def image_for(self, order: Order) -> ImageSeal | None:
        """Return the seal that is a picture; None for one that is drawn."""
        picture = self.pictures.get(order.authority.id)
        return None if picture is None else ImageSeal(picture, order.demo)


class _Press:
    """The signing process's things; `fault` says why there are no keys."""

    keys: _Keys | None = None
    fault = "the keys are not loaded"


def _lay_out_keys(
    folder: Path, passphrase: str, fallback: Path | None, tsa_urls: tuple[str, ...]
) -> None:
    try:
        _Press.keys = _Keys(folder, passphrase, fallback, tsa_urls)
    except (KeyFolderError, FontError, OSError) as error:
        # Kept for who asks: an initializer that raises would only say that the pool is broken.
        _Press.fault = str(error)


def _survey() -> _Survey | str:
    """Return what there is, or the fault that there is nothing."""
    if (keys := _Press.keys) is None:
        return _Press.fault
    seals = {name: key.demo for name, key in keys.seals.items()}
    return _Survey(seals, {name: key.demo for name, key in keys.sm2.items()}, keys.digests())


def _keys_for(order: Order) -> _Keys | Refused:
    keys = _Press.keys
    return Refused(UNAVAILABLE) if keys is None else keys.refusal_of(order) or keys


def _issue(order: Order, now: datetime) -> tuple[Signed, str | None] | Refused:
    """Return a signed certificate, and why its time is not proved where it was to be."""
    keys = _keys_for(order)
    if isinstance(keys, Refused):
        return keys
    facts = order.facts("")
    claim = qr.Claim(
        number=order.number,
        title=order.title,
        holder=order.holder,
        issuer=order.authority.name,
        issued_on=facts.issued_on,
        valid_until=order.template.valid_until(facts.issued_on),
    )
    key = keys.seals[order.authority.id]
    token = qr.encode(claim, keys.qr_key, keys.qr_key_id)
    trust = keys.trust.now()
    source = Source(keys.tsa_urls, trust, resting=keys.resting) if keys.tsa_urls else None
    try:
        made = asyncio.run(
            issue(
                order.facts(token),
                order.template,
                key,
                keys.fallback,
                seal=keys.image_for(order),
                source=source,
            )
        )
    except ValueError:
        return Refused("certificate.unprintable")
    except KeyFolderError as error:
        # A token that does not answer.
        return Refused(UNAVAILABLE, why=str(error))
    # What is stamped is judged as of its stamp, also when the seal's chain has ended.
    if made.stamped_at is None and not key.outlives(claim.valid_until):
        why = f"{order.authority.id}: its chain ends on {key.ends:%Y-%m-%d}, before what it signs"
        return Refused(UNAVAILABLE, why=why)
    finding = asyncio.run(verify(made.pdf, trust, max(now, made.stamped_at or now)))
    as_ordered = finding.verdict is Verdict.GENUINE and finding.number == order.number
    if not as_ordered or finding.stamped_at != made.stamped_at:
        said = {"finding": finding.verdict.value, "stamped_at": str(finding.stamped_at)}
        return Refused(UNAVAILABLE, said)
    pages = len(pypdfium2.PdfDocument(made.pdf))
    return Signed(made.pdf, made.sha256, token, pages, made.stamped_at), made.unstamped


def _sign_list(one: statuslist.StatusList) -> bytes | Refused:
    keys = _Press.keys
    if keys is None:
        return Refused(UNAVAILABLE)
    return statuslist.encode(one, keys.qr_key, keys.qr_key_id)


def _sign_sm2(authority_id: str, pdf: bytes, now: datetime) -> bytes | Refused:
    keys = _Press.keys
    if keys is None or authority_id not in keys.sm2:
        return Refused(UNAVAILABLE)
    return keys.sm2[authority_id].sign(sm2.sm3(pdf), now)

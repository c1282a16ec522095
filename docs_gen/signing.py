"""Signing a drawn page: PAdES, certified, nothing may be changed after; deterministic but for time.

The page is written once, with its signature's place. The same facts, signing time and key give the
same bytes, so that a crash between drawing and releasing can be repeated without a second version
of a certificate. A time-stamp is another each time: of those only the released one exists.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from docs_gen.cades import Envelope, prepare
from docs_gen.data import Facts
from docs_gen.pdf import Evidence, Field, Place
from docs_gen.press import Drawn, draw
from docs_gen.seal import SealProvider
from docs_gen.sealkeys import SealKey
from docs_gen.template import Template
from docs_gen.timestamps import LARGEST_TOKEN, Source, StampError, Token, require_awake, stamp
from docs_gen.validation import certificate, crls_of

FIELD = "Seal"


@dataclass(frozen=True, slots=True)
class Issued:
    """A signed certificate, the SHA-256 of its bytes and, if it is proved, when it was signed.

    `unstamped` says why that is not proved where it was to be.
    """

    pdf: bytes
    sha256: str
    stamped_at: datetime | None = None
    unstamped: str | None = None


async def issue(
    facts: Facts, template: Template, key: SealKey, fallback: Path | None = None,
    *, seal: SealProvider | None = None, source: Source | None = None,
) -> Issued:  # fmt: skip
    """Draw and sign a certificate; ValueError names a character that no face can draw.

    What a demonstration's key signs says so: anything else is a ValueError too.

    With a source of time it is stamped and brings along what it is judged by (PAdES B-LT); where
    none of its clocks answers, and without one, it is signed alone (B-B).
    """
    if key.demo and not facts.demo:
        raise ValueError("a demonstration's key signs no certificate that counts")
    unstamped = None
    if source is not None:
        try:
            require_awake(source)  # Or all that follows is done in vain, and then once more.
            drawn = draw(facts, template, fallback, seal=seal)
            stamped, token = await sign_and_stamp(drawn, facts, key, source)
            return Issued(stamped, hashlib.sha256(stamped).hexdigest(), token.at)
        except StampError as error:
            unstamped = str(error)
    signed = sign(draw(facts, template, fallback, seal=seal), facts, key)
    return Issued(signed, hashlib.sha256(signed).hexdigest(), unstamped=unstamped)


def sign(drawn: Drawn, facts: Facts, key: SealKey) -> bytes:
    """Sign a drawn page as of the certificate's signing time; the field lies over the seal."""
    envelope = prepare(key.certificate, key.chain)
    place = drawn.document.with_place(_field(drawn, facts), envelope.room)
    attributes, signature = _signature(place, envelope, key)
    return place.filled(envelope.closed(attributes, signature))


async def sign_and_stamp(
    drawn: Drawn, facts: Facts, key: SealKey, source: Source
) -> tuple[bytes, Token]:
    """Sign a drawn page and have its signature's time proved; StampError if nobody does."""
    envelope = prepare(key.certificate, key.chain)
    evidence = _evidence(key.chain, source)
    size = envelope.room + LARGEST_TOKEN
    place = drawn.document.with_place(_field(drawn, facts), size, evidence)
    attributes, signature = _signature(place, envelope, key)
    token = await stamp(hashlib.sha256(signature).digest(), facts.signing_time, source)
    return place.filled(envelope.closed(attributes, signature, token.content)), token


def _field(drawn: Drawn, facts: Facts) -> Field:
    return Field(
        name=FIELD,
        page=drawn.seal_page,
        box=drawn.seal_box,
        signer=facts.issuer.name,
        reason=f"{facts.issuer.name}签发",
        moment=facts.signing_time,
    )


def _signature(place: Place, envelope: Envelope, key: SealKey) -> tuple[bytes, bytes]:
    attributes = envelope.attributes(place.digest())
    return attributes, key.sign(attributes)


def _evidence(chain: tuple[bytes, ...], source: Source) -> Evidence:
    """Return the CAs and CRLs of a seal's chain, and of the clocks."""
    clocks = source.trust.clocks
    crls = crls_of({certificate(ca).subject.hashable for ca in chain}, source.trust.crls)
    return Evidence((*chain, *clocks.certificates), (*crls, *clocks.crls))

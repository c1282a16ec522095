"""Signing a drawn page: PAdES B-B, certified, nothing may be changed after; deterministic.

The page is written once, with its signature's place. The same facts, signing time and key give the
same bytes, so that a crash between drawing and releasing can be repeated without a second version
of a certificate.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from docs_gen.cades import prepare
from docs_gen.data import Facts
from docs_gen.pdf import Field
from docs_gen.press import Drawn, draw
from docs_gen.sealkeys import SealKey
from docs_gen.template import Template

if TYPE_CHECKING:
    from asn1crypto.x509 import Certificate

FIELD = "Seal"


@dataclass(frozen=True, slots=True)
class Issued:
    """A signed certificate and the SHA-256 of its bytes."""

    pdf: bytes
    sha256: str


async def issue(
    facts: Facts, template: Template, key: SealKey, fallback: Path | None = None
) -> Issued:
    """Draw and sign a certificate; ValueError names a character that no face can draw."""
    signed = await sign(draw(facts, template, fallback), facts, key)
    return Issued(signed, hashlib.sha256(signed).hexdigest())


async def sign(drawn: Drawn, facts: Facts, key: SealKey) -> bytes:
    """Sign a drawn page as of the certificate's signing time; the field lies over the seal."""
    field = Field(
        name=FIELD,
        page=drawn.seal_page,
        box=drawn.seal_box,
        signer=facts.issuer.name,
        reason=f"{facts.issuer.name}签发",
        moment=facts.signing_time,
    )
    certificate = cast("Certificate", key.signing_cert)
    envelope = prepare(certificate.dump(), tuple(ca.dump() for ca in key.cert_registry))
    place = drawn.document.with_place(field, envelope.room)
    attributes = envelope.attributes(place.digest())
    signature = await key.async_sign_raw(attributes, "sha256")
    return place.filled(envelope.closed(attributes, signature))

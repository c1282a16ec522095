"""The QR code's payload: COSE_Sign1 (RFC 9052) with Ed25519 over what the page shows, masked.

It holds no hash of the ID number, for those can be enumerated. Built on cbor2 and cryptography:
the structure is one CBOR array, and the COSE libraries at hand bring far more with them.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from docs_gen import cose

NUMBER, TITLE, HOLDER, ISSUER, ISSUED_ON, VALID_UNTIL = range(1, 7)
EPOCH = date(1970, 1, 1)
MAX_TOKEN = 1000


class TokenError(Exception):
    """A token that none of the known keys signed, or that is no token at all."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a QR code says of its certificate; the holder's name is masked."""

    number: str
    title: str
    holder: str
    issuer: str
    issued_on: date
    valid_until: date


def encode(claim: Claim, key: Ed25519PrivateKey, key_id: bytes) -> str:
    """Return a signed claim as base64url text for an address's fragment."""
    payload = cbor2.dumps(
        {
            NUMBER: claim.number,
            TITLE: claim.title,
            HOLDER: claim.holder,
            ISSUER: claim.issuer,
            ISSUED_ON: (claim.issued_on - EPOCH).days,
            VALID_UNTIL: (claim.valid_until - EPOCH).days,
        },
        canonical=True,
    )
    return _text(cose.sign(payload, key, key_id))


def read(token: str, keys: Mapping[bytes, Ed25519PublicKey]) -> Claim:
    """Return what a token claims; TokenError unless one of `keys` signed exactly that.

    There is one way to write a token: what the signature does not cover cannot be changed either.
    """
    if len(token) > MAX_TOKEN:
        raise TokenError("too long")
    try:
        return _claim(cbor2.loads(_payload(token, keys)))
    except TokenError:
        raise
    except cose.CoseError as error:
        raise TokenError(str(error)) from None
    except Exception as error:  # noqa: BLE001 (whatever foreign bytes lead cbor2 to)
        raise TokenError(type(error).__name__) from None


def _payload(token: str, keys: Mapping[bytes, Ed25519PublicKey]) -> bytes:
    raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    if _text(raw) != token:
        raise TokenError("written in another way")
    return cose.payload_of(raw, keys)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _claim(said: Mapping[int, object]) -> Claim:
    texts = [said[place] for place in (NUMBER, TITLE, HOLDER, ISSUER)]
    days = [said[place] for place in (ISSUED_ON, VALID_UNTIL)]
    number, title, holder, issuer = (text for text in texts if isinstance(text, str))
    issued_on, valid_until = (EPOCH + timedelta(days=day) for day in days if type(day) is int)
    return Claim(number, title, holder, issuer, issued_on, valid_until)

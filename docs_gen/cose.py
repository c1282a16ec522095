"""COSE_Sign1 (RFC 9052) with Ed25519: signed bytes that can be written in one way only.

Trust lists, whose signer comes along with them, are another matter: `docs_gen.signedlist`.
"""

from __future__ import annotations

from collections.abc import Mapping

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

EDDSA, ALGORITHM, KEY_ID, TYPE = -8, 1, 4, 16


class CoseError(Exception):
    """Bytes that none of the known keys signed as what they are taken for; says why."""


def sign(payload: bytes, key: Ed25519PrivateKey, key_id: bytes, *, kind: str = "") -> bytes:
    """Return the payload signed; `kind` says in the signed header what it is (RFC 9596)."""
    header: dict[int, object] = {ALGORITHM: EDDSA, KEY_ID: key_id}
    if kind:
        header[TYPE] = kind
    protected = cbor2.dumps(header, canonical=True)
    return _written(protected, payload, key.sign(covered(protected, payload)))


def payload_of(raw: bytes, keys: Mapping[bytes, Ed25519PublicKey], *, kind: str = "") -> bytes:
    """Return what one of `keys` signed as this kind; CoseError for all else.

    What the signature does not cover cannot be changed either: other ways of writing the same
    are refused.
    """
    try:
        return _verified(raw, keys, kind)
    except CoseError:
        raise
    except Exception as error:  # noqa: BLE001 (whatever foreign bytes lead cbor2 to)
        raise CoseError(type(error).__name__) from None


def _verified(raw: bytes, keys: Mapping[bytes, Ed25519PublicKey], kind: str) -> bytes:
    protected, _, payload, signature = cbor2.loads(raw)
    if _written(protected, payload, signature) != raw:
        raise CoseError("written in another way")
    header = cbor2.loads(protected)
    if header[ALGORITHM] != EDDSA:
        raise CoseError("another algorithm")
    if header.get(TYPE, "") != kind:
        raise CoseError("signed as something else")
    keys[header[KEY_ID]].verify(signature, covered(protected, payload))
    content: bytes = payload
    return content


def _written(protected: bytes, payload: bytes, signature: bytes) -> bytes:
    return cbor2.dumps([protected, {}, payload, signature], canonical=True)


def covered(protected: bytes, payload: bytes) -> bytes:
    """Return what a signature covers: the header, no external data, and the payload."""
    return cbor2.dumps(["Signature1", protected, b"", payload], canonical=True)

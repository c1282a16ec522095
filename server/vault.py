"""Encryption of personal values: a key per case, wrapped by the service's secret.

Destroying a case's key erases its personal values and leaves the case log's hash chain whole,
because the log hashes the ciphertext.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

NONCE_BYTES = 12
KEY_BYTES = 32


class VaultError(Exception):
    """A ciphertext that this secret, this key or this context does not open."""


class Vault:
    """Seals and opens values; holds the only copy of the derived keys."""

    def __init__(self, secret: bytes) -> None:
        """Derive the wrapping and the index key from a secret of at least 32 bytes."""
        if len(secret) < KEY_BYTES:
            raise ValueError("the secret has fewer than 32 bytes")
        self._wrapping = AESGCM(_derive(secret, b"kuayu case keys"))
        self._index_key = _derive(secret, b"kuayu blind index")

    def new_key(self, owner: str) -> str:
        """Return a fresh key for `owner` (a case id), wrapped for the database."""
        return _seal(self._wrapping, secrets.token_bytes(KEY_BYTES), owner)

    def open_key(self, wrapped: str, owner: str) -> CaseKey:
        """Return the key that `new_key` made for `owner`."""
        return CaseKey(_open(self._wrapping, wrapped, owner))

    def blind_index(self, purpose: str, value: str) -> str:
        """Return what equal values of one purpose share; nobody else can compute it."""
        text = f"{purpose}\0{value}".encode()
        return hmac.new(self._index_key, text, hashlib.sha256).hexdigest()

    def token_hash(self, token: str) -> str:
        """Return how a bearer token is kept: a copy of the database opens nothing."""
        return hashlib.sha256(token.encode()).hexdigest()


class CaseKey:
    """Seals and opens the values of one case."""

    def __init__(self, key: bytes) -> None:
        """Take 32 bytes."""
        self._cipher = AESGCM(key)
        self._nonces = _derive(key, b"kuayu nonces")

    def seal(self, value: str, context: str) -> str:
        """Return `value` as text that only this key opens, and only for the same `context`."""
        return _seal(self._cipher, value.encode(), context)

    def open(self, sealed: str, context: str) -> str:
        """Return the value, or raise VaultError."""
        return _open(self._cipher, sealed, context).decode()

    def seal_bytes(self, content: bytes, context: str) -> bytes:
        """Return bytes that only this key opens, and only for the same `context`.

        The nonce follows from content and context, so that the same again is sealed the same.
        """
        nonce = hmac.new(self._nonces, context.encode() + b"\0" + content, hashlib.sha256).digest()
        nonce = nonce[:NONCE_BYTES]
        return nonce + self._cipher.encrypt(nonce, content, context.encode())

    def open_bytes(self, sealed: bytes, context: str) -> bytes:
        """Return what `seal_bytes` sealed, or raise VaultError."""
        try:
            return self._cipher.decrypt(
                sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context.encode()
            )
        except (ValueError, InvalidTag) as error:
            raise VaultError("this ciphertext does not open") from error


def _seal(cipher: AESGCM, value: bytes, context: str) -> str:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return base64.b64encode(nonce + cipher.encrypt(nonce, value, context.encode())).decode()


def _open(cipher: AESGCM, sealed: str, context: str) -> bytes:
    try:
        raw = base64.b64decode(sealed, validate=True)
        return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], context.encode())
    except (ValueError, InvalidTag) as error:
        raise VaultError("this ciphertext does not open") from error


def _derive(secret: bytes, purpose: bytes) -> bytes:
    # Expand alone is right for a secret that is already uniformly random (RFC 5869, 3.3).
    return HKDFExpand(algorithm=SHA256(), length=KEY_BYTES, info=purpose).derive(secret)

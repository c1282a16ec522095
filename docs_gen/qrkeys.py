"""The keys that QR codes are signed with: one in use, and the public keys of those before it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from docs_gen.keyfiles import KeyFolderError, read_secret, write

KEY_ID_BYTES = 8


@dataclass(frozen=True, slots=True)
class QrKey:
    """A public key of QR codes; what was signed with it stays genuine after it was rotated."""

    id: bytes
    public: bytes
    made_at: datetime | None


def load_qr_key(folder: Path, passphrase: str) -> Ed25519PrivateKey:
    """Return the key that QR codes are signed with."""
    path = folder / "qr.pem"
    try:
        key = serialization.load_pem_private_key(read_secret(path), passphrase.encode())
    except (ValueError, TypeError) as error:
        raise KeyFolderError(f"{path}: {error}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFolderError(f"{path}: expected an Ed25519 key")
    return key


def new_qr_key(folder: Path, now: datetime, passphrase: str) -> Ed25519PrivateKey:
    """Make the next key of QR codes, and note its public key beside those before it.

    It is put to use by `keep_qr_key`, after the trust list has it: nothing that it signs is then
    unknown to anybody, however early.
    """
    there = (folder / "qr.pem").exists()
    known = qr_keys(folder, passphrase) if there else _noted(folder)
    key = Ed25519PrivateKey.generate()
    public = key.public_key()
    known.append(QrKey(qr_key_id(public), public.public_bytes_raw(), now))
    _note(folder, known)
    return key


def keep_qr_key(folder: Path, key: Ed25519PrivateKey, passphrase: str) -> None:
    """Put a key to use; the one before is destroyed with its file."""
    content = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase.encode()),
    )
    write(folder / "qr.pem", content, replace=True)


def forget_qr_key(folder: Path, key_id: bytes, passphrase: str) -> None:
    """Take an earlier key from the list: what it signed is genuine no more.

    KeyFolderError for the current one, which is rotated first, and for one that is not known.
    """
    known = qr_keys(folder, passphrase)
    if key_id == qr_key_id(load_qr_key(folder, passphrase).public_key()):
        raise KeyFolderError(f"QR key {key_id.hex()} is in use: rotate it first")
    if key_id not in {one.id for one in known}:
        raise KeyFolderError(f"QR key {key_id.hex()} is not known here")
    _note(folder, [one for one in known if one.id != key_id])


def qr_keys(folder: Path, passphrase: str) -> list[QrKey]:
    """Return the public keys of QR codes, those that were rotated included."""
    known = _noted(folder)
    current = load_qr_key(folder, passphrase).public_key()
    if qr_key_id(current) not in {one.id for one in known}:
        # A folder from before keys were rotated, or one whose qr.pem was put back.
        known.append(QrKey(qr_key_id(current), current.public_bytes_raw(), None))
    return known


def qr_key_id(key: Ed25519PublicKey) -> bytes:
    """Return what a QR code names its key by: the start of the public key's SHA-256."""
    return hashlib.sha256(key.public_bytes_raw()).digest()[:KEY_ID_BYTES]


def _noted(folder: Path) -> list[QrKey]:
    path = folder / "qr.json"
    if not path.exists():
        return []
    try:
        return [
            QrKey(
                qr_key_id(Ed25519PublicKey.from_public_bytes(base64.b64decode(one["key"]))),
                base64.b64decode(one["key"]),
                None if one["made_at"] is None else datetime.fromisoformat(one["made_at"]),
            )
            for one in json.loads(path.read_text())
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KeyFolderError(f"{path}: {error}") from None


def _note(folder: Path, known: Sequence[QrKey]) -> None:
    listed = [
        {
            "key": base64.b64encode(one.public).decode(),
            "made_at": None if one.made_at is None else one.made_at.isoformat(),
        }
        for one in known
    ]
    write(folder / "qr.json", json.dumps(listed, indent=1).encode(), replace=True)

"""Status lists: what the register says of every certificate of an issuer and year, signed.

Who has no network holds a list against a QR code: the certificate's number contains its issuer,
year and serial, and the serial is its place in the list. Two bits a certificate, four in a byte,
the lowest bits first (as IETF's Token Status List packs them), zlib over it, COSE_Sign1 with the
Ed25519 keys of the QR codes around it. A list says its version, which only ever rises, and when it
runs out; an old list must lead to "cannot tell", for it cannot know what was revoked since.
"""

from __future__ import annotations

import enum
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from docs_gen import cose
from docs_gen.numbers import is_identifier, issuer_code

KIND = "application/kuayu-status-list+cbor"
LIVES = timedelta(days=7)
# Clocks differ: a list that is a little ahead of ours is no forgery.
AHEAD = timedelta(minutes=5)
MOST = 10_000_000  # Serials have seven digits.
BITS, IN_BYTE = 2, 4
ISSUER, YEAR, VERSION, ISSUED_AT, EXPIRES_AT, LENGTH, BITMAP = range(-1, -8, -1)
SERIAL_PART, YEAR_DIGITS, SERIAL_LENGTH = 7, 4, 11


class Status(enum.IntEnum):
    """How a certificate stands; the numbers are the bits of the list."""

    NOT_ISSUED = 0
    VALID = 1
    REVOKED = 2
    SUPERSEDED = 3


class StatusListError(Exception):
    """A list that must not be relied on; says why: signature, expired, older, malformed, other."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a certificate stands: in whose list of which year, and at which place of it."""

    issuer_code: str
    year: int
    serial: int


@dataclass(frozen=True, slots=True)
class StatusList:
    """One issuer's certificates of one year; `bitmap` has `length` places, the first for 0."""

    issuer_code: str
    year: int
    version: int
    issued_at: datetime
    expires_at: datetime
    length: int
    bitmap: bytes

    def status(self, place: Place) -> Status:
        """Return how a certificate stands; StatusListError if it belongs to another list."""
        if (place.issuer_code, place.year) != (self.issuer_code, self.year):
            raise StatusListError("other")
        if not 0 < place.serial < self.length:
            return Status.NOT_ISSUED
        byte, slot = divmod(place.serial, IN_BYTE)
        return Status(self.bitmap[byte] >> (slot * BITS) & 0b11)


def place_of(number: str) -> Place:
    """Return where the certificate of a number stands; ValueError for what is no number of ours."""
    parts = number.split(".")
    if not is_identifier(number) or len(parts[SERIAL_PART]) != SERIAL_LENGTH:
        raise ValueError("not a certificate's number")
    text = parts[SERIAL_PART]
    return Place(issuer_code(number), int(text[:YEAR_DIGITS]), int(text[YEAR_DIGITS:]))


def make(
    issuer_code: str, year: int, version: int, now: datetime,
    statuses: Iterable[tuple[int, Status]],
) -> StatusList:  # fmt: skip
    """Return the list of these (serial, status) pairs; what it does not name is not issued.

    ValueError for a serial that is not from 1 to 9,999,999.
    """
    known = dict(statuses)
    length = max(known, default=0) + 1
    if length > MOST or min(known, default=1) < 1:
        raise ValueError("a serial that no certificate can have")
    bitmap = bytearray(_bytes_for(length))
    for serial, status in known.items():
        byte, slot = divmod(serial, IN_BYTE)
        bitmap[byte] |= status << (slot * BITS)
    issued_at = now.astimezone(UTC).replace(microsecond=0)
    expires_at = issued_at + LIVES
    return StatusList(issuer_code, year, version, issued_at, expires_at, length, bytes(bitmap))


def encode(one: StatusList, key: Ed25519PrivateKey, key_id: bytes) -> bytes:
    """Return a list as signed bytes; the same list and key give the same bytes."""
    payload = {
        ISSUER: one.issuer_code,
        YEAR: one.year,
        VERSION: one.version,
        ISSUED_AT: int(one.issued_at.timestamp()),
        EXPIRES_AT: int(one.expires_at.timestamp()),
        LENGTH: one.length,
        BITMAP: zlib.compress(one.bitmap, 9),
    }
    return cose.sign(cbor2.dumps(payload, canonical=True), key, key_id, kind=KIND)


def read(
    raw: bytes, keys: Mapping[bytes, Ed25519PublicKey], now: datetime, *, at_least: int = 0
) -> StatusList:
    """Return a list that counts now; StatusListError says why one does not.

    `signature`: none of `keys` signed it as a status list. `expired`: it has run out, or comes
    from the future. `older`: its version is below `at_least`, the highest one that the reader has
    seen. `malformed`: signed, and yet no whole bitmap.
    """
    try:
        payload = cose.payload_of(raw, keys, kind=KIND)
    except cose.CoseError:
        raise StatusListError("signature") from None
    try:
        found = _opened(cbor2.loads(payload))
    except Exception:  # noqa: BLE001 (whatever a wrong payload leads cbor2 and zlib to)
        raise StatusListError("malformed") from None
    if not found.issued_at - AHEAD <= now < found.expires_at:
        raise StatusListError("expired")
    if found.version < at_least:
        raise StatusListError("older")
    return found


def _opened(said: Mapping[int, object]) -> StatusList:
    """Return what a payload says; any exception if it is not the payload of a whole list."""
    issuer_code, packed = said[ISSUER], said[BITMAP]
    numbers = [said[name] for name in (YEAR, VERSION, ISSUED_AT, EXPIRES_AT, LENGTH)]
    year, version, issued_at, expires_at, length = (n for n in numbers if type(n) is int)
    if not isinstance(issuer_code, str) or not isinstance(packed, bytes):
        raise TypeError
    if not 0 < length <= MOST or version < 1 or len(said) != len(numbers) + 2:
        raise ValueError
    return StatusList(
        issuer_code=issuer_code,
        year=year,
        version=version,
        issued_at=datetime.fromtimestamp(issued_at, UTC),
        expires_at=datetime.fromtimestamp(expires_at, UTC),
        length=length,
        bitmap=_unpacked(packed, length),
    )


def _unpacked(packed: bytes, length: int) -> bytes:
    """Unpack exactly so many places, never more: what is signed may still be a bomb."""
    size = _bytes_for(length)
    unpacker = zlib.decompressobj()
    bitmap = unpacker.decompress(packed, size + 1)
    if len(bitmap) != size or not unpacker.eof or unpacker.unused_data:
        raise ValueError
    beyond = size * IN_BYTE - length
    if beyond and bitmap[-1] >> (8 - beyond * BITS):
        raise ValueError
    return bitmap


def _bytes_for(length: int) -> int:
    return -(-length // IN_BYTE)

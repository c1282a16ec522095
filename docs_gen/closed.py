"""CAs that count for named seals alone.

A licensed CA certifies many: of its customers only those whose seals an operator has imported, or
has in a token, are ours. `imported/*.cer` of a key folder are these seals, kept also when others
took their place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from docs_gen.ca import IsIssuedBy
from docs_gen.keyfiles import DER, read_certificate, write


@dataclass(frozen=True, slots=True)
class Closed:
    """The closed CAs and the seals for which they count, by the SHA-256 of their certificates."""

    cas: tuple[bytes, ...] = ()
    seals: tuple[bytes, ...] = ()

    def admits(self, certificate: x509.Certificate, issuers: Iterable[x509.Certificate]) -> bool:
        """Say whether a certificate counts that these CAs signed: by an open one, or as named."""
        return set(map(digest, issuers)).isdisjoint(self.cas) or digest(certificate) in self.seals


def digest(certificate: x509.Certificate) -> bytes:
    """Return the SHA-256 of a certificate."""
    return hashlib.sha256(certificate.public_bytes(DER)).digest()


def keep_imported(part: Path, authority: str, seal: x509.Certificate) -> None:
    """Note a seal as imported; before its CAs are: without it they count for all they certified."""
    path = part / "imported" / f"{authority}.{seal.serial_number:x}.cer"
    write(path, seal.public_bytes(DER), replace=True)


def close_cas(part: Path, others: Sequence[x509.Certificate], is_issued_by: IsIssuedBy) -> Closed:
    """Close all of these CAs that are above an imported seal."""
    seals = [read_certificate(path) for path in sorted(part.glob("imported/*.cer"))]
    found: list[x509.Certificate] = []
    below = seals
    while below:
        above = [ca for ca in others if any(is_issued_by(one, ca) for one in below)]
        below = [ca for ca in above if ca not in found]
        found += below
    return Closed(tuple(map(digest, found)), tuple(map(digest, seals)))

"""Whom a verifier trusts, and the list of it that a key folder keeps for its own service."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from docs_gen.ca import CLOCK_SLACK, is_issued_by, is_signed_by
from docs_gen.clocks import Clocks
from docs_gen.closed import Closed
from docs_gen.keyfiles import KeyFolderError
from docs_gen.sm2chain import Sm2Trust

# The list for the folder's own service, and as anybody gets it from there, signed.
TRUST, PUBLISHED = "trust.json", "trust.cose"


@dataclass(frozen=True, slots=True)
class TrustList:
    """Whom a verifier trusts, and who was revoked; DER bytes, so that it crosses processes.

    `version` grows from list to list of an operator. A list of one's own folder has no end of its
    own: only its CRLs do.
    """

    roots: tuple[bytes, ...]
    intermediates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    qr_keys: tuple[tuple[bytes, bytes], ...]
    version: int = 0
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    clocks: Clocks = field(default_factory=Clocks)
    sm2: Sm2Trust = field(default_factory=Sm2Trust)
    closed: Closed = field(default_factory=Closed)

    def is_fresh(self, now: datetime) -> bool:
        """Say whether what this list says may still be taken for the whole truth."""
        if self.expires_at is None:
            return True
        begun = self.issued_at is None or self.issued_at <= now + CLOCK_SLACK
        return begun and now < self.expires_at

    def public_keys(self) -> dict[bytes, Ed25519PublicKey]:
        """Return the keys that QR codes are signed with, by key id."""
        return {key_id: Ed25519PublicKey.from_public_bytes(raw) for key_id, raw in self.qr_keys}

    def issued(self, certificate: bytes) -> bool:
        """Say whether a CA of ours signed a certificate (DER); not whether it still counts.

        One that a closed CA signed is ours only if it is named itself.
        """
        try:
            one = x509.load_der_x509_certificate(certificate)
        except ValueError:
            return False
        issuers = self._issuers_of(one)
        return bool(issuers) and self.closed.admits(one, issuers)

    def is_chain(self, certificate: bytes, cas: Collection[bytes]) -> bool:
        """Say whether these CAs (DER) are all of ours between a certificate and its root."""
        if not set(self.intermediates).issuperset(cas):
            return False
        left = list(map(x509.load_der_x509_certificate, cas))
        current = x509.load_der_x509_certificate(certificate)
        while left:
            above = next((ca for ca in left if is_issued_by(current, ca)), None)
            if above is None:
                return False
            left.remove(above)
            current = above
        roots = map(x509.load_der_x509_certificate, self.roots)
        return any(is_issued_by(current, root) for root in roots)

    def is_current(self, certificate: bytes, now: datetime) -> bool:
        """Say whether the CA that issued a certificate (DER) has a CRL that counts at an instant.

        Only that CA's own: pyHanko takes the CRL of a CA beside it for one of an indirect issuer.
        """
        ca = next(iter(self._issuers_of(x509.load_der_x509_certificate(certificate))), None)
        return ca is not None and any(
            is_signed_by(crl, ca)
            and crl.next_update_utc is not None
            and crl.last_update_utc <= now + CLOCK_SLACK
            and now < crl.next_update_utc
            for crl in map(x509.load_der_x509_crl, self.crls)
        )

    def _issuers_of(self, certificate: x509.Certificate) -> list[x509.Certificate]:
        ours = map(x509.load_der_x509_certificate, (*self.intermediates, *self.roots))
        return [ca for ca in ours if is_issued_by(certificate, ca)]


def load_trust(folder: Path) -> TrustList:
    """Return the trust list of a key folder, or of a folder that holds nothing else."""
    path = folder / TRUST
    try:
        data = json.loads(path.read_text())
        # Lists from before there were versions, clocks, SM2 or closed CAs have none.
        clocks = data.get("clocks", {"certificates": [], "crls": []})
        second = data.get("sm2", {"roots": [], "intermediates": [], "crls": []})
        return TrustList(
            roots=_ders(data["roots"]),
            intermediates=_ders(data["intermediates"]),
            crls=_ders(data["crls"]),
            qr_keys=tuple(
                (bytes.fromhex(entry["id"]), base64.b64decode(entry["key"]))
                for entry in data["qr_keys"]
            ),
            clocks=Clocks(_ders(clocks["certificates"]), _ders(clocks["crls"])),
            version=int(data.get("version", 0)),
            sm2=Sm2Trust(
                _ders(second["roots"]),
                _ders(second["intermediates"]),
                _ders(second["crls"]),
                _closed(second),
            ),
            closed=_closed(data),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise KeyFolderError(f"{path}: {error}") from None


def trust_text(trust: TrustList) -> bytes:
    """Return what `load_trust` reads."""
    said = {
        "version": trust.version,
        "roots": [_text(one) for one in trust.roots],
        "intermediates": [_text(one) for one in trust.intermediates],
        "crls": [_text(one) for one in trust.crls],
        "qr_keys": [{"id": one.hex(), "key": _text(key)} for one, key in trust.qr_keys],
        "clocks": {
            "certificates": [_text(one) for one in trust.clocks.certificates],
            "crls": [_text(one) for one in trust.clocks.crls],
        },
        "sm2": {
            "roots": [_text(one) for one in trust.sm2.roots],
            "intermediates": [_text(one) for one in trust.sm2.intermediates],
            "crls": [_text(one) for one in trust.sm2.crls],
            "closed": _closed_text(trust.sm2.closed),
        },
        "closed": _closed_text(trust.closed),
    }
    return json.dumps(said, indent=1).encode()


def _ders(said: Iterable[str]) -> tuple[bytes, ...]:
    return tuple(map(base64.b64decode, said))


def _closed(said: Mapping[str, Mapping[str, list[str]]]) -> Closed:
    found = said.get("closed", {"cas": [], "seals": []})
    return Closed(*(tuple(map(bytes.fromhex, found[name])) for name in ("cas", "seals")))


def _closed_text(closed: Closed) -> dict[str, list[str]]:
    return {
        "cas": [one.hex() for one in closed.cas],
        "seals": [one.hex() for one in closed.seals],
    }


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()

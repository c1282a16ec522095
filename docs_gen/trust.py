"""Keys and whom we trust: root → one CA per jurisdiction → one seal certificate per authority.

A key folder holds the demonstration's own CAs as `root.p12` and `ca/<region>.p12`, the
authorities' keys as `seals/<authority>.p12`, what other operators publish as `trusted/*.cer` and
`trusted/*.crl`, `qr.pem`, `revoked.json` and `trust.json`. Verifying needs `trust.json` alone: the
CAs' certificates, their CRLs, and the public keys that QR codes are signed with.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from docs_gen.ca import (
    CLOCK_SLACK,
    DEMO_MARK,
    Pair,
    Revoked,
    is_demo,
    is_issued_by,
    is_signed_by,
    leads_to_root,
    make_ca,
    make_crl,
    make_seal,
)
from docs_gen.data import Issuer
from docs_gen.keyfiles import (
    DER,
    KeyFolderError,
    open_content,
    open_pkcs12,
    parse_crl,
    read_certificate,
    read_crl,
    save_pair,
    write,
)

__all__ = [
    "KeyFolderError",
    "TrustList",
    "create_demo",
    "import_crl",
    "import_seal",
    "is_demo",
    "load_qr_key",
    "load_trust",
    "qr_key_id",
    "renew_crls",
    "revoke_seal",
]

KEY_ID_BYTES = 8


@dataclass(frozen=True, slots=True)
class TrustList:
    """Whom a verifier trusts, and who was revoked; DER bytes, so that it crosses processes."""

    roots: tuple[bytes, ...]
    intermediates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    qr_keys: tuple[tuple[bytes, bytes], ...]

    def public_keys(self) -> dict[bytes, Ed25519PublicKey]:
        """Return the keys that QR codes are signed with, by key id."""
        return {key_id: Ed25519PublicKey.from_public_bytes(raw) for key_id, raw in self.qr_keys}

    def issued(self, certificate: bytes) -> bool:
        """Say whether a CA of ours signed a certificate (DER); not whether it still counts."""
        try:
            one = x509.load_der_x509_certificate(certificate)
        except ValueError:
            return False
        return self._issuer_of(one) is not None

    def is_current(self, certificate: bytes, now: datetime) -> bool:
        """Say whether the CA that issued a certificate (DER) has a CRL that counts at an instant.

        Only that CA's own: pyHanko takes the CRL of a CA beside it for one of an indirect issuer.
        """
        ca = self._issuer_of(x509.load_der_x509_certificate(certificate))
        return ca is not None and any(
            is_signed_by(crl, ca)
            and crl.next_update_utc is not None
            and crl.last_update_utc <= now + CLOCK_SLACK
            and now < crl.next_update_utc
            for crl in map(x509.load_der_x509_crl, self.crls)
        )

    def _issuer_of(self, certificate: x509.Certificate) -> x509.Certificate | None:
        ours = map(x509.load_der_x509_certificate, (*self.intermediates, *self.roots))
        return next((ca for ca in ours if is_issued_by(certificate, ca)), None)


def create_demo(
    folder: Path, issuers: Sequence[tuple[str, Issuer]], now: datetime, passphrase: str
) -> None:
    """Make what is missing of a demo key folder for these (authority id, issuer) pairs.

    Every subject says 演示. Keys that are there already stay.
    """
    secret = passphrase.encode()
    root = _open_or_make(folder / "root.p12", secret, "跨域演示根证书", None, now)
    for region in sorted({issuer.region for _, issuer in issuers}):
        name = f"跨域演示签发机构 {region}"
        _open_or_make(folder / "ca" / f"{region}.p12", secret, name, root, now)
    for authority, issuer in issuers:
        path = folder / "seals" / f"{authority}.p12"
        if not path.exists():
            ca, _ = open_pkcs12(folder / "ca" / f"{issuer.region}.p12", secret)
            seal = make_seal(f"{issuer.seal_text}（{DEMO_MARK}）", issuer.code, ca, now)
            save_pair(path, seal, [ca.certificate, root.certificate], secret)
    renew_crls(folder, now, passphrase)


def renew_crls(folder: Path, now: datetime, passphrase: str) -> None:
    """Issue our own CAs' CRLs anew, and write `trust.json` with them and what others publish.

    Ours count for seven days; of the others' the ones in `trusted/` are taken as they are.
    """
    secret = passphrase.encode()
    paths = [path for path in (folder / "root.p12",) if path.exists()]
    own = [open_pkcs12(path, secret)[0] for path in (*paths, *sorted(folder.glob("ca/*.p12")))]
    others = [read_certificate(path) for path in sorted(folder.glob("trusted/*.cer"))]
    cas = [*(pair.certificate for pair in own), *others]
    revoked = _read_revoked(folder)
    crls = [make_crl(pair, revoked, now).public_bytes(DER) for pair in own]
    crls += [read_crl(path) for path in sorted(folder.glob("trusted/*.crl"))]
    roots = [ca for ca in cas if is_issued_by(ca, ca)]
    trust = {
        "roots": [_text(ca.public_bytes(DER)) for ca in roots],
        "intermediates": [_text(ca.public_bytes(DER)) for ca in cas if ca not in roots],
        "crls": [_text(crl) for crl in crls],
        "qr_keys": [_qr_entry(_open_or_make_qr_key(folder, passphrase).public_key())],
    }
    write(folder / "trust.json", json.dumps(trust, indent=1).encode(), replace=True)


def revoke_seal(folder: Path, authority: str, now: datetime, passphrase: str) -> None:
    """Revoke the seal certificate that one of our own CAs issued; its key is laid aside.

    All that it ever signed counts as revoked from now on: without a time-stamp nothing shows what
    was signed before. KeyFolderError if another operator's CA issued it.
    """
    path = folder / "seals" / f"{authority}.p12"
    seal = open_pkcs12(path, passphrase.encode())[0].certificate
    own = [open_pkcs12(one, passphrase.encode())[0] for one in sorted(folder.glob("ca/*.p12"))]
    if not any(is_issued_by(seal, ca.certificate) for ca in own):
        raise KeyFolderError(f"{authority}: its own CA revokes it")
    entries = [
        *_read_revoked(folder),
        Revoked(seal.issuer.rfc4514_string(), seal.serial_number, now),
    ]
    listed = [
        {"issuer": one.issuer, "serial": f"{one.serial:x}", "at": one.at.isoformat()}
        for one in entries
    ]
    # The list first: a key that is laid aside and not listed would still count.
    write(folder / "revoked.json", json.dumps(listed, indent=1).encode(), replace=True)
    renew_crls(folder, now, passphrase)
    aside = folder / "revoked" / f"{authority}-{seal.serial_number:x}.p12"
    aside.parent.mkdir(exist_ok=True, mode=0o700)
    path.replace(aside)


def import_seal(
    folder: Path, authority: str, content: bytes, given: str, passphrase: str,
    *, now: datetime | None = None,
) -> str:  # fmt: skip
    """Put a PKCS#12 file into a key folder under an authority; return its subject.

    KeyFolderError if it does not open, holds no P-256 key that may sign documents, or comes
    without its chain up to the root. The chain's CAs join the trust list; their operator's CRLs
    come by `import_crl`, and until they are there nothing that this key signs is found genuine.
    """
    pair, chain = open_content("the PKCS#12 file", content, given.encode())
    if not leads_to_root(pair.certificate, chain):
        raise KeyFolderError("expected the certificate with its chain of CAs up to the root")
    if not _may_sign(pair.certificate):
        raise KeyFolderError("expected a certificate whose key usage is nonRepudiation")
    for ca in chain:
        name = hashlib.sha256(ca.public_bytes(DER)).hexdigest()
        write(folder / "trusted" / f"{name}.cer", ca.public_bytes(DER), replace=True)
    path = folder / "seals" / f"{authority}.p12"
    save_pair(path, pair, chain, passphrase.encode(), replace=True)
    renew_crls(folder, now or datetime.now(UTC), passphrase)
    return pair.certificate.subject.rfc4514_string()


def import_crl(folder: Path, content: bytes, passphrase: str, now: datetime | None = None) -> str:
    """Put another operator's CRL (DER or PEM) into the trust list; return its issuer.

    It takes the place of that CA's last one. KeyFolderError if no CA of `trusted/` signed it, or
    if it is older than the one that is there.
    """
    crl = parse_crl(content)
    cas = [read_certificate(path) for path in sorted(folder.glob("trusted/*.cer"))]
    signer = next((ca for ca in cas if is_signed_by(crl, ca)), None)
    if signer is None:
        raise KeyFolderError("no CA of the trust list signed this CRL")
    name = hashlib.sha256(signer.public_bytes(DER)).hexdigest()
    path = folder / "trusted" / f"{name}.crl"
    if path.exists():
        last = x509.load_der_x509_crl(read_crl(path))
        if crl.last_update_utc < last.last_update_utc:
            raise KeyFolderError("the CRL that is there is newer")
    write(path, crl.public_bytes(DER), replace=True)
    renew_crls(folder, now or datetime.now(UTC), passphrase)
    return crl.issuer.rfc4514_string()


def load_trust(folder: Path) -> TrustList:
    """Return the trust list of a key folder, or of a folder that holds nothing else."""
    path = folder / "trust.json"
    try:
        data = json.loads(path.read_text())
        return TrustList(
            roots=tuple(base64.b64decode(der) for der in data["roots"]),
            intermediates=tuple(base64.b64decode(der) for der in data["intermediates"]),
            crls=tuple(base64.b64decode(der) for der in data["crls"]),
            qr_keys=tuple(
                (bytes.fromhex(entry["id"]), base64.b64decode(entry["key"]))
                for entry in data["qr_keys"]
            ),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KeyFolderError(f"{path}: {error}") from None


def load_qr_key(folder: Path, passphrase: str) -> Ed25519PrivateKey:
    """Return the key that QR codes are signed with."""
    path = folder / "qr.pem"
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), passphrase.encode())
    except (OSError, ValueError, TypeError) as error:
        raise KeyFolderError(f"{path}: {error}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFolderError(f"{path}: expected an Ed25519 key")
    return key


def qr_key_id(key: Ed25519PublicKey) -> bytes:
    """Return what a QR code names its key by: the start of the public key's SHA-256."""
    return hashlib.sha256(key.public_bytes_raw()).digest()[:KEY_ID_BYTES]


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return usage.content_commitment


def _open_or_make(path: Path, secret: bytes, name: str, above: Pair | None, now: datetime) -> Pair:
    if path.exists():
        return open_pkcs12(path, secret)[0]
    pair = make_ca(name, above, now)
    save_pair(path, pair, [above.certificate] if above else [], secret)
    return pair


def _open_or_make_qr_key(folder: Path, passphrase: str) -> Ed25519PrivateKey:
    path = folder / "qr.pem"
    if not path.exists():
        content = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(passphrase.encode()),
        )
        write(path, content)
    return load_qr_key(folder, passphrase)


def _read_revoked(folder: Path) -> list[Revoked]:
    path = folder / "revoked.json"
    if not path.exists():
        return []
    try:
        return [
            Revoked(one["issuer"], int(one["serial"], 16), datetime.fromisoformat(one["at"]))
            for one in json.loads(path.read_text())
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KeyFolderError(f"{path}: {error}") from None


def _qr_entry(key: Ed25519PublicKey) -> dict[str, str]:
    return {"id": qr_key_id(key).hex(), "key": _text(key.public_bytes_raw())}


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()

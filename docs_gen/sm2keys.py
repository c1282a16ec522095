"""The SM2 seals of a key folder: its part `sm2`, beside the P-256 seals.

`root.pem` is the operator's own root with its key, `seals/<authority>.pem` the authorities' keys,
each encrypted (PKCS#8) with its certificate and the CAs above it; `issued/*.cer`,
`imported/*.cer`, `trusted/*` and `revoked.json` are what they are beside it. An own root certifies
seals directly: it shows how it goes, and keys that are to count come from a licensed CA.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from docs_gen import sm2
from docs_gen.ca import operator_of
from docs_gen.closed import close_cas
from docs_gen.data import Issuer
from docs_gen.keyfiles import (
    DER,
    KeyFolderError,
    open_pkcs12,
    parse_crl,
    read_certificate,
    read_crl,
    read_secret,
    write,
)
from docs_gen.sealkeys import seal_names
from docs_gen.sm2certs import (
    Sm2Pair,
    is_issued_by,
    is_signed_by,
    make_root,
    make_seal,
    point_in,
)
from docs_gen.sm2chain import Sm2Trust
from docs_gen.sm2signing import Sm2Seal

PART: Final = "sm2"
KEY_BEGINS: Final = b"-----BEGIN"


def seal_files(folder: Path) -> dict[str, Path]:
    """Return what holds each authority's SM2 key."""
    return {path.stem: path for path in sorted((folder / PART / "seals").glob("*.pem"))}


def load_seals(folder: Path, passphrase: str) -> dict[str, Sm2Seal]:
    """Open the SM2 key of every authority that has one; Sm2MissingError without SM2 here."""
    found = seal_files(folder)
    if found:
        sm2.require()
    return {name: open_seal(path, passphrase) for name, path in found.items()}


def open_seal(path: Path, passphrase: str) -> Sm2Seal:
    """Open a key's file; KeyFolderError names it if it does not open or is open to others."""
    try:
        return seal_of(read_secret(path), passphrase)
    except sm2.Sm2MissingError:
        raise
    except sm2.Sm2Error as error:
        raise KeyFolderError(f"{path}: {error}") from None


def seal_of(content: bytes, passphrase: str) -> Sm2Seal:
    """Return the key that PEM or PKCS#12 holds, with its certificate and those above it."""
    if content.lstrip().startswith(KEY_BEGINS):
        key = sm2.PrivateKey.open(content, passphrase.encode())
        found = _certificates(content)
    else:
        key, one, others = sm2.open_pkcs12(content, passphrase.encode())
        found = [x509.load_der_x509_certificate(der) for der in (one, *others)]
    if not found or point_in(found[0]) != key.point:
        raise sm2.Sm2Error("expected the certificate of its key first")
    return Sm2Seal(key, found[0], tuple(found[1:]))


def certificates_of(path: Path) -> list[x509.Certificate]:
    """Return the certificates in a key's file; the key stays shut."""
    try:
        return _certificates(read_secret(path))
    except sm2.Sm2Error as error:
        raise KeyFolderError(f"{path}: {error}") from None


def save_seal(path: Path, seal: Sm2Seal, passphrase: str, *, replace: bool = False) -> None:
    """Write a key's file, encrypted; KeyFolderError if it is there already, unless `replace`."""
    pem = serialization.Encoding.PEM
    content = seal.key.seal(passphrase.encode())
    content += b"".join(one.public_bytes(pem) for one in (seal.certificate, *seal.chain))
    write(path, content, replace=replace)


def make_demo(
    folder: Path, issuers: Sequence[tuple[str, Issuer]], now: datetime, passphrase: str
) -> None:
    """Make what is missing of the demonstration's SM2 keys; every subject says 演示."""
    there = seal_files(folder)
    for authority, issuer in issuers:
        if authority not in there:
            add_seal(folder, authority, issuer, now, passphrase)


def add_seal(
    folder: Path, authority: str, issuer: Issuer, now: datetime, passphrase: str
) -> x509.Certificate:
    """Make an authority's SM2 seal, and at first the root; who calls it has the folder's lock."""
    root = _root(folder, issuer, now, passphrase)
    name, organization = seal_names(authority, issuer, root.certificate)
    made = make_seal(name, issuer.code, root, now, organization=organization)
    path = folder / PART / "seals" / f"{authority}.pem"
    seal = Sm2Seal(made.key, made.certificate, (root.certificate,))
    save_seal(path, seal, passphrase, replace=True)
    return made.certificate


def own_root(folder: Path, passphrase: str) -> Sm2Pair | None:
    """Return the folder's own SM2 root with its key, if it has one."""
    path = folder / PART / "root.pem"
    if not path.exists():
        return None
    sm2.require()
    seal = open_seal(path, passphrase)
    return Sm2Pair(seal.certificate, seal.key)


def _root(folder: Path, issuer: Issuer, now: datetime, passphrase: str) -> Sm2Pair:
    known = own_root(folder, passphrase)
    if known is not None:
        return known
    above = folder / "ca" / f"{issuer.region}.p12"
    if not above.exists():
        raise KeyFolderError(f"{above} is missing: `kuayu keys init` makes it")
    operator = operator_of(open_pkcs12(above, passphrase.encode())[0].certificate)
    sm2.require()
    made = make_root(f"{operator}国密根证书", now, operator)
    save_seal(folder / PART / "root.pem", Sm2Seal(made.key, made.certificate), passphrase)
    return made


def gather_trust(folder: Path, own: Sm2Pair | None, crl: bytes | None) -> Sm2Trust:
    """Return whose SM2 signatures count: the own root with its CRL, and what others publish."""
    part = folder / PART
    others = [read_certificate(path) for path in sorted(part.glob("trusted/*.cer"))]
    cas = list(dict.fromkeys([*([own.certificate] if own else []), *others]))
    roots = [ca for ca in cas if is_issued_by(ca, ca)]
    return Sm2Trust(
        roots=tuple(ca.public_bytes(DER) for ca in roots),
        intermediates=tuple(ca.public_bytes(DER) for ca in cas if ca not in roots),
        crls=(
            *([crl] if crl else []),
            *(read_crl(path) for path in sorted(part.glob("trusted/*.crl"))),
        ),
        closed=close_cas(
            part, [ca for ca in others if not own or ca != own.certificate], is_issued_by
        ),
    )


def signer_of(folder: Path, content: bytes) -> tuple[x509.CertificateRevocationList, Path] | None:
    """Return another operator's SM2 CRL and the file of the CA that signed it; None if none did."""
    crl = parse_crl(content)
    for path in sorted((folder / PART).glob("trusted/*.cer")):
        if is_signed_by(crl, read_certificate(path)):
            return crl, path
    return None


def _certificates(pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise sm2.Sm2Error(str(error)) from None

"""The files of a key folder: PKCS#12, certificates and CRLs; only their owner may read them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12

from docs_gen.ca import Pair

DER = serialization.Encoding.DER


class KeyFolderError(Exception):
    """A key folder that cannot be used; says what is missing or wrong."""


def open_pkcs12(path: Path, secret: bytes) -> tuple[Pair, list[x509.Certificate]]:
    """Return a PKCS#12 file's pair and the CAs above it.

    KeyFolderError names the file if it does not open, or holds anything but a P-256 key with its
    own certificate.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise KeyFolderError(f"{path}: {error}") from None
    return open_content(str(path), content, secret)


def open_content(name: str, content: bytes, secret: bytes) -> tuple[Pair, list[x509.Certificate]]:
    """Return what a PKCS#12 file of this content holds; see `open_pkcs12`."""
    try:
        key, certificate, chain = pkcs12.load_key_and_certificates(content, secret)
    except ValueError as error:
        raise KeyFolderError(f"{name}: {error}") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyFolderError(f"{name}: expected an ECDSA P-256 key")
    if certificate is None or certificate.public_key() != key.public_key():
        raise KeyFolderError(f"{name}: expected the certificate of its key")
    return Pair(certificate, key), list(chain)


def read_certificate(path: Path) -> x509.Certificate:
    """Return a certificate kept as DER; KeyFolderError names a file that is none."""
    try:
        return x509.load_der_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise KeyFolderError(f"{path}: {error}") from None


def read_crl(path: Path) -> bytes:
    """Return a CRL as DER; who fetches it may leave it as PEM."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise KeyFolderError(f"{path}: {error}") from None
    return parse_crl(content, str(path)).public_bytes(DER)


def parse_crl(content: bytes, name: str = "the CRL") -> x509.CertificateRevocationList:
    """Return a CRL of DER or PEM; KeyFolderError if it is none."""
    pem = content.lstrip().startswith(b"-----BEGIN")
    try:
        return x509.load_pem_x509_crl(content) if pem else x509.load_der_x509_crl(content)
    except ValueError as error:
        raise KeyFolderError(f"{name}: {error}") from None


def save_pair(
    path: Path, pair: Pair, chain: Sequence[x509.Certificate], secret: bytes, *,
    replace: bool = False,
) -> None:  # fmt: skip
    """Write a PKCS#12 file; KeyFolderError if it is there already, unless `replace`."""
    encryption = serialization.BestAvailableEncryption(secret)
    content = pkcs12.serialize_key_and_certificates(
        None, pair.key, pair.certificate, list(chain), encryption
    )
    write(path, content, replace=replace)


def write(path: Path, content: bytes, *, replace: bool = False) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists() and not replace:
        raise KeyFolderError(f"{path} is there already")
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)

"""The files of a key folder: PKCS#12, certificates and CRLs; only their owner may read them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import overload

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import (
    CertificatePublicKeyTypes,
    PrivateKeyTypes,
)
from cryptography.hazmat.primitives.serialization import pkcs12

from docs_gen.ca import Pair

DER = serialization.Encoding.DER
# Others may do nothing with a secret file; a group may read it where its owner let it.
NOT_OTHERS = 0o027


class KeyFolderError(Exception):
    """A key folder that cannot be used; says what is missing or wrong."""


@overload
def p256(key: PrivateKeyTypes | None, name: str) -> ec.EllipticCurvePrivateKey: ...
@overload
def p256(key: CertificatePublicKeyTypes, name: str) -> ec.EllipticCurvePublicKey: ...
def p256(key: object, name: str) -> ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey:
    """Return an ECDSA P-256 key as such; KeyFolderError names where any other one was found."""
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) and isinstance(
        key.curve, ec.SECP256R1
    ):
        return key
    raise KeyFolderError(f"{name}: expected an ECDSA P-256 key")


def open_pkcs12(path: Path, secret: bytes) -> tuple[Pair, list[x509.Certificate]]:
    """Return a PKCS#12 file's pair and the CAs above it.

    KeyFolderError names the file if it does not open, is open to others, or holds anything but a
    P-256 key with its own certificate.
    """
    return open_content(str(path), read_secret(path), secret)


def read_secret(path: Path) -> bytes:
    """Return what a secret file holds; KeyFolderError if others may read or write it."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & NOT_OTHERS:
                raise KeyFolderError(f"{path} is open to others: chmod 600 {path}")
            return file.read()
    except OSError as error:
        raise KeyFolderError(f"{path}: {error}") from None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one command at a time change a key folder, which is made if it is not there.

    The folder itself is locked, so that a command that is killed leaves nothing behind.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise KeyFolderError(f"{folder}: {error}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def open_content(name: str, content: bytes, secret: bytes) -> tuple[Pair, list[x509.Certificate]]:
    """Return what a PKCS#12 file of this content holds; see `open_pkcs12`."""
    try:
        found, certificate, chain = pkcs12.load_key_and_certificates(content, secret)
    except ValueError as error:
        raise KeyFolderError(f"{name}: {error}") from None
    key = p256(found, name)
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


def write(path: Path, content: bytes, *, replace: bool = False, mode: int = 0o600) -> None:
    """Write a file durably, whole or not at all; unless said otherwise its owner alone reads it."""
    if path.exists() and not replace:
        raise KeyFolderError(f"{path} is there already")
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise KeyFolderError(f"{path}: {error}") from None


def sync(folder: Path) -> None:
    """Make what was renamed or removed in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""The keys that certificates are signed with, and what certifies them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from docs_gen.ca import DEMO_MARK, DEMO_OPERATOR, MOST_NAME, is_demo
from docs_gen.data import CHINA, Issuer
from docs_gen.keyfiles import DER, KeyFolderError, open_pkcs12, p256
from docs_gen.tokens import Token, TokenKey

IN_FILE, IN_TOKEN = ".p12", ".toml"


class SealKey:
    """A seal's key, its certificate and the CAs above it (DER), loaded once.

    Signatures of a key in a file are deterministic (RFC 6979), those of one in a token are not.
    """

    def __init__(
        self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey | TokenKey,
        chain: Sequence[x509.Certificate],
    ) -> None:  # fmt: skip
        """Take a P-256 key with its certificate and the CAs above it."""
        self.ends = min(one.not_valid_after_utc for one in (certificate, *chain))
        self.demo = is_demo(certificate)
        self.certificate = certificate.public_bytes(DER)
        self.chain = tuple(ca.public_bytes(DER) for ca in chain)
        self._key = key

    @classmethod
    def load(cls, path: Path, passphrase: str) -> SealKey:
        """Open a PKCS#12 file, or the token that a TOML file describes.

        KeyFolderError if it does not open, holds no P-256 key, or one of another certificate.
        """
        if path.suffix == IN_TOKEN:
            return cls._in_token(Token.read(path))
        pair, chain = open_pkcs12(path, passphrase.encode())
        return cls(pair.certificate, pair.key, chain)

    @classmethod
    def _in_token(cls, token: Token) -> SealKey:
        certificate, *chain = token.certificates()
        one = cls(certificate, TokenKey(token), chain)
        public, trial = p256(certificate.public_key(), str(token.path)), b"kuayu"
        try:
            public.verify(one.sign(trial), trial, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            raise KeyFolderError(
                f"{token.path}: certificates: the first is not that of the token's key"
            ) from None
        return one

    def sign(self, data: bytes) -> bytes:
        """Sign with ECDSA over SHA-256; KeyFolderError if a token does not."""
        if isinstance(self._key, TokenKey):
            return self._key.sign(data)
        return self._key.sign(data, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))

    def outlives(self, last_day: date) -> bool:
        """Say whether what is signed now can be verified for the whole of its last day in China.

        After the chain has ended nobody can tell by the file alone: see `docs_gen.verifying`.
        """
        return last_day < self.ends.astimezone(CHINA).date()


def seal_files(folder: Path) -> dict[str, Path]:
    """Return what holds each authority's key; KeyFolderError for an authority that has two."""
    found: dict[str, Path] = {}
    for path in sorted((folder / "seals").glob("*")):
        if path.suffix not in {IN_FILE, IN_TOKEN}:
            continue
        if path.stem in found:
            raise KeyFolderError(f"{path}: {found[path.stem].name} is there too: keep one of them")
        found[path.stem] = path
    return found


def seal_chain(path: Path, passphrase: str) -> list[x509.Certificate]:
    """Return the certificate of a seal key and the CAs above it; no token is opened for that."""
    if path.suffix == IN_TOKEN:
        return Token.read(path).certificates()
    pair, chain = open_pkcs12(path, passphrase.encode())
    return [pair.certificate, *chain]


def load_seals(folder: Path, passphrase: str) -> dict[str, SealKey]:
    """Open the seal key of every authority of a key folder."""
    return {name: SealKey.load(path, passphrase) for name, path in seal_files(folder).items()}


def seal_names(authority: str, issuer: Issuer, ca: x509.Certificate) -> tuple[str, str]:
    """Return a seal certificate's name and organization; only a demo CA's say 演示, and all do."""
    if is_demo(ca):
        return f"{issuer.seal_text}（{DEMO_MARK}）", DEMO_OPERATOR
    for text in (issuer.seal_text, issuer.name):
        if DEMO_MARK in text:
            raise KeyFolderError(f"{authority}: {text}: only the demonstration's says {DEMO_MARK}")
        if len(text) > MOST_NAME:
            raise KeyFolderError(f"{authority}: {text}: more than {MOST_NAME} characters")
    return issuer.seal_text, issuer.name

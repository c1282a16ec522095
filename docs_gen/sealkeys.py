"""The keys that seals are made with, as pyHanko asks for them."""

from __future__ import annotations

from pathlib import Path

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pyhanko.sign import signers
from pyhanko_certvalidator.registry import SimpleCertificateStore

from docs_gen.ca import is_demo
from docs_gen.keyfiles import open_pkcs12


class SealKey(signers.Signer):
    """A seal's key and certificate, loaded once; its signatures are deterministic (RFC 6979)."""

    def __init__(
        self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey,
        chain: list[x509.Certificate],
    ) -> None:  # fmt: skip
        """Take a P-256 key with its certificate and the CAs above it."""
        self.demo = is_demo(certificate)
        self._key = key
        store = SimpleCertificateStore()  # type: ignore[no-untyped-call]  # pyHanko annotates it not
        for ca in chain:
            store.register(_asn1(ca))
        super().__init__(
            signing_cert=_asn1(certificate), cert_registry=store, embed_roots=False,
        )  # fmt: skip

    @classmethod
    def load(cls, path: Path, passphrase: str) -> SealKey:
        """Open a PKCS#12 file; KeyFolderError if it does not open or holds no P-256 key."""
        pair, chain = open_pkcs12(path, passphrase.encode())
        return cls(pair.certificate, pair.key, chain)

    async def async_sign_raw(
        self,
        data: bytes,
        digest_algorithm: str,
        dry_run: bool = False,  # noqa: FBT001, FBT002 (pyHanko's signature)
    ) -> bytes:
        """Sign with ECDSA over SHA-256, deterministically."""
        del digest_algorithm, dry_run
        return self._key.sign(data, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))


def _asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))

"""The verbs of who keeps SM2 keys: issue, import, rotate, revoke, and bring revocation lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509

from docs_gen import sm2
from docs_gen.ca import leads_to_root
from docs_gen.closed import keep_imported
from docs_gen.data import Issuer
from docs_gen.keyfiles import KeyFolderError, locked
from docs_gen.sm2certs import is_issued_by
from docs_gen.sm2keys import (
    PART,
    add_seal,
    certificates_of,
    own_root,
    save_seal,
    seal_files,
    seal_of,
    signer_of,
)
from docs_gen.trust import (
    keep_crl,
    keep_issued,
    lay_aside,
    may_sign,
    note_revoked,
    own_seal,
    trust_ca,
    write_trust,
)


@dataclass(frozen=True, slots=True)
class Sm2Folder:
    """The SM2 part of a key folder; every verb holds the folder's lock and can be given again."""

    folder: Path
    passphrase: str

    @property
    def _part(self) -> Path:
        return self.folder / PART

    def issue(self, authority: str, issuer: Issuer, now: datetime) -> x509.Certificate:
        """Make the SM2 key of an authority that has none, below an own root; refuse one that has.

        Sm2MissingError where this machine has no SM2.
        """
        sm2.require()
        with locked(self.folder):
            if authority in seal_files(self.folder):
                raise KeyFolderError(f"{authority} has an SM2 key already: rotate it")
            return self._add(authority, issuer, now)

    def rotate(self, authority: str, issuer: Issuer, now: datetime) -> x509.Certificate:
        """Put a new SM2 key for an authority's; the old one is destroyed, its certificate counts.

        KeyFolderError if it has none, or one that comes from elsewhere.
        """
        sm2.require()
        with locked(self.folder):
            old = self._current(authority)
            if not self._is_own(old):
                raise KeyFolderError(f"{authority}: its SM2 key comes from elsewhere: import one")
            keep_issued(self._part, authority, old)
            return self._add(authority, issuer, now)

    def revoke(
        self, authority: str, now: datetime, serial: int | None = None
    ) -> x509.Certificate:  # fmt: skip
        """Revoke an authority's SM2 certificate, or an earlier one by its serial; return it.

        Nothing that it signed counts any more. KeyFolderError if there is no such certificate, or
        another operator's CA issued it.
        """
        sm2.require()
        with locked(self.folder):
            path = seal_files(self.folder).get(authority)
            current = None if path is None else certificates_of(path)[0]
            seal = own_seal(self._part, authority, current, serial, self._is_own)
            note_revoked(self.folder, authority, seal, now, self.passphrase, part=self._part)
            if path is not None and seal == current:
                lay_aside(path)
            return seal

    def bring(self, authority: str, content: bytes, given: str, now: datetime) -> str:
        """Put another CA's SM2 key (PEM or PKCS#12, with its chain) under an authority.

        Returns its subject. KeyFolderError if it does not open, holds no SM2 key that may sign
        documents, or comes without its chain up to the root.
        """
        sm2.require()
        seal = seal_of(content, given)
        if not leads_to_root(seal.certificate, seal.chain, is_issued_by):
            raise KeyFolderError("expected the certificate with its chain of CAs up to the root")
        if not may_sign(seal.certificate):
            raise KeyFolderError("expected a certificate whose key usage is nonRepudiation")
        with locked(self.folder):
            keep_imported(self._part, authority, seal.certificate)
            for ca in seal.chain:
                trust_ca(self._part, ca)
            path = self._part / "seals" / f"{authority}.pem"
            save_seal(path, seal, self.passphrase, replace=True)
            write_trust(self.folder, now, self.passphrase)
        return seal.certificate.subject.rfc4514_string()

    def bring_crl(self, content: bytes, now: datetime) -> str:
        """Put another operator's SM2 CRL (DER or PEM) into the trust list; return its issuer.

        KeyFolderError if no CA that was brought signed it, or if the one that is there is newer.
        """
        sm2.require()
        with locked(self.folder):
            found = signer_of(self.folder, content)
            if found is None:
                raise KeyFolderError("no SM2 CA of the trust list signed this CRL")
            crl, ca = found
            keep_crl(ca.with_suffix(".crl"), crl)
            write_trust(self.folder, now, self.passphrase)
        return crl.issuer.rfc4514_string()

    def _add(self, authority: str, issuer: Issuer, now: datetime) -> x509.Certificate:
        made = add_seal(self.folder, authority, issuer, now, self.passphrase)
        write_trust(self.folder, now, self.passphrase)
        return made

    def _current(self, authority: str) -> x509.Certificate:
        path = seal_files(self.folder).get(authority)
        if path is None:
            raise KeyFolderError(f"{authority} has no SM2 key: issue one")
        return certificates_of(path)[0]

    def _is_own(self, certificate: x509.Certificate) -> bool:
        root = own_root(self.folder, self.passphrase)
        return root is not None and is_issued_by(certificate, root.certificate)

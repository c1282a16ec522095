"""An operator's own chain of trust: making it, issuing seals, putting new keys for old ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from docs_gen.ca import (
    DEMO_MARK,
    YEARLY,
    Pair,
    certify_seal,
    is_issued_by,
    make_ca,
    make_crl,
    make_list_signer,
    make_seal,
    operator_of,
)
from docs_gen.data import Issuer
from docs_gen.keyfiles import DER, KeyFolderError, locked, open_pkcs12, p256, save_pair, write
from docs_gen.qrkeys import forget_qr_key, keep_qr_key, load_qr_key, new_qr_key, qr_key_id
from docs_gen.sealkeys import IN_TOKEN, seal_chain, seal_files, seal_names
from docs_gen.signedlist import fingerprint, seal_list
from docs_gen.trust import (
    add_revoked,
    keep_issued,
    own_cas,
    read_revoked,
    trust_ca,
    trusted_file,
    write_trust,
)
from docs_gen.trustlist import PUBLISHED, load_trust

MOST_OPERATOR = 40
# A list is for everybody to read.
PUBLIC = 0o644


@dataclass(frozen=True, slots=True)
class RootKey:
    """The file of a root's key that is kept elsewhere, and the passphrase of it."""

    path: Path
    passphrase: str


@dataclass(frozen=True, slots=True)
class Chain:
    """The chain of a key folder; what the root must sign needs `root_key` if it is elsewhere.

    Every verb holds the folder's lock, writes what makes a key count before the key, and writes
    each file whole: one that is cut short is done again.
    """

    folder: Path
    passphrase: str
    root_key: RootKey | None = None

    def create(self, operator: str, regions: Sequence[str], now: datetime) -> x509.Certificate:
        """Make the root of an operator, a CA for each region, and what signs trust lists.

        KeyFolderError for a name that is none, or where a root or a CA is already.
        """
        if not 0 < len(operator) <= MOST_OPERATOR or not operator.isprintable():
            raise KeyFolderError(f"the operator's name: expected 1 to {MOST_OPERATOR} characters")
        if DEMO_MARK in operator:
            raise KeyFolderError(f"the operator's name says {DEMO_MARK}: the demonstration's only")
        path, secret = self._root_file()
        with locked(self.folder):
            for there in (path, self.folder / "root.p12", *self.folder.glob("ca/*.p12")):
                if there.exists():
                    raise KeyFolderError(f"{there} is there already; --add makes what is missing")
            root = make_ca(f"{operator}根证书", None, now, operator)
            save_pair(path, root, [], secret)
            self._complete(root, regions, now)
        return root.certificate

    def complete(self, regions: Sequence[str], now: datetime) -> x509.Certificate:
        """Make what is missing below the root, and what the root must sign again every year."""
        with locked(self.folder):
            root = self._root()
            self._complete(root, regions, now)
        return root.certificate

    def issue(self, authority: str, issuer: Issuer, now: datetime) -> x509.Certificate:
        """Make the seal key of an authority that has none; refuse one that has."""
        with locked(self.folder):
            path = seal_files(self.folder).get(authority)
            if path is not None:
                raise KeyFolderError(f"{authority} has a seal key already: rotate it")
            return self._seal(authority, issuer, now)

    def certify(self, authority: str, issuer: Issuer, request: bytes, now: datetime) -> bytes:
        """Certify a key in a token by its certificate request (PKCS#10, PEM).

        Returns the certificate with its CAs as PEM, for the file that the token's TOML names.
        """
        try:
            asked = x509.load_pem_x509_csr(request)
            found = asked.public_key()
            sound = asked.is_signature_valid
        except ValueError as error:
            raise KeyFolderError(f"the request: {error}") from None
        key = p256(found, "the request")
        if not sound:
            raise KeyFolderError("the request: not signed with its own key")
        with locked(self.folder):
            ca, above = self._ca(issuer.region, now)
            name, organization = seal_names(authority, issuer, ca.certificate)
            made = certify_seal(name, issuer.code, key, ca, now, organization=organization)
            keep_issued(self.folder, authority, made)
        chain = [made, ca.certificate, *above]
        return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain)

    def rotate_seal(self, authority: str, issuer: Issuer, now: datetime) -> x509.Certificate:
        """Put a new key for an authority's; the old one is destroyed and its certificate counts on.

        KeyFolderError if it has none, one in a token, or one that another operator certified.
        """
        with locked(self.folder):
            path = seal_files(self.folder).get(authority)
            if path is None:
                raise KeyFolderError(f"{authority} has no seal key: issue one")
            old = seal_chain(path, self.passphrase)[0]
            if path.suffix == IN_TOKEN:
                raise KeyFolderError(
                    f"{authority}: its key is in a token: make a new one there, `issue --csr` "
                    f"certifies it, and put both into {path}"
                )
            if not any(
                is_issued_by(old, ca.certificate) for ca in own_cas(self.folder, self.passphrase)
            ):
                raise KeyFolderError(f"{authority}: its key comes from elsewhere: import a new one")
            keep_issued(self.folder, authority, old)
            return self._seal(authority, issuer, now)

    def rotate_ca(self, region: str, now: datetime, *, revoke: bool = False) -> x509.Certificate:
        """Put a new CA for a region's; the old one goes on saying what it has revoked.

        With `revoke` nothing that the old one ever certified counts any more.
        """
        if not region.isalnum():
            raise KeyFolderError(f"{region}: expected a region's code")
        with locked(self.folder):
            root = self._root()
            path = self.folder / "ca" / f"{region}.p12"
            if not path.exists():
                raise KeyFolderError(f"{region}: no region of this code has a CA here")
            old, above = open_pkcs12(path, self.passphrase.encode())
            if revoke:
                add_revoked(self.folder, old.certificate, now)
            aside = path.with_name(f"{region}.{old.certificate.serial_number:x}.p12")
            save_pair(aside, old, above, self.passphrase.encode(), replace=True)
            made = self._make_ca(path, region, root, now, replace=True)
            self._complete(root, (), now)
        return made.certificate

    def rotate_list(self, now: datetime) -> x509.Certificate:
        """Put a new key that signs trust lists for the current one, which is revoked."""
        with locked(self.folder):
            root, path = self._root(), self.folder / "list.p12"
            if path.exists():
                old = open_pkcs12(path, self.passphrase.encode())[0].certificate
                add_revoked(self.folder, old, now)
                path.unlink()
            self._complete(root, (), now)
            return open_pkcs12(path, self.passphrase.encode())[0].certificate

    def rotate_qr(self, now: datetime) -> bytes:
        """Put a new key of QR codes for the current one, and return its id."""
        with locked(self.folder):
            load_qr_key(self.folder, self.passphrase)
            key = new_qr_key(self.folder, now, self.passphrase)
            write_trust(self.folder, now, self.passphrase)
            keep_qr_key(self.folder, key, self.passphrase)
        return qr_key_id(key.public_key())

    def revoke_qr(self, key_id: bytes, now: datetime) -> None:
        """Take an earlier key of QR codes from the trust list."""
        with locked(self.folder):
            forget_qr_key(self.folder, key_id, self.passphrase)
            write_trust(self.folder, now, self.passphrase)

    def export(self, now: datetime) -> tuple[bytes, str]:
        """Return the trust list as of now, signed, and its root's fingerprint.

        It counts for seven days. KeyFolderError without what signs lists.
        """
        with locked(self.folder):
            signer, root = self._list_signer(now)
            trust = write_trust(self.folder, now, self.passphrase)
        return seal_list(trust, signer, root, now), fingerprint(root)

    def publish(self, now: datetime) -> bool:
        """Sign the trust list as it is, for everybody who asks the service for it.

        It stands beside `trust.json`, of the same version, and counts for seven days. False where
        what signs lists is elsewhere: then its operator puts a list there. KeyFolderError where
        its certificate has ended.
        """
        if not self._root_at_hand() and not (self.folder / "list.p12").exists():
            return False
        with locked(self.folder):
            signer, root = self._list_signer(now)
            content = seal_list(load_trust(self.folder), signer, root, now)
            write(self.folder / PUBLISHED, content, replace=True, mode=PUBLIC)
        return True

    def _list_signer(self, now: datetime) -> tuple[Pair, x509.Certificate]:
        """Return what signs lists with its root; renewed first if the root is at hand."""
        if self._root_at_hand():
            self._renew_list_signer(self._root(), now)
        path = self.folder / "list.p12"
        if not path.exists():
            raise KeyFolderError(f"{path} is missing: `kuayu keys init --add` makes it")
        signer, above = open_pkcs12(path, self.passphrase.encode())
        if signer.certificate.not_valid_after_utc <= now:
            raise KeyFolderError(f"{path}: its certificate has ended: `kuayu keys init --add`")
        return signer, above[0]

    def _complete(self, root: Pair, regions: Sequence[str], now: datetime) -> None:
        for region in regions:
            path = self.folder / "ca" / f"{region}.p12"
            if not path.exists():
                self._make_ca(path, region, root, now)
        self._renew_list_signer(root, now)
        if not (self.folder / "root.p12").exists():
            # A root that is elsewhere stands here as another operator's would.
            trust_ca(self.folder, root.certificate)
            crl = make_crl(root, read_revoked(self.folder), now, YEARLY).public_bytes(DER)
            write(
                trusted_file(self.folder, root.certificate).with_suffix(".crl"), crl, replace=True
            )
        write_trust(self.folder, now, self.passphrase)

    def _make_ca(
        self, path: Path, region: str, root: Pair, now: datetime, *, replace: bool = False
    ) -> Pair:
        before = len(list(path.parent.glob(f"{region}.*.p12")))
        # Of two CAs of one name a verifier could take the list of one for the other's.
        turn = f" 第{before + 1}代" if before else ""
        made = make_ca(f"{operator_of(root.certificate)}签发机构 {region}{turn}", root, now)
        save_pair(path, made, [root.certificate], self.passphrase.encode(), replace=replace)
        return made

    def _renew_list_signer(self, root: Pair, now: datetime) -> None:
        """Make what signs trust lists if there is none, or half of its time is over."""
        path = self.folder / "list.p12"
        if path.exists():
            kept = open_pkcs12(path, self.passphrase.encode())[0].certificate
            if kept.not_valid_after_utc > now + YEARLY / 2 and is_issued_by(kept, root.certificate):
                return
        made = make_list_signer(f"{operator_of(root.certificate)}信任列表", root, now)
        save_pair(path, made, [root.certificate], self.passphrase.encode(), replace=True)

    def _seal(self, authority: str, issuer: Issuer, now: datetime) -> x509.Certificate:
        ca, above = self._ca(issuer.region, now)
        name, organization = seal_names(authority, issuer, ca.certificate)
        made = make_seal(name, issuer.code, ca, now, organization=organization)
        path = self.folder / "seals" / f"{authority}.p12"
        chain = [ca.certificate, *above]
        save_pair(path, made, chain, self.passphrase.encode(), replace=True)
        return made.certificate

    def _ca(self, region: str, now: datetime) -> tuple[Pair, list[x509.Certificate]]:
        path = self.folder / "ca" / f"{region}.p12"
        if not path.exists():
            raise KeyFolderError(f"{path} is missing: `kuayu keys init --add` makes a region's CA")
        ca, above = open_pkcs12(path, self.passphrase.encode())
        if ca.certificate.not_valid_after_utc <= now:
            raise KeyFolderError(f"{path}: the CA has ended: rotate it")
        return ca, above

    def _root_file(self) -> tuple[Path, bytes]:
        if self.root_key is not None:
            return self.root_key.path, self.root_key.passphrase.encode()
        return self.folder / "root.p12", self.passphrase.encode()

    def _root_at_hand(self) -> bool:
        return self._root_file()[0].exists()

    def _root(self) -> Pair:
        path, secret = self._root_file()
        if not path.exists():
            raise KeyFolderError(f"{path} is missing: --root-key says where the root's key is")
        root = open_pkcs12(path, secret)[0]
        for one in sorted(self.folder.glob("ca/*.p12")):
            ca = open_pkcs12(one, self.passphrase.encode())[0]
            if not is_issued_by(ca.certificate, root.certificate):
                raise KeyFolderError(f"{path}: another root issued {one}")
        return root

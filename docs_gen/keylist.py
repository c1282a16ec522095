"""What a key folder holds, for who looks after it: names, serials, dates and states."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from docs_gen import sm2keys
from docs_gen.ca import Revoked, is_demo, is_issued_by
from docs_gen.imageseal import load_pictures
from docs_gen.keyfiles import open_pkcs12, read_certificate
from docs_gen.qrkeys import load_qr_key, qr_key_id, qr_keys
from docs_gen.sealkeys import seal_chain, seal_files
from docs_gen.signedlist import fingerprint
from docs_gen.trust import load_trust, own_cas, read_revoked
from docs_gen.trustlist import TRUST

SHORT = 16


class State(enum.StrEnum):
    """What a key or a certificate is good for; what was rotated still proves what it signed."""

    CURRENT = "current"
    ROTATED = "rotated"
    REVOKED = "revoked"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Row:
    """A key, a certificate or a seal's picture; `elsewhere` says who revokes a certificate.

    `serial` is a QR key's id, and the beginning of a picture's digest, which is its `fingerprint`.
    """

    kind: str
    name: str
    authority: str
    serial: str
    starts: datetime | None
    ends: datetime | None
    days_left: int | None
    state: State
    elsewhere: bool = False
    demo: bool = False
    fingerprint: str = ""


def list_keys(folder: Path, passphrase: str, now: datetime) -> list[Row]:
    """Return everything of a key folder: CAs, clocks, seals and those before, pictures, QR keys."""
    own = [pair.certificate for pair in own_cas(folder, passphrase)]
    revoked = [*read_revoked(folder), *read_revoked(folder / sm2keys.PART)]
    reader = _Reader(folder, passphrase, now, own, revoked)
    seals = [*reader.seals(), *reader.signer()]
    others = [*reader.crls(), *reader.qr(), *reader.sm2()]
    return [*reader.cas(), *reader.clocks(), *seals, *reader.images(), *others]


@dataclass(frozen=True, slots=True)
class _Reader:
    folder: Path
    passphrase: str
    now: datetime
    own: Sequence[x509.Certificate]
    revoked: Sequence[Revoked]

    def cas(self) -> Iterator[Row]:
        current = {path.stem for path in self.folder.glob("ca/*.p12")}
        for path in sorted(self.folder.glob("trusted/*.cer")):
            ca = read_certificate(path)
            ours = any(is_issued_by(one, ca) for one in self.own)
            yield self._row("root" if is_issued_by(ca, ca) else "ca", "", ca, elsewhere=not ours)
        for path in (self.folder / "root.p12", *sorted(self.folder.glob("ca/*.p12"))):
            if not path.exists():
                continue
            ca = open_pkcs12(path, self.passphrase.encode())[0].certificate
            region, _, serial = path.stem.partition(".")
            kind = "root" if path.name == "root.p12" else "ca"
            rotated = bool(serial) and region in current
            yield self._row(kind, "" if kind == "root" else region, ca, rotated=rotated)

    def clocks(self) -> Iterator[Row]:
        for path in sorted(self.folder.glob("clocks/*.cer")):
            yield self._row("clock", "", read_certificate(path), elsewhere=True)

    def seals(self) -> Iterator[Row]:
        seen: set[int] = set()
        for authority, path in seal_files(self.folder).items():
            one = seal_chain(path, self.passphrase)[0]
            seen.add(one.serial_number)
            ours = any(is_issued_by(one, ca) for ca in self.own)
            yield self._row("seal", authority, one, elsewhere=not ours)
        earlier = [
            (path.name.partition(".")[0], read_certificate(path))
            for part in ("issued", "imported")
            for path in sorted(self.folder.glob(f"{part}/*.cer"))
        ]
        # Folders of before kept the keys of what was revoked.
        earlier += [
            (
                path.stem.rpartition("-")[0],
                open_pkcs12(path, self.passphrase.encode())[0].certificate,
            )
            for path in sorted(self.folder.glob("revoked/*.p12"))
        ]
        for authority, one in earlier:
            if one.serial_number not in seen:
                seen.add(one.serial_number)
                yield self._row("seal", authority, one, rotated=True)

    def signer(self) -> Iterator[Row]:
        path = self.folder / "list.p12"
        if path.exists():
            yield self._row("list", "", open_pkcs12(path, self.passphrase.encode())[0].certificate)

    def images(self) -> Iterator[Row]:
        for authority, one in load_pictures(self.folder).items():
            size = f"{one.width:g} x {one.height:.3g} mm"
            yield Row(
                "image", size, authority, one.digest[:SHORT], None, None, None, State.CURRENT,
                fingerprint=one.digest,
            )  # fmt: skip

    def crls(self) -> Iterator[Row]:
        if not (self.folder / TRUST).exists():
            return
        trust = load_trust(self.folder)
        for der in (*trust.crls, *trust.sm2.crls):
            crl = x509.load_der_x509_crl(der)
            ends = crl.next_update_utc
            expired = ends is None or ends <= self.now
            yield Row(
                "crl", _shown_name(crl.issuer), "", "", crl.last_update_utc, ends,
                self._days(ends), State.EXPIRED if expired else State.CURRENT,
            )  # fmt: skip

    def qr(self) -> Iterator[Row]:
        if not (self.folder / "qr.pem").exists():
            return
        current = qr_key_id(load_qr_key(self.folder, self.passphrase).public_key())
        for key in qr_keys(self.folder, self.passphrase):
            state = State.CURRENT if key.id == current else State.ROTATED
            yield Row("qr", "", "", key.id.hex(), key.made_at, None, None, state)

    def sm2(self) -> Iterator[Row]:
        """Yield the SM2 keys and certificates; none of them is opened, so nothing asks for SM2."""
        part, names = self.folder / sm2keys.PART, set[x509.Name]()
        if (part / "root.pem").exists():
            [root] = sm2keys.certificates_of(part / "root.pem")
            names.add(root.subject)
            yield self._row("sm2-ca", "", root)
        for path in sorted(part.glob("trusted/*.cer")):
            yield self._row("sm2-ca", "", read_certificate(path), elsewhere=True)
        seen: set[int] = set()
        for authority, path in sm2keys.seal_files(self.folder).items():
            one = sm2keys.certificates_of(path)[0]
            seen.add(one.serial_number)
            yield self._row("sm2", authority, one, elsewhere=one.issuer not in names)
        for path in sorted(part.glob("issued/*.cer")):
            one, authority = read_certificate(path), path.name.partition(".")[0]
            if one.serial_number not in seen:
                yield self._row("sm2", authority, one, rotated=True)

    def _row(
        self, kind: str, authority: str, one: x509.Certificate, *, elsewhere: bool = False,
        rotated: bool = False,
    ) -> Row:  # fmt: skip
        ends = one.not_valid_after_utc
        return Row(
            kind, _shown_name(one.subject), authority, f"{one.serial_number:x}",
            one.not_valid_before_utc, ends, self._days(ends), self._state(one, rotated=rotated),
            elsewhere=elsewhere, demo=is_demo(one), fingerprint=fingerprint(one),
        )  # fmt: skip

    def _state(self, one: x509.Certificate, *, rotated: bool) -> State:
        # Nothing below a CA that was revoked counts.
        fallen = (ca for ca in self.own if self._is_revoked(ca))
        if self._is_revoked(one) or any(is_issued_by(one, ca) for ca in fallen):
            return State.REVOKED
        if one.not_valid_after_utc <= self.now:
            return State.EXPIRED
        return State.ROTATED if rotated else State.CURRENT

    def _is_revoked(self, one: x509.Certificate) -> bool:
        issuer = one.issuer.rfc4514_string()
        return any((old.issuer, old.serial) == (issuer, one.serial_number) for old in self.revoked)

    def _days(self, ends: datetime | None) -> int | None:
        return None if ends is None else (ends - self.now).days


def _shown_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else name.rfc4514_string()

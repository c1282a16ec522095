"""Keys and whom we trust: root → one CA per jurisdiction → one seal certificate per authority.

A key folder holds its operator's own CAs as `root.p12` (unless that is kept elsewhere) and
`ca/<region>.p12`, the authorities' keys as `seals/<authority>.p12` or, for one in a token,
`seals/<authority>.toml`; certificates whose keys are gone as `issued/*.cer`, imported ones as
`imported/*.cer`; what other operators publish, the CAs of imported seals, and an own root that is
kept elsewhere, as `trusted/*.cer` and `trusted/*.crl`; the CAs of
time-stamping authorities and their CRLs as `clocks/*.cer` and `clocks/*.crl`; `qr.pem` with its
public keys so far in `qr.json`, `list.p12`, `revoked.json`, `trust.json` and what was signed of it,
`trust.cose`. Verifying needs one of these two alone: the CAs' certificates, their CRLs, and the
public keys of QR codes. What is of SM2 lies in `sm2/`: see `docs_gen.sm2keys`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from docs_gen import sm2, sm2keys
from docs_gen.ca import (
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
from docs_gen.clocks import Clocks
from docs_gen.closed import close_cas, digest, keep_imported
from docs_gen.data import Issuer
from docs_gen.keyfiles import (
    DER,
    KeyFolderError,
    locked,
    open_content,
    open_pkcs12,
    parse_crl,
    read_certificate,
    read_crl,
    save_pair,
    sync,
    write,
)
from docs_gen.qrkeys import keep_qr_key, load_qr_key, new_qr_key, qr_key_id, qr_keys
from docs_gen.sealkeys import IN_TOKEN, seal_chain, seal_files
from docs_gen.sm2certs import make_crl as make_sm2_crl
from docs_gen.sm2chain import Sm2Trust
from docs_gen.trustlist import TRUST, TrustList, load_trust, trust_text

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


def create_demo(
    folder: Path, issuers: Sequence[tuple[str, Issuer]], now: datetime, passphrase: str
) -> None:
    """Make what is missing of a demo key folder for these (authority id, issuer) pairs.

    Every subject says 演示. Keys that are there already stay.
    """
    secret = passphrase.encode()
    with locked(folder):
        root = _open_or_make(folder / "root.p12", secret, "跨域演示根证书", None, now)
        for region in sorted({issuer.region for _, issuer in issuers}):
            name = f"跨域演示签发机构 {region}"
            _open_or_make(folder / "ca" / f"{region}.p12", secret, name, root, now)
        there = seal_files(folder)
        for authority, issuer in issuers:
            if authority not in there:
                ca, _ = open_pkcs12(folder / "ca" / f"{issuer.region}.p12", secret)
                seal = make_seal(f"{issuer.seal_text}（{DEMO_MARK}）", issuer.code, ca, now)
                path = folder / "seals" / f"{authority}.p12"
                save_pair(path, seal, [ca.certificate, root.certificate], secret)
        # A demonstration goes on without what this machine's OpenSSL does not have.
        if sm2.is_there():
            sm2keys.make_demo(folder, issuers, now, passphrase)
        write_trust(folder, now, passphrase)


def renew_crls(folder: Path, now: datetime, passphrase: str) -> None:
    """Issue our own CAs' CRLs anew, and write `trust.json` with them and what others publish.

    Ours count for seven days; of the others' the ones in `trusted/` are taken as they are.
    """
    with locked(folder):
        write_trust(folder, now, passphrase)


def write_trust(folder: Path, now: datetime, passphrase: str) -> TrustList:
    """Do what `renew_crls` does for who has locked the folder, and return the list."""
    own = own_cas(folder, passphrase)
    others = [read_certificate(path) for path in sorted(folder.glob("trusted/*.cer"))]
    mine = [pair.certificate for pair in own]
    _note_tokens(folder, mine)
    cas = list(dict.fromkeys([*mine, *others]))
    revoked = read_revoked(folder)
    theirs = [read_crl(path) for path in sorted(folder.glob("trusted/*.crl"))]
    if not (folder / "qr.pem").exists():
        keep_qr_key(folder, new_qr_key(folder, now, passphrase), passphrase)
    roots = [ca for ca in cas if is_issued_by(ca, ca)]
    trust = TrustList(
        roots=tuple(ca.public_bytes(DER) for ca in roots),
        intermediates=tuple(ca.public_bytes(DER) for ca in cas if ca not in roots),
        crls=(
            *(make_crl(pair, revoked, now).public_bytes(DER) for pair in own),
            *(crl for crl in theirs if not _is_of(crl, own)),
        ),
        qr_keys=tuple((key.id, key.public) for key in qr_keys(folder, passphrase)),
        clocks=Clocks(
            tuple(
                read_certificate(path).public_bytes(DER)
                for path in sorted(folder.glob("clocks/*.cer"))
            ),
            tuple(read_crl(path) for path in sorted(folder.glob("clocks/*.crl"))),
        ),
        version=_next_version(folder, now),
        sm2=_sm2(folder, now, passphrase),
        closed=close_cas(folder, [ca for ca in others if ca not in mine], is_issued_by),
    )
    write(folder / TRUST, trust_text(trust), replace=True)
    return trust


def _note_tokens(folder: Path, own: Sequence[x509.Certificate]) -> None:
    """Note as imported what another operator's CA has certified of keys in tokens."""
    for path in sorted((folder / "seals").glob(f"*{IN_TOKEN}")):
        # Who loads the keys names what is wrong; a revocation is not held up by it.
        with suppress(KeyFolderError):
            seal, *_ = seal_chain(path, "")
            if not any(is_issued_by(seal, ca) for ca in own):
                keep_imported(folder, path.stem, seal)


def _sm2(folder: Path, now: datetime, passphrase: str) -> Sm2Trust:
    own = sm2keys.own_root(folder, passphrase)
    revoked = read_revoked(folder / sm2keys.PART)
    crl = None if own is None else make_sm2_crl(own, revoked, now)
    return sm2keys.gather_trust(folder, own, crl)


def own_cas(folder: Path, passphrase: str) -> list[Pair]:
    """Return the CAs whose keys are in a folder: the root, if its key is there, comes first."""
    paths = [path for path in (folder / "root.p12",) if path.exists()]
    paths += sorted(folder.glob("ca/*.p12"))
    pairs = [open_pkcs12(path, passphrase.encode())[0] for path in paths]
    # A rotation that was cut short leaves the same CA under two names.
    return list({pair.certificate: pair for pair in pairs}.values())


def revoke_seal(
    folder: Path, authority: str, now: datetime, passphrase: str, serial: int | None = None,
    *, since: datetime | None = None,
) -> x509.Certificate:  # fmt: skip
    """Revoke an authority's seal certificate, or an earlier one by its serial; return it.

    All that it ever signed counts as revoked from now on, but for what a clock has stamped before
    (before `since`, where the key was stolen earlier): of the rest nothing shows what was signed
    before. The key of the current one is destroyed. KeyFolderError if there is no such certificate,
    another operator's CA issued it, or `since` is to come.
    """
    if since is not None and since > now:
        raise KeyFolderError(f"since {since.isoformat()}: expected a time that has been")
    with locked(folder):
        path = seal_files(folder).get(authority)
        current = None if path is None else seal_chain(path, passphrase)[0]
        cas = [pair.certificate for pair in own_cas(folder, passphrase)]

        def is_own(seal: x509.Certificate) -> bool:
            return any(is_issued_by(seal, ca) for ca in cas)

        seal = own_seal(folder, authority, current, serial, is_own)
        note_revoked(folder, authority, seal, now, passphrase, part=folder, since=since)
        if path is not None and seal == current:
            lay_aside(path)
        return seal


def note_revoked(
    folder: Path, authority: str, seal: x509.Certificate, now: datetime, passphrase: str,
    *, part: Path, since: datetime | None = None,
) -> None:  # fmt: skip
    """Revoke a seal of a part of the folder in a new trust list, and keep its certificate.

    Its key goes after that: one that is gone and not listed would still count.
    """
    # RFC 5280 has an invalidity date for that; but verifiers go by the revocation's own.
    add_revoked(part, seal, since or now)
    write_trust(folder, now, passphrase)
    keep_issued(part, authority, seal)


def add_revoked(folder: Path, certificate: x509.Certificate, at: datetime) -> None:
    """Note a certificate as revoked; it counts with the next trust list.

    One that is noted already may be found to have been stolen earlier, and never later.
    """
    one = Revoked(certificate.issuer.rfc4514_string(), certificate.serial_number, at)
    entries = read_revoked(folder)
    same = [old for old in entries if (old.issuer, old.serial) == (one.issuer, one.serial)]
    if any(old.at <= at for old in same):
        return
    listed = [
        {"issuer": entry.issuer, "serial": f"{entry.serial:x}", "at": entry.at.isoformat()}
        for entry in (*(old for old in entries if old not in same), one)
    ]
    write(folder / "revoked.json", json.dumps(listed, indent=1).encode(), replace=True)


def keep_issued(folder: Path, authority: str, certificate: x509.Certificate) -> None:
    """Keep a seal certificate without its key: it can still be shown, and revoked."""
    path = folder / "issued" / f"{authority}.{certificate.serial_number:x}.cer"
    write(path, certificate.public_bytes(DER), replace=True)


def own_seal(
    part: Path, authority: str, current: x509.Certificate | None, serial: int | None,
    is_own: Callable[[x509.Certificate], bool],
) -> x509.Certificate:  # fmt: skip
    """Return an authority's certificate of a serial, without one the current.

    KeyFolderError if there is no such certificate, or another operator's CA issued it.
    """
    known = [*([] if current is None else [current]), *earlier_seals(part, authority)]
    wanted = serial if serial is not None or current is None else current.serial_number
    if wanted is None:
        raise KeyFolderError(f"{authority} has no current certificate here")
    seal = next((one for one in known if one.serial_number == wanted), None)
    if seal is None:
        raise KeyFolderError(f"{authority}: no certificate of that serial is known here")
    if not is_own(seal):
        raise KeyFolderError(f"{authority}: its own CA revokes it")
    return seal


def earlier_seals(folder: Path, authority: str) -> list[x509.Certificate]:
    """Return the seal certificates of an authority that are kept without their keys."""
    return [read_certificate(path) for path in sorted(folder.glob(f"issued/{authority}.*.cer"))]


def lay_aside(path: Path) -> None:
    """Destroy a seal key's file; what says where a token is stays, under a name that is not read.

    A key is no evidence, its certificate is: one that is gone can be stolen by nobody.
    """
    if path.suffix == IN_TOKEN:
        path.replace(path.with_suffix(".toml.revoked"))
    else:
        path.unlink()
    sync(path.parent)


def import_seal(
    folder: Path, authority: str, content: bytes, given: str, passphrase: str,
    *, now: datetime | None = None,
) -> str:  # fmt: skip
    """Put a PKCS#12 file into a key folder under an authority; return its subject.

    KeyFolderError if it does not open, holds no P-256 key that may sign documents, or comes
    without its chain up to the root. The chain's CAs join the trust list, for what is imported
    alone; their operator's CRLs come by `import_crl`, and until they are there nothing that this
    key signs is found genuine.
    """
    pair, chain = open_content("the PKCS#12 file", content, given.encode())
    if not leads_to_root(pair.certificate, chain, is_issued_by):
        raise KeyFolderError("expected the certificate with its chain of CAs up to the root")
    if not may_sign(pair.certificate):
        raise KeyFolderError("expected a certificate whose key usage is nonRepudiation")
    with locked(folder):
        if seal_files(folder).get(authority, Path()).suffix == IN_TOKEN:
            raise KeyFolderError(f"{authority}: its key is in a token, by seals/{authority}.toml")
        keep_imported(folder, authority, pair.certificate)
        for ca in chain:
            trust_ca(folder, ca)
        path = folder / "seals" / f"{authority}.p12"
        save_pair(path, pair, chain, passphrase.encode(), replace=True)
        write_trust(folder, now or datetime.now(UTC), passphrase)
    return pair.certificate.subject.rfc4514_string()


def import_crl(folder: Path, content: bytes, passphrase: str, now: datetime | None = None) -> str:
    """Put another operator's CRL (DER or PEM) into the trust list; return its issuer.

    It takes the place of that CA's last one. KeyFolderError if no CA of `trusted/` signed it, or
    if it is older than the one that is there.
    """
    crl = parse_crl(content)
    with locked(folder):
        cas = [read_certificate(path) for path in sorted(folder.glob("trusted/*.cer"))]
        signer = next((ca for ca in cas if is_signed_by(crl, ca)), None)
        if signer is None:
            raise KeyFolderError("no CA of the trust list signed this CRL")
        keep_crl(trusted_file(folder, signer).with_suffix(".crl"), crl)
        write_trust(folder, now or datetime.now(UTC), passphrase)
    return crl.issuer.rfc4514_string()


def keep_crl(path: Path, crl: x509.CertificateRevocationList) -> None:
    """Put a CA's list in the place of its last one; KeyFolderError if that one is newer."""
    if path.exists():
        last = x509.load_der_x509_crl(read_crl(path))
        if crl.last_update_utc < last.last_update_utc:
            raise KeyFolderError("the CRL that is there is newer")
    write(path, crl.public_bytes(DER), replace=True)


def trust_ca(folder: Path, ca: x509.Certificate) -> None:
    """Put a CA whose key is elsewhere among those that are trusted."""
    write(trusted_file(folder, ca), ca.public_bytes(DER), replace=True)


def trusted_file(folder: Path, ca: x509.Certificate) -> Path:
    """Return where the certificate of a CA whose key is elsewhere is kept."""
    return folder / "trusted" / f"{digest(ca).hex()}.cer"


def read_revoked(folder: Path) -> list[Revoked]:
    """Return what our own CAs have revoked."""
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


def _next_version(folder: Path, now: datetime) -> int:
    """Return a version above the last one's, also after a clock was put back or a list was lost."""
    last = 0
    with suppress(KeyFolderError):
        last = load_trust(folder).version
    return max(last + 1, int(now.timestamp()))


def _is_of(crl: bytes, own: Sequence[Pair]) -> bool:
    return any(is_signed_by(x509.load_der_x509_crl(crl), pair.certificate) for pair in own)


def may_sign(certificate: x509.Certificate) -> bool:
    """Say whether a certificate's key may sign documents: its usage is nonRepudiation."""
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

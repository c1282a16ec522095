"""Signed trust lists: what verifies our certificates on a machine that has only this file.

A list is a COSE_Sign1 (RFC 9052) with ECDSA over P-256, made by a key that the operator's root has
certified for nothing else; its certificate and the root's come along (x5chain, RFC 9360). Who
knows the root's SHA-256 needs nothing else to check it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import cbor2
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from docs_gen.ca import Pair, is_issued_by, is_signed_by, signs_lists
from docs_gen.clocks import Clocks
from docs_gen.closed import Closed
from docs_gen.cose import ALGORITHM, TYPE, covered
from docs_gen.keyfiles import DER, KeyFolderError
from docs_gen.sm2chain import Sm2Trust
from docs_gen.trustlist import TrustList

# COSE's tag, a header that the QR code's has not, and the algorithm.
SIGN1, X5CHAIN, ES256 = 18, 33, -7
KIND = "application/kuayu-trust-list+cbor"
HALF = 32
LIST_LIVES = timedelta(days=7)
MOST_BYTES = 16 * 1024 * 1024


class TrustListError(KeyFolderError):
    """A trust list that cannot be believed; says why."""


def fingerprint(certificate: x509.Certificate) -> str:
    """Return what a root is known by: the SHA-256 of its certificate, in hexadecimal digits."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def clean_fingerprint(text: str) -> str:
    """Return a fingerprint as people write it, with colons or spaces; refuse what is none."""
    found = "".join(text.split()).replace(":", "").lower()
    try:
        right = len(bytes.fromhex(found)) == hashes.SHA256.digest_size
    except ValueError:
        right = False
    if not right:
        raise TrustListError(f"a root's fingerprint has 64 hexadecimal digits, found {text!r}")
    return found


def seal_list(trust: TrustList, signer: Pair, root: x509.Certificate, now: datetime) -> bytes:
    """Sign a trust list that counts for seven days from now."""
    payload = cbor2.dumps(
        {
            "version": trust.version,
            "issued_at": int(now.timestamp()),
            "expires_at": int((now + LIST_LIVES).timestamp()),
            "roots": list(trust.roots),
            "intermediates": list(trust.intermediates),
            "crls": list(trust.crls),
            "qr_keys": dict(trust.qr_keys),
            "clocks": [list(trust.clocks.certificates), list(trust.clocks.crls)],
            "sm2": [list(trust.sm2.roots), list(trust.sm2.intermediates), list(trust.sm2.crls)],
            "closed": [list(trust.closed.cas), list(trust.closed.seals)],
            "sm2_closed": [list(trust.sm2.closed.cas), list(trust.sm2.closed.seals)],
        },
        canonical=True,
    )
    chain = [one.public_bytes(DER) for one in (signer.certificate, root)]
    header = cbor2.dumps({ALGORITHM: ES256, TYPE: KIND, X5CHAIN: chain}, canonical=True)
    r, s = decode_dss_signature(
        signer.key.sign(
            covered(header, payload), ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
        )
    )
    signature = r.to_bytes(HALF, "big") + s.to_bytes(HALF, "big")
    return cbor2.dumps(cbor2.CBORTag(SIGN1, [header, {}, payload, signature]), canonical=True)


def open_list(content: bytes, root: str, *, at_least: int = 0) -> TrustList:
    """Return a signed trust list; `root` is the SHA-256 of the one root that is believed.

    TrustListError if it is none, another root is behind it, its signature is wrong, or it is older
    than the version `at_least`. One that is past its time is returned: it proves nothing genuine,
    and still shows what was altered or revoked.
    """
    known = clean_fingerprint(root)
    if len(content) > MOST_BYTES:
        raise TrustListError("too long for a trust list")
    try:
        trust = _opened(content, known)
    except TrustListError:
        raise
    except Exception as error:  # noqa: BLE001 (whatever foreign bytes lead cbor2 to)
        raise TrustListError(f"no signed trust list: {type(error).__name__}") from None
    if trust.version < at_least:
        raise TrustListError(f"version {trust.version}: version {at_least} was seen before")
    return trust


def _opened(content: bytes, known: str) -> TrustList:
    tagged = cbor2.loads(content)
    if tagged.tag != SIGN1:
        raise TrustListError("no signed trust list")
    if cbor2.dumps(tagged, canonical=True) != content:
        raise TrustListError("no signed trust list: written in another way")
    header, _, payload, signature = tagged.value
    said = cbor2.loads(header)
    if said[ALGORITHM] != ES256 or said[TYPE] != KIND:
        raise TrustListError("no signed trust list: of another kind")
    signer, root = map(x509.load_der_x509_certificate, said[X5CHAIN])
    if fingerprint(root) != known:
        raise TrustListError(f"the list is of another root: {fingerprint(root)}")
    if not is_issued_by(root, root) or not signs_lists(signer, root):
        raise TrustListError("the list's signer is not one that the root lets sign lists")
    _require_signature(signer, signature, covered(header, payload))
    trust = _trust(cbor2.loads(payload), min(signer.not_valid_after_utc, root.not_valid_after_utc))
    if _is_revoked(signer, root, trust):
        raise TrustListError("the root has revoked the list's signer")
    return trust


def _trust(said: Mapping[str, object], ends: datetime) -> TrustList:
    """Return what a list says; it counts no longer than the certificates of who signed it."""
    lists = {name: said[name] for name in ("roots", "intermediates", "crls")}
    found = {
        name: tuple(one for one in value if isinstance(one, bytes))
        for name, value in lists.items()
        if isinstance(value, list)
    }
    numbers = [said[name] for name in ("version", "issued_at", "expires_at")]
    version, issued_at, expires_at = (one for one in numbers if type(one) is int)
    keys = said["qr_keys"]
    if not isinstance(keys, dict):
        raise TrustListError("no signed trust list: qr_keys")
    second_roots, second_cas, second_crls = _parts(said, "sm2", 3)
    return TrustList(
        roots=found["roots"], intermediates=found["intermediates"], crls=found["crls"],
        qr_keys=tuple(keys.items()), clocks=Clocks(*_parts(said, "clocks", 2)),
        sm2=Sm2Trust(second_roots, second_cas, second_crls, Closed(*_parts(said, "sm2_closed", 2))),
        closed=Closed(*_parts(said, "closed", 2)), version=version,
        issued_at=datetime.fromtimestamp(issued_at, UTC),
        expires_at=min(datetime.fromtimestamp(expires_at, UTC), ends),
    )  # fmt: skip


def _parts(said: Mapping[str, object], name: str, count: int) -> list[tuple[bytes, ...]]:
    """Return the parts of what lists of before clocks, SM2 or closed CAs do not have."""
    found = said.get(name, [[]] * count)
    if not isinstance(found, list) or len(found) != count:
        raise TrustListError(f"no signed trust list: {name}")
    if not all(isinstance(part, list) for part in found):
        raise TrustListError(f"no signed trust list: {name}")
    return [tuple(one for one in part if isinstance(one, bytes)) for part in found]


def _require_signature(signer: x509.Certificate, signature: bytes, covered: bytes) -> None:
    key = signer.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or len(signature) != 2 * HALF:
        raise TrustListError("the list's signature is wrong")
    r, s = (int.from_bytes(half, "big") for half in (signature[:HALF], signature[HALF:]))
    try:
        key.verify(encode_dss_signature(r, s), covered, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise TrustListError("the list's signature is wrong") from None


def _is_revoked(signer: x509.Certificate, root: x509.Certificate, trust: TrustList) -> bool:
    crls = map(x509.load_der_x509_crl, trust.crls)
    return any(
        crl.get_revoked_certificate_by_serial_number(signer.serial_number) is not None
        for crl in crls
        if is_signed_by(crl, root)
    )

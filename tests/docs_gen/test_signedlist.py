from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import cbor2
import pytest
from cryptography import x509

from docs_gen import signedlist
from docs_gen.ca import Pair, make_ca, make_list_signer
from docs_gen.chain import Chain
from docs_gen.clocks import Clocks
from docs_gen.closed import Closed
from docs_gen.keyfiles import DER, open_pkcs12
from docs_gen.pinned import load_pinned
from docs_gen.sealkeys import SealKey
from docs_gen.signedlist import (
    LIST_LIVES,
    SIGN1,
    X5CHAIN,
    TrustListError,
    fingerprint,
    open_list,
    seal_list,
)
from docs_gen.signing import issue
from docs_gen.sm2chain import Sm2Trust
from docs_gen.trust import TrustList, revoke_seal
from docs_gen.verifying import Finding, Verdict, verify
from tests.support.office import NOW, PASSPHRASE, TEMPLATES, Office, open_office

KIND = "pension-balance"
CLOCKS = Clocks((b"clock",), (b"crl",))
SM2 = Sm2Trust((b"sm2 root",), (b"sm2 ca",), (b"sm2 crl",), Closed((b"sm2 ca",), (b"seal",)))
CLOSED = Closed((b"a ca",), (b"a seal", b"another"))
TRUST = TrustList(
    (b"root",), (b"ca",), (), ((b"12345678", b"k" * 32),), 7, clocks=CLOCKS, sm2=SM2,
    closed=CLOSED,
)  # fmt: skip


def judge(content: bytes, trust: TrustList, now: datetime) -> Verdict:
    found: Finding = asyncio.run(verify(content, trust, now))
    return found.verdict


def certificates(office: Office) -> tuple[Pair, x509.Certificate]:
    signer, above = open_pkcs12(office.folder / "list.p12", PASSPHRASE.encode())
    return signer, above[0]


@pytest.fixture
def mine(office: Office, tmp_path: Path) -> Office:
    return office.copy(tmp_path / "mine")


@pytest.fixture
def exported(mine: Office) -> tuple[bytes, str]:
    """The list of an older folder, which had nothing that signs lists, and its root."""
    return Chain(mine.folder, PASSPHRASE).export(NOW)


def test_a_signed_list_says_what_the_folders_own_does_and_how_long_it_counts(
    mine: Office, exported: tuple[bytes, str], issued: bytes
) -> None:
    trust, own = open_list(*exported), mine.trust
    assert (trust.roots, trust.crls, trust.qr_keys) == (own.roots, own.crls, own.qr_keys)
    assert trust.intermediates == own.intermediates
    assert trust.version == own.version
    assert trust.issued_at == NOW
    assert trust.expires_at == NOW + LIST_LIVES
    assert judge(issued, trust, NOW) is Verdict.GENUINE


def test_a_list_that_is_too_old_or_of_tomorrow_finds_nothing_genuine(
    exported: tuple[bytes, str], issued: bytes, tmp_path: Path
) -> None:
    trust = open_list(*exported)
    strange = open_office(tmp_path / "stranger").issue()
    place = issued.index(b"stream") + 60
    altered = issued[:place] + bytes([issued[place] ^ 1]) + issued[place + 1 :]
    late, early = NOW + LIST_LIVES, NOW - timedelta(days=1)
    for moment, genuine, unknown in (
        (NOW, Verdict.GENUINE, Verdict.UNKNOWN),
        (late - timedelta(seconds=1), Verdict.GENUINE, Verdict.UNKNOWN),
        (late, Verdict.CANNOT_TELL, Verdict.CANNOT_TELL),
        (early, Verdict.CANNOT_TELL, Verdict.CANNOT_TELL),
    ):
        assert judge(issued, trust, moment) is genuine, moment
        assert judge(strange, trust, moment) is unknown, moment
        assert judge(altered, trust, moment) is Verdict.ALTERED, moment


def test_a_revocation_reaches_the_next_list(
    mine: Office, exported: tuple[bytes, str], issued: bytes
) -> None:
    revoke_seal(mine.folder, KIND, NOW, PASSPHRASE)
    later = NOW + timedelta(seconds=1)
    content, root = Chain(mine.folder, PASSPHRASE).export(later)
    newer, older = open_list(content, root), open_list(*exported)
    assert judge(issued, newer, later) is Verdict.REVOKED
    assert judge(issued, older, later) is Verdict.GENUINE
    assert newer.version > older.version
    assert judge(issued, newer, later + timedelta(days=30)) is Verdict.CANNOT_TELL


def test_a_list_of_another_root_is_refused_by_name(exported: tuple[bytes, str]) -> None:
    content, root = exported
    other = fingerprint(make_ca("别的根证书", None, NOW).certificate)
    with pytest.raises(TrustListError, match=root):
        open_list(content, other)
    pairs = [root[place : place + 2] for place in range(0, 64, 2)]
    assert open_list(content, ":".join(pairs).upper())
    for text in ("", "zz", root[:-2], root + "00"):
        with pytest.raises(TrustListError, match="64 hexadecimal"):
            open_list(content, text)


def test_no_other_key_signs_a_list(mine: Office, exported: tuple[bytes, str]) -> None:
    signer, root = certificates(mine)
    seal, above = open_pkcs12(mine.folder / "seals" / f"{KIND}.p12", PASSPHRASE.encode())
    ca = open_pkcs12(mine.folder / "ca" / "341522.p12", PASSPHRASE.encode())[0]
    false_root = make_ca("跨域演示根证书", None, NOW)
    by_ca = make_list_signer("列表", ca, NOW)
    stranger = make_list_signer("列表", false_root, NOW)
    swapped = Pair(signer.certificate, stranger.key)
    for one, words in (
        (seal, "lets sign"), (ca, "lets sign"), (by_ca, "lets sign"), (stranger, "lets sign"),
        (swapped, "signature is wrong"),
    ):  # fmt: skip
        with pytest.raises(TrustListError, match=words):
            open_list(seal_list(TRUST, one, root, NOW), exported[1])
    opened = open_list(seal_list(TRUST, signer, root, NOW), exported[1])
    assert (opened.version, opened.clocks, opened.sm2) == (7, CLOCKS, SM2)
    assert opened.closed == CLOSED
    assert above


def test_a_list_of_before_clocks_sm2_and_closed_cas_names_none(
    mine: Office, exported: tuple[bytes, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    signer, root = certificates(mine)
    written = cbor2.dumps

    def older(said: object, **options: bool) -> bytes:
        if isinstance(said, dict):
            since = {"clocks", "sm2", "closed", "sm2_closed"}
            said = {name: value for name, value in said.items() if name not in since}
        return written(said, **options)

    monkeypatch.setattr(signedlist.cbor2, "dumps", older)
    opened = open_list(seal_list(TRUST, signer, root, NOW), exported[1])
    assert (opened.version, opened.clocks, opened.sm2) == (7, Clocks(), Sm2Trust())
    assert opened.closed == Closed()


def test_what_signs_lists_seals_nothing(mine: Office, exported: tuple[bytes, str]) -> None:
    signer, root = certificates(mine)
    key = SealKey(signer.certificate, signer.key, [root])
    signed = asyncio.run(issue(mine.facts(), TEMPLATES[KIND], key)).pdf
    assert mine.judge(signed).verdict is not Verdict.GENUINE


def test_no_changed_byte_of_a_list_goes_unnoticed(exported: tuple[bytes, str]) -> None:
    content, root = exported
    whole = open_list(content, root)
    step = max(1, len(content) // 500)
    for place in range(0, len(content), step):
        changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        try:
            found = open_list(changed, root)
        except TrustListError:
            continue
        assert found == whole, "a byte that says nothing"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda parts: parts[:3],
        lambda parts: [b"", *parts[1:]],
        lambda parts: [*parts[:3], b""],
        lambda parts: [*parts[:2], b"\xff", parts[3]],
        lambda parts: [cbor2.dumps({X5CHAIN: []}), *parts[1:]],
        lambda _: 7,
    ],
)
def test_what_is_no_list_is_refused(
    spoil: Callable[[Any], object], exported: tuple[bytes, str]
) -> None:
    content, root = exported
    spoiled = cbor2.dumps(cbor2.CBORTag(SIGN1, spoil(list(cbor2.loads(content).value))))
    for one in (spoiled, b"", b"\x00", b"{}", content[:-1], b"\xd2\x9f" * 1000):
        with pytest.raises(TrustListError):
            open_list(one, root)


def test_a_list_counts_no_longer_than_who_signed_it(
    mine: Office, exported: tuple[bytes, str]
) -> None:
    signer, root = certificates(mine)
    ends = signer.certificate.not_valid_after_utc
    late = seal_list(TRUST, signer, root, ends - timedelta(days=1))
    assert open_list(late, exported[1]).expires_at == ends


def test_lists_of_a_revoked_signer_are_refused_and_the_new_ones_are_not(
    mine: Office, exported: tuple[bytes, str]
) -> None:
    chain = Chain(mine.folder, PASSPHRASE)
    stolen, root = certificates(mine)
    chain.rotate_list(NOW)
    content, known = chain.export(NOW)
    assert open_list(content, known)
    forged = seal_list(open_list(content, known), stolen, root, NOW)
    with pytest.raises(TrustListError, match="revoked"):
        open_list(forged, known)


def test_the_first_root_is_given_and_from_then_on_remembered_with_the_newest_version(
    mine: Office, exported: tuple[bytes, str], tmp_path: Path
) -> None:
    content, root = exported
    path = tmp_path / "kuayu.trust"
    path.write_bytes(content)
    with pytest.raises(TrustListError, match="--root"):
        load_pinned(path, None)
    assert load_pinned(path, root) == load_pinned(path, None)
    newer = Chain(mine.folder, PASSPHRASE).export(NOW)[0]
    path.write_bytes(newer)
    assert load_pinned(path, None).version == open_list(newer, root).version
    path.write_bytes(content)
    with pytest.raises(TrustListError, match="version"):
        load_pinned(path, None)
    path.write_bytes(newer)
    with pytest.raises(TrustListError, match="another root"):
        load_pinned(path, "00" * 32)
    assert load_pinned(path, None)
    path.with_name("kuayu.trust.pin").write_text("{}")
    with pytest.raises(TrustListError, match=r"kuayu\.trust\.pin"):
        load_pinned(path, None)
    path.with_name("kuayu.trust.pin").unlink()
    path.unlink()
    with pytest.raises(TrustListError, match=r"kuayu\.trust"):
        load_pinned(path, root)


def test_an_intermediate_of_the_list_is_der(exported: tuple[bytes, str]) -> None:
    trust = open_list(*exported)
    found = [x509.load_der_x509_certificate(one).public_bytes(DER) for one in trust.intermediates]
    assert tuple(found) == trust.intermediates


def test_a_list_can_be_written_in_one_way_only(exported: tuple[bytes, str]) -> None:
    content, root = exported
    whole = cbor2.loads(content)
    others = (
        content + b"\0",
        cbor2.dumps(cbor2.CBORTag(SIGN1, [*whole.value, 0])),
        # The same tag, and the same array, with their heads longer than need be.
        b"\xd8\x12" + content[1:],
        content[:1] + b"\x98\x04" + content[2:],
        content[:1] + b"\x9f" + content[2:] + b"\xff",
    )
    for one in others:
        with pytest.raises(TrustListError):
            open_list(one, root)

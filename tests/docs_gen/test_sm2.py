"""SM2 and SM3 against published values, OpenSSL's own commands, and GmSSL as another's work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gmssl_pyx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from docs_gen import sm2
from docs_gen.sm2 import PrivateKey, Sm2Error, Sm2MissingError
from tests.support.openssl import NAMED, openssl

# GB/T 32918.5-2017, annex A.2: the signature of "message digest" by the usual signer's id.
POINT = bytes.fromhex(
    "04"
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
R = 0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3
S = 0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA
ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
# GB/T 32905-2016, annex A.
DIGESTS = {
    b"abc": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
    b"abcd" * 16: "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
}


@pytest.fixture(scope="module")
def key() -> PrivateKey:
    return PrivateKey.generate()


@pytest.mark.parametrize("text", DIGESTS)
def test_sm3_gives_the_published_digests(text: bytes) -> None:
    assert sm2.sm3(text).hex() == DIGESTS[text] == gmssl_pyx.sm3_hash(text).hex()


def test_the_published_signature_verifies_and_no_other() -> None:
    assert sm2.verify(POINT, b"message digest", encode_dss_signature(R, S))
    assert not sm2.verify(POINT, b"message digesT", encode_dss_signature(R, S))
    for r, s in ((R, S + 1), (R, ORDER - S), (S, R), (R + ORDER, S), (0, S), (R, 0), (R, ORDER)):
        assert not sm2.verify(POINT, b"message digest", encode_dss_signature(r, s))


def test_a_signature_in_another_encoding_is_none() -> None:
    right = encode_dss_signature(R, S)
    for wrong in (right + b"\0", b"", right[:-1], b"\x30\x81" + right[1:]):
        assert not sm2.verify(POINT, b"message digest", wrong)


def test_a_point_off_the_curve_verifies_nothing() -> None:
    for point in (POINT[:-1] + b"\0", b"\x04" + bytes(64), POINT[:33], POINT + b"\0", b""):
        assert not sm2.verify(point, b"message digest", encode_dss_signature(R, S))


def test_gmssl_finds_our_signatures_good_and_we_find_its(key: PrivateKey) -> None:
    for text in (b"", b"kuayu", bytes(range(256)) * 99):
        assert gmssl_pyx.sm2_verify(key.point[1:], text, key.sign(text))
        assert not gmssl_pyx.sm2_verify(key.point[1:], text + b"x", key.sign(text))
    theirs, secret = gmssl_pyx.sm2_key_generate()
    made = gmssl_pyx.sm2_sign(secret, theirs, b"kuayu")
    assert sm2.verify(b"\x04" + theirs[-64:], b"kuayu", made)
    without_name = gmssl_pyx.sm2_sign(secret, theirs, b"kuayu", signer_id=b"another")
    assert not sm2.verify(b"\x04" + theirs[-64:], b"kuayu", without_name)


def test_two_signatures_of_one_text_differ(key: PrivateKey) -> None:
    assert key.sign(b"kuayu") != key.sign(b"kuayu")


def test_openssl_opens_a_kept_key_and_verifies_with_it(key: PrivateKey, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(key.seal(b"words"))
    (tmp_path / "text").write_bytes(b"kuayu")
    (tmp_path / "signature").write_bytes(key.sign(b"kuayu"))
    opened = ("pkey", "-in", "key.pem", "-passin", "pass:words", "-pubout", "-out", "public.pem")
    assert openssl(tmp_path, *opened) == ""
    asked = ("pkeyutl", "-verify", "-pubin", "-inkey", "public.pem", "-rawin", "-digest", "sm3")
    files = ("-in", "text", "-sigfile", "signature")
    assert "Verified Successfully" in openssl(tmp_path, *asked, "-pkeyopt", NAMED, *files)
    assert b"ENCRYPTED" in key.seal(b"words")


def test_a_key_opens_with_its_passphrase_only(key: PrivateKey) -> None:
    kept = key.seal(b"words")
    assert PrivateKey.open(kept, b"words").point == key.point
    for wrong in (b"", b"word"):
        with pytest.raises(Sm2Error, match="does not open"):
            PrivateKey.open(kept, wrong)


def test_a_key_of_another_curve_is_refused() -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    pem = other.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )  # fmt: skip
    with pytest.raises(Sm2Error, match="expected an SM2 key"):
        PrivateKey.open(pem, b"words")
    public = other.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with pytest.raises(Sm2Error, match="expected an SM2 public key"):
        sm2.point_of(public)


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose OpenSSL, if it has one, is not of the kind that has SM2."""
    sm2._library.cache_clear()
    monkeypatch.setattr(sm2, "LIBRARIES", ("libcrypto.so.0", "libz.so.1"))
    yield
    sm2._library.cache_clear()


@pytest.mark.usefixtures("nowhere")
def test_a_machine_without_sm2_says_what_to_install() -> None:
    assert not sm2.is_there()
    with pytest.raises(Sm2MissingError, match="apt install libssl3"):
        sm2.require()
    with pytest.raises(Sm2MissingError, match="apt install libssl3"):
        PrivateKey.generate()

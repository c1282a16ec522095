from __future__ import annotations

import base64
from datetime import date

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from docs_gen.qr import Claim, TokenError, encode, read
from docs_gen.trust import qr_key_id

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY_ID = qr_key_id(KEY.public_key())
KEYS = {KEY_ID: KEY.public_key()}
CLAIM = Claim(
    "1.2.156.3005.2.11100000MB0000011U001.11341522MB0000001T.20260000017.001.G",
    "城乡居民养老保险个人账户余额证明",
    "张*",
    "霍邱县人力资源和社会保障局（演示）",
    date(2026, 11, 23),
    date(2027, 2, 21),
)
TOKEN = encode(CLAIM, KEY, KEY_ID)
DAYS = st.dates(date(1970, 1, 1), date(2200, 1, 1))


def token_of(parts: object) -> str:
    return base64.urlsafe_b64encode(cbor2.dumps(parts)).decode().rstrip("=")


def parts_of(token: str) -> list[object]:
    parts = cbor2.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    assert isinstance(parts, list)
    return parts


def test_what_was_signed_is_read_back() -> None:
    assert read(TOKEN, KEYS) == CLAIM


@given(st.builds(Claim, *(st.text(max_size=60),) * 4, DAYS, DAYS))
def test_every_claim_is_read_back(claim: Claim) -> None:
    assert read(encode(claim, KEY, KEY_ID), KEYS) == claim


def test_the_same_claim_gives_the_same_token() -> None:
    assert encode(CLAIM, KEY, KEY_ID) == TOKEN


def test_a_token_leaves_the_address_short_enough_to_print() -> None:
    assert len(TOKEN) < 400


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from("ABCabc019-_"))
def test_a_changed_character_is_refused(at: int, other: str) -> None:
    changed = TOKEN[:at] + other + TOKEN[at + 1 :]
    if changed != TOKEN:
        with pytest.raises(TokenError):
            read(changed, KEYS)


@given(
    st.text(max_size=200)
    | st.binary(max_size=300).map(lambda b: base64.urlsafe_b64encode(b).decode())
)
def test_whatever_else_is_read_is_refused(text: str) -> None:
    with pytest.raises(TokenError):
        read(text, KEYS)


JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.binary(max_size=20)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)  # fmt: skip


@given(JSONISH)
def test_other_structures_are_refused(parts: object) -> None:
    token = token_of(parts)
    if len(token) <= 1000:
        with pytest.raises(TokenError):
            read(token, KEYS)


@pytest.mark.parametrize(
    "raw",
    [
        b"\x81" * 700,
        b"\x9f" * 700,
        b"\xd8\x1c" * 300,
        b"\xa1" * 700,
        b"\x5b" + b"\xff" * 8,
        b"\xc2\x58\xff" + b"\xff" * 255,
        b"\x9a" + b"\xff" * 4,
    ],
)
def test_nested_and_boasting_structures_are_refused(raw: bytes) -> None:
    with pytest.raises(TokenError):
        read(base64.urlsafe_b64encode(raw).decode(), KEYS)


def signed(payload: object, header: object | None = None) -> str:
    """Return a token that our key signed over anything."""
    protected = cbor2.dumps({1: -8, 4: KEY_ID} if header is None else header)
    content = payload if isinstance(payload, bytes) else cbor2.dumps(payload)
    to_be_signed = cbor2.dumps(["Signature1", protected, b"", content])
    return token_of([protected, {}, content, KEY.sign(to_be_signed)])


@pytest.mark.parametrize(
    "payload",
    [
        {},
        [],
        7,
        b"",
        {1: "n", 2: "t", 3: "h", 4: "i", 5: 1},
        {1: 1, 2: "t", 3: "h", 4: "i", 5: 1, 6: 2},
        {1: "n", 2: "t", 3: "h", 4: "i", 5: 10**12, 6: 2},
        {1: "n", 2: "t", 3: "h", 4: "i", 5: "soon", 6: 2},
        {1: "n", 2: "t", 3: "h", 4: "i", 5: 1.5, 6: 2},
        {1: "n", 2: "t", 3: "h", 4: "i", 5: True, 6: 2},
    ],
)
def test_a_claim_that_says_something_else_is_refused(payload: object) -> None:
    with pytest.raises(TokenError):
        read(signed(payload), KEYS)


@pytest.mark.parametrize("header", [{}, {1: -7, 4: KEY_ID}, {4: KEY_ID}, {1: -8, 4: b"else"}, [1]])
def test_another_algorithm_or_key_is_refused(header: object) -> None:
    claim = {1: "n", 2: "t", 3: "h", 4: "i", 5: 1, 6: 2}
    assert read(signed(claim), KEYS).number == "n"
    with pytest.raises(TokenError):
        read(signed(claim, header), KEYS)


def test_a_key_that_is_no_longer_listed_is_refused() -> None:
    with pytest.raises(TokenError):
        read(TOKEN, {})


def test_nothing_can_be_added_to_a_token() -> None:
    parts = parts_of(TOKEN)
    parts[1] = {1: "more"}
    raw = base64.urlsafe_b64decode(TOKEN + "=" * (-len(TOKEN) % 4))
    for changed in (
        token_of(parts),
        base64.urlsafe_b64encode(raw + b"\0").decode().rstrip("="),
        base64.urlsafe_b64encode(b"\xd2" + raw).decode().rstrip("="),
        TOKEN + "=",
        TOKEN + "\n",
        " " + TOKEN,
    ):
        with pytest.raises(TokenError):
            read(changed, KEYS)

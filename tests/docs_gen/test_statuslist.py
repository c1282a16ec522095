from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as some

from docs_gen import cose, qr
from docs_gen.numbers import identifier
from docs_gen.statuslist import (
    BITMAP,
    KIND,
    LENGTH,
    LIVES,
    Place,
    Status,
    StatusListError,
    encode,
    make,
    place_of,
    read,
)

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
ISSUER = "11341522MB0000001T"
KEY, KEY_ID = Ed25519PrivateKey.from_private_bytes(b"k" * 32), b"key-1"
STRANGER = Ed25519PrivateKey.from_private_bytes(b"x" * 32)
KEYS = {KEY_ID: KEY.public_key()}
STATUSES = {1: Status.VALID, 2: Status.REVOKED, 3: Status.SUPERSEDED, 6: Status.VALID}


def signed(version: int = 7, key: Ed25519PrivateKey = KEY) -> bytes:
    return encode(make(ISSUER, 2026, version, NOW, STATUSES.items()), key, KEY_ID)


def why(raw: bytes, now: datetime = NOW, *, at_least: int = 0) -> str:
    with pytest.raises(StatusListError) as refused:
        read(raw, KEYS, now, at_least=at_least)
    return str(refused.value)


def changed(**what: object) -> bytes:
    """The list with other values in its payload, signed by the right key."""
    payload = cbor2.loads(cose.payload_of(signed(), KEYS, kind=KIND))
    names = {"length": LENGTH, "bitmap": BITMAP}
    payload |= {names[name]: value for name, value in what.items()}
    return cose.sign(cbor2.dumps(payload, canonical=True), KEY, KEY_ID, kind=KIND)


def test_a_list_says_of_each_serial_how_it_stands() -> None:
    found = read(signed(), KEYS, NOW)
    said = {serial: found.status(Place(ISSUER, 2026, serial)) for serial in range(9)}
    gaps = dict.fromkeys(set(range(9)) - set(STATUSES), Status.NOT_ISSUED)
    assert said == STATUSES | gaps
    assert (found.version, found.issued_at, found.expires_at) == (7, NOW, NOW + LIVES)


@given(some.dictionaries(some.integers(1, 4000), some.sampled_from(Status)))
def test_what_was_written_is_read(statuses: dict[int, Status]) -> None:
    found = read(encode(make(ISSUER, 2026, 1, NOW, statuses.items()), KEY, KEY_ID), KEYS, NOW)
    for serial in (*statuses, 4001):
        expected = statuses.get(serial, Status.NOT_ISSUED)
        assert found.status(Place(ISSUER, 2026, serial)) is expected


def test_the_number_says_where_to_look() -> None:
    number = identifier("11100000MB0000011U001", ISSUER, "20260000017")
    assert place_of(number) == Place(ISSUER, 2026, 17)
    for wrong in ("", number[:-1] + "?", identifier("11100000MB0000011U001", ISSUER, "17")):
        with pytest.raises(ValueError, match="number"):
            place_of(wrong)


def test_another_issuers_or_years_certificate_is_not_looked_up() -> None:
    found = read(signed(), KEYS, NOW)
    for place in (Place("11320509MB0000001C", 2026, 1), Place(ISSUER, 2027, 1)):
        with pytest.raises(StatusListError, match="other"):
            found.status(place)


def test_nobody_elses_signature_counts_and_no_other_kind_of_ours() -> None:
    assert why(signed(key=STRANGER)) == "signature"
    payload = cose.payload_of(signed(), KEYS, kind=KIND)
    assert why(cose.sign(payload, KEY, KEY_ID)) == "signature"
    assert why(cose.sign(payload, KEY, KEY_ID, kind="another")) == "signature"
    assert why(b"") == "signature"


def test_a_status_list_is_no_qr_code_and_a_qr_code_is_no_status_list() -> None:
    claim = qr.Claim("1.2.3", "证明", "张*", "人社局", NOW.date(), NOW.date())
    token = qr.encode(claim, KEY, KEY_ID)
    raw = qr.base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    assert why(raw) == "signature"
    text = qr.base64.urlsafe_b64encode(signed()).decode().rstrip("=")
    with pytest.raises(qr.TokenError):
        qr.read(text, KEYS)


def test_not_one_flipped_bit_passes() -> None:
    whole = signed()
    for place in range(len(whole)):
        for bit in range(8):
            flipped = bytearray(whole)
            flipped[place] ^= 1 << bit
            assert why(bytes(flipped)) == "signature"


@pytest.mark.parametrize(
    ("ahead", "counts"),
    [
        (timedelta(0), True),
        (LIVES - timedelta(seconds=1), True),
        (LIVES, False),
        (timedelta(minutes=-5), True),
        (timedelta(minutes=-6), False),
    ],
)
def test_a_list_counts_for_a_week(ahead: timedelta, *, counts: bool) -> None:
    if counts:
        assert read(signed(), KEYS, NOW + ahead).version == 7
    else:
        assert why(signed(), NOW + ahead) == "expired"


def test_a_version_never_goes_back() -> None:
    assert read(signed(7), KEYS, NOW, at_least=7).version == 7
    assert why(signed(6), at_least=7) == "older"


@pytest.mark.parametrize(
    "what",
    [
        {"bitmap": zlib.compress(b"\x94")},
        {"bitmap": zlib.compress(b"\x94\x10\x00")},
        {"bitmap": zlib.compress(b"\x94\x10")[:-1]},
        {"bitmap": zlib.compress(b"\x94\x10") + b"more"},
        {"bitmap": b"no zlib"},
        {"bitmap": "text"},
        {"bitmap": zlib.compress(bytes(50_000_000), 9)},
        {"length": 5},
        {"length": 9},
        {"length": 0},
        {"length": 10_000_001},
        {"length": True},
    ],
)
def test_a_bitmap_that_is_not_whole_is_refused_though_it_is_signed(what: dict[str, object]) -> None:
    assert why(changed(**what)) == "malformed"


def test_the_same_list_has_the_same_bytes() -> None:
    assert signed() == signed()
    assert make(ISSUER, 2026, 7, NOW, STATUSES.items()).bitmap == b"\xe4\x10"


@pytest.mark.parametrize("serial", [0, -1, 10_000_000])
def test_a_serial_that_cannot_be_has_no_place(serial: int) -> None:
    with pytest.raises(ValueError, match="serial"):
        make(ISSUER, 2026, 1, NOW, [(serial, Status.VALID)])


def test_a_million_certificates_fit_into_a_quarter_of_a_megabyte() -> None:
    statuses = ((one, Status.VALID if one % 97 else Status.REVOKED) for one in range(1, 1_000_001))
    raw = encode(make(ISSUER, 2026, 1, NOW, statuses), KEY, KEY_ID)
    assert len(raw) < 250_000
    assert read(raw, KEYS, NOW).length == 1_000_001

from __future__ import annotations

from docs_gen.qr import encode, read
from tests.support.codes import (
    ATTACKS,
    CLAIMS,
    KEYS,
    OLD_ID,
    ROTATED_OUT,
    TOKENS,
    every_flip,
    judge_altered,
    refused,
)

MANY = 5_000


def test_what_is_altered_was_genuine() -> None:
    assert [read(token, KEYS) for token in TOKENS] == CLAIMS
    old = encode(CLAIMS[0], ROTATED_OUT, OLD_ID)
    assert read(old, KEYS | {OLD_ID: ROTATED_OUT.public_key()}) == CLAIMS[0]


def test_a_flipped_bit_is_refused_at_every_place() -> None:
    assert all(map(refused, every_flip(TOKENS[0])))


def test_of_thousands_of_altered_codes_none_is_genuine() -> None:
    found = judge_altered(range(MANY))
    assert found.total() == MANY
    assert set(found) == set(ATTACKS)

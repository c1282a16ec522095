from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.vault import CaseKey, Vault, VaultError

VAULT = Vault(b"s" * 32)
OTHER = Vault(b"t" * 32)
KEY = VAULT.open_key(VAULT.new_key("case-1"), "case-1")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@given(value=TEXT, context=TEXT)
def test_what_is_sealed_opens_again(value: str, context: str) -> None:
    sealed = KEY.seal(value, context)
    assert KEY.open(sealed, context) == value
    assert sealed.isascii()


@given(value=TEXT, context=TEXT, other=TEXT)
def test_a_value_opens_in_its_own_context_only(value: str, context: str, other: str) -> None:
    sealed = KEY.seal(value, context)
    if other != context:
        with pytest.raises(VaultError):
            KEY.open(sealed, other)


@given(value=TEXT, data=st.data())
def test_a_changed_byte_is_noticed(value: str, data: st.DataObject) -> None:
    raw = bytearray(base64.b64decode(KEY.seal(value, "context")))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(VaultError):
        KEY.open(base64.b64encode(raw).decode(), "context")


@given(
    rubbish=st.text(max_size=100)
    | st.binary(max_size=100).map(lambda raw: base64.b64encode(raw).decode())
)
def test_rubbish_does_not_open(rubbish: str) -> None:
    with pytest.raises(VaultError):
        KEY.open(rubbish, "context")
    with pytest.raises(VaultError):
        VAULT.open_key(rubbish, "case-1")


def test_the_same_value_never_looks_the_same() -> None:
    assert len({KEY.seal("320509197001010009", "id_number") for _ in range(100)}) == 100


def test_nothing_of_the_value_shows() -> None:
    raw = base64.b64decode(KEY.seal("320509197001010009", "id_number"))
    assert b"3205" not in raw


def test_another_case_has_another_key() -> None:
    wrapped = VAULT.new_key("case-1")
    with pytest.raises(VaultError):
        VAULT.open_key(wrapped, "case-2")
    sealed = KEY.seal("value", "context")
    with pytest.raises(VaultError):
        VAULT.open_key(VAULT.new_key("case-1"), "case-1").open(sealed, "context")


def test_a_wrapped_key_opens_after_a_restart_with_the_same_secret_only() -> None:
    wrapped = VAULT.new_key("case-1")
    sealed = VAULT.open_key(wrapped, "case-1").seal("value", "context")
    again = Vault(b"s" * 32).open_key(wrapped, "case-1")
    assert again.open(sealed, "context") == "value"
    with pytest.raises(VaultError):
        OTHER.open_key(wrapped, "case-1")


def test_equal_values_share_an_index_within_one_purpose_and_secret() -> None:
    index = VAULT.blind_index("id_number", "320509197001010009")
    assert index == VAULT.blind_index("id_number", "320509197001010009")
    assert len({
        index,
        VAULT.blind_index("phone", "320509197001010009"),
        VAULT.blind_index("id_number", "320509197001010000"),
        OTHER.blind_index("id_number", "320509197001010009"),
    }) == 4  # fmt: skip


@given(token=TEXT)
def test_a_token_is_kept_as_64_hex_digits(token: str) -> None:
    kept = VAULT.token_hash(token)
    assert len(bytes.fromhex(kept)) == 32
    assert kept == VAULT.token_hash(token)


def test_a_short_secret_or_key_is_refused() -> None:
    with pytest.raises(ValueError, match="fewer than 32"):
        Vault(b"s" * 31)
    with pytest.raises(ValueError, match="AESGCM key"):
        CaseKey(b"s" * 31)


def test_a_vault_does_not_show_its_keys() -> None:
    assert "s" * 8 not in repr(VAULT)
    assert "s" * 8 not in repr(KEY)

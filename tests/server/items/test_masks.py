from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.items.masks import mask_id_number, mask_name, mask_phone, mask_value
from server.items.rules import Field, FieldType, Owner


def field(kind: str) -> Field:
    return Field("x", "某项", Owner.LOCAL, FieldType(kind), personal=True)


def test_masks_show_what_tells_people_apart_and_no_more() -> None:
    assert mask_id_number("34152219580312000X") == "3415**********000X"
    assert mask_phone("13800001234") == "138****1234"
    assert mask_phone("0512-63000000") == "051******0000"
    assert mask_name("张三") == "张*"
    assert mask_name("张三丰") == "张**"
    assert mask_name("阿卜杜拉·买买提") == "阿*******"
    assert mask_name("𠮷野") == "𠮷*"


@pytest.mark.parametrize("mask", [mask_id_number, mask_phone, mask_name])
@pytest.mark.parametrize("text", ["", "张", "1", "1234567"])
def test_what_is_too_short_to_mask_in_part_is_masked_whole_or_in_part(
    mask: Callable[[str], str], text: str
) -> None:
    assert len(mask(text)) == len(text)
    assert mask(text) != text or not text


@given(st.sampled_from(FieldType), st.text(min_size=1))
def test_a_masked_value_keeps_its_length_and_never_shows_the_whole(
    kind: FieldType, value: str
) -> None:
    shown = mask_value(field(kind), value)
    assert len(shown) == len(value)
    assert "*" in shown
    assert shown.replace("*", "") != value or "*" in value


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("text", "6222000000001234567", "622" + "*" * 16),
        ("address", "北京市", "北**"),
        ("text", "ab", "**"),
        ("name", "张三", "张*"),
        ("phone", "13800001234", "138****1234"),
        ("id_number", "34152219580312000X", "3415**********000X"),
        ("money", "1234.50", "12*****"),
    ],
)
def test_a_personal_field_is_masked_by_its_type(kind: str, value: str, shown: str) -> None:
    assert mask_value(field(kind), value) == shown

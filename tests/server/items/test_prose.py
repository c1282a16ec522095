"""Remarks and reasons: people's own words, of several lines."""

from __future__ import annotations

import pytest

from server.errors import ServiceError
from server.items.values import check_prose


def test_lines_are_kept_and_each_is_tidied() -> None:
    assert check_prose(" 第一行 \r\n\r\n第　二行\n", "remark", 50) == "第一行\n第 二行"


def test_nothing_stays_nothing() -> None:
    assert check_prose(" \n ", "remark", 50) == ""


@pytest.mark.parametrize(
    ("text", "code"), [("好\u202e坏", "text.bad_characters"), ("字\n" * 30, "text.too_long")]
)
def test_what_cannot_be_seen_or_is_too_long_is_refused(text: str, code: str) -> None:
    with pytest.raises(ServiceError) as refused:
        check_prose(text, "remark", 50)
    assert refused.value.code == code


def test_nothing_is_refused_where_something_is_required() -> None:
    with pytest.raises(ServiceError) as refused:
        check_prose(" \n", "reason", 50, required=True)
    assert refused.value.code == "text.empty"

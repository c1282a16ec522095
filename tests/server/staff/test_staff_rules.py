from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from server.errors import ServiceError
from server.staff.rules import check_display_name, check_name, check_password, fold_name, must_touch

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize("name", ["wujiang-1", "a1", "zhang.san_feng", "x" * 32])
def test_a_plain_name_is_kept(name: str) -> None:
    assert check_name(name) == name


def test_capitals_and_blanks_around_a_name_do_not_matter() -> None:
    assert fold_name("  WuJiang ") == "wujiang"


@pytest.mark.parametrize(
    "name",
    ["", "a", "x" * 33, "张三丰", "a b", "-ab", "a\x00b", "ab\n", "a\u2028b", "ａｂｃ", "İab"],
)
def test_what_can_be_no_name_is_refused(name: str) -> None:
    folded = fold_name(name)
    assert folded in {"", "ab"}
    if not folded:
        with pytest.raises(ServiceError, match=r"text\.bad_characters"):
            check_name(name)


@pytest.mark.parametrize(
    "password", ["", "short", "9" * 9, "a" * 12, "wujiang-clerk", " WUJIANG-clerk", "ab" * 101]
)
def test_a_weak_password_is_refused(password: str) -> None:
    with pytest.raises(ServiceError, match=r"password\.weak") as refused:
        check_password("wujiang-clerk", password)
    assert refused.value.details == {"field": "password", "at_least": 10, "at_most": 200}


@pytest.mark.parametrize(
    "password", ["0123456789", "ab" * 100, "一二三四五六七八九十", "wujiang-clerk2"]
)
def test_ten_to_two_hundred_characters_will_do(password: str) -> None:
    check_password("wujiang-clerk", password)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "text.empty"),
        ("  ", "text.empty"),
        ("张" * 41, "text.too_long"),
        ("张\x00", "text.bad_characters"),
        ("张\n三", "text.bad_characters"),
        ("张\u202e三", "text.bad_characters"),
        ("张\ud800", "text.bad_characters"),
    ],
)
def test_a_display_name_is_short_and_printable(name: str, code: str) -> None:
    with pytest.raises(ServiceError) as refused:
        check_display_name(name)
    assert refused.value.code == code


def test_a_display_name_may_be_rare_or_have_a_middle_dot() -> None:
    assert check_display_name(" 阿卜杜·𠮷 ") == "阿卜杜·𠮷"


@pytest.mark.parametrize(
    ("seconds", "worth"), [(0, False), (59.9, False), (60, True), (3600, True)]
)
def test_a_login_is_noted_once_a_minute(seconds: float, *, worth: bool) -> None:
    assert must_touch(NOW - timedelta(seconds=seconds), NOW) is worth

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docs_gen.lines import NOT_AT_END, NOT_AT_START, break_lines, inked


def measure(text: str) -> float:
    """Return a width: 1 for a full-width character and a half for any other."""
    wide = sum(unicodedata.east_asian_width(c) in "WFA" for c in text)
    return wide + (len(text) - wide) / 2


ANYTHING = st.text(
    st.one_of(
        st.sampled_from("，。、；：？！）》（《“”—…"), st.sampled_from("天地玄黄宇宙洪荒"),
        st.sampled_from("abcXYZ019.-/ "),
    ),
    max_size=120,
)  # fmt: skip


@given(ANYTHING, st.floats(3, 40), st.sampled_from((0.0, 2.0)))
def test_every_text_is_broken_into_lines_that_fit_and_lose_nothing(
    text: str, width: float, indent: float
) -> None:
    lines = break_lines(text, measure, width, indent)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    for i, line in enumerate(lines):
        assert len(line) <= 1 or inked(line, measure) <= width - (indent if i == 0 else 0)


@given(st.text(st.sampled_from("天地玄黄，。、：）》（《"), max_size=200), st.integers(6, 30))
def test_no_line_begins_or_ends_with_the_wrong_mark(text: str, width: int) -> None:
    lines = break_lines(text, measure, width)
    # A run of marks as long as a line cannot be broken rightly; none of these may be left alone.
    runs = "".join("," if c in NOT_AT_START | NOT_AT_END else " " for c in text).split()
    if max(map(len, runs), default=0) >= width - 1:
        return
    assert not any(line[0] in NOT_AT_START for line in lines[1:])
    assert not any(line[-1] in NOT_AT_END for line in lines[:-1])


@given(st.integers(5, 30), st.text("0123456789", min_size=1, max_size=9))
def test_a_number_is_never_broken_where_a_line_has_room_for_it(width: int, number: str) -> None:
    text = "天地玄黄" * 6 + number + "宇宙洪荒" * 6
    assert any(number in line for line in break_lines(text, measure, width))


def test_a_word_wider_than_a_line_is_broken() -> None:
    assert break_lines("a" * 25, measure, 5) == ["a" * 10, "a" * 10, "a" * 5]


def test_a_mark_takes_the_character_before_it_along() -> None:
    assert break_lines("天地玄黄宇宙？", measure, 6) == ["天地玄黄宇", "宙？"]


def test_a_closing_mark_counts_half_at_a_lines_end() -> None:
    assert break_lines("天地玄黄宇宙，洪荒", measure, 6.5) == ["天地玄黄宇宙，", "洪荒"]


def test_a_mark_after_a_word_as_long_as_a_line_begins_the_next() -> None:
    assert break_lines("天" + "a" * 12 + "？", measure, 6) == ["天", "a" * 12, "？"]
    assert break_lines("-" + "a" * 12 + "？", measure, 6.5) == ["-" + "a" * 12, "？"]


def test_a_blank_never_begins_a_line() -> None:
    assert break_lines("aaaa bbbb cc", measure, 2) == ["aaaa", "bbbb", "cc"]


def test_the_first_line_is_shorter_by_its_indent() -> None:
    assert break_lines("天地玄黄宇宙", measure, 4, 2) == ["天地", "玄黄宇宙"]


@pytest.mark.parametrize("text", ["", " "])
def test_nothing_makes_no_line(text: str) -> None:
    assert "".join(break_lines(text, measure, 4)) == ""

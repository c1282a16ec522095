from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from server.items.messages import ItemView
from server.items.values import ReviewRule
from tests.support.catalogue import Change, line_of, read, refusal

AUTHORITIES = 'authorities = { "341522" = "huoqiu-hrss" }'
LIMIT = 'review = { field = "paid", above = 2000.5 }'


def with_review(line: str) -> Change:
    return (AUTHORITIES, f"{AUTHORITIES}\n  {line}")


@pytest.mark.parametrize(
    ("paid", "asked"),
    [("2000.50", False), ("2000.51", True), ("0.00", False), ("", True), ("much", True),
     ("NaN", True)],
)  # fmt: skip
def test_a_second_clerk_is_asked_above_the_limit_and_where_nobody_can_tell(
    paid: str, *, asked: bool
) -> None:
    assert ReviewRule("paid", Decimal("2000.5")).asks({"paid": paid}) is asked


def test_without_a_limit_a_second_clerk_is_always_asked() -> None:
    assert ReviewRule().asks({})


def test_the_rule_is_read_and_shown_with_the_item(tmp_path: Path) -> None:
    for line, rule, shown in (
        (LIMIT, ReviewRule("paid", Decimal("2000.5")), {"field": "paid", "above": "2000.5"}),
        ("review = { always = true }", ReviewRule(), {"field": None, "above": None}),
    ):
        item = read(tmp_path, with_review(line))[1].current("pension")
        assert item.certificates[0].review == rule
        view = ItemView.of(item, []).certificates[0].review
        assert view is not None
        assert view.model_dump() == shown
    assert read(tmp_path)[1].current("pension").certificates[0].review is None


@pytest.mark.parametrize(
    ("rule", "at", "said"),
    [
        ("{}", "", "expected always = true alone, or field and above"),
        ("{ always = false }", "", "expected always = true alone, or field and above"),
        ('{ field = "paid" }', "", "expected always = true alone, or field and above"),
        ("{ above = 5 }", "", "expected always = true alone, or field and above"),
        (
            '{ always = true, field = "paid", above = 5 }', "",
            "expected always = true alone, or field and above",
        ),
        (
            '{ field = "payed", above = 5 }', ".field",
            'expected one of the required numbers paid; found "payed"',
        ),
        (
            '{ field = "since", above = 5 }', ".field",
            'expected one of the required numbers paid; found "since"',
        ),
        (
            '{ field = "paid", above = -1 }', ".above",
            "expected 0 or more, and less than 9999.99; found -1",
        ),
        (
            '{ field = "paid", above = 9999.99 }', ".above",
            "expected 0 or more, and less than 9999.99; found 9999.99",
        ),
        ('{ field = "paid", above = 5.005 }', ".above", "expected cents; found 5.005"),
        (
            '{ field = "paid", above = "5" }', ".above",
            'expected a number without quotes; found "5"',
        ),
        ("{ always = 1 }", ".always", "expected true or false; found 1"),
        ("{ field = 5, above = 5 }", ".field", "expected text in quotes; found 5"),
        ("{ allways = true }", ".allways", "expected one of the keys always, field, above"),
        ("true", "", "expected a table; found true"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_is_refused_by_line_key_and_expectation(
    tmp_path: Path, rule: str, at: str, said: str
) -> None:
    line = line_of(AUTHORITIES) + 1
    assert refusal(tmp_path, with_review(f"review = {rule}")) == [
        f"regions.toml:{line}: items[0].certificates[0].review{at}: {said}"
    ]


def test_a_number_that_may_be_left_out_is_no_measure(tmp_path: Path) -> None:
    optional: Change = ("minimum = 0", "minimum = 0\n  required = false")
    [found] = refusal(tmp_path, optional, with_review(LIMIT))
    assert found.endswith('review.field: expected always; found "paid"')


def test_a_promise_does_not_go_round_a_review(tmp_path: Path) -> None:
    promise: Change = ('mode = "异地代收代办"', 'mode = "异地代收代办"\npromise_allowed = true')
    [found] = refusal(tmp_path, promise, with_review(LIMIT))
    assert "items[0].promise_allowed: expected false, for a promise would go round" in found

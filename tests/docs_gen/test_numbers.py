from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docs_gen.numbers import (
    ALPHABET,
    capital_amount,
    check_character,
    identifier,
    is_identifier,
    long_date,
)

PUBLISHED = (
    "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.002.S",
    "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U",
    "1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9",
)
PARTS = st.text(ALPHABET, min_size=1, max_size=21)


@pytest.mark.parametrize("text", PUBLISHED)
def test_published_identifiers_check_and_are_made_again_from_their_parts(text: str) -> None:
    assert is_identifier(text)
    type_code, issuer, serial, version = text.split(".")[5:9]
    assert identifier(type_code, issuer, serial, version) == text


@given(PARTS, PARTS, PARTS, st.data())
def test_one_wrong_character_is_always_found(
    type_code: str, issuer: str, serial: str, data: st.DataObject
) -> None:
    right = identifier(type_code, issuer, serial)
    assert is_identifier(right)
    start = len("1.2.156.3005.2.")
    places = [i for i, c in enumerate(right) if i >= start and c != "."]
    place = data.draw(st.sampled_from(places))
    other = data.draw(st.sampled_from([c for c in ALPHABET if c != right[place]]))
    assert not is_identifier(right[:place] + other + right[place + 1 :])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1.2.156.3005.2",
        PUBLISHED[0].lower(),
        PUBLISHED[0] + ".1",
        PUBLISHED[0].replace("1.2.156", "1.2.157"),
        PUBLISHED[0].replace("20230000403", "2023000040３"),
        "1.2.156.3005.2..11430000006122244L.20230000403.002.S",
        "1.2.156.3005.2.....0",
    ],
)
def test_other_text_is_no_identifier(text: str) -> None:
    assert not is_identifier(text)


@pytest.mark.parametrize("serial", ["", "2026 1", "2026-1", "甲", "a"])
def test_an_identifier_is_not_made_of_a_bad_part(serial: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        identifier("11100000MB03271699022", "340100", serial)


def test_the_check_character_covers_nothing_as_well() -> None:
    assert check_character("") in ALPHABET


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "零元整"),
        ("0.00", "零元整"),
        ("0.05", "伍分"),
        ("0.50", "伍角整"),
        ("0.55", "伍角伍分"),
        ("1", "壹元整"),
        ("10", "壹拾元整"),
        ("1.05", "壹元零伍分"),
        ("100.10", "壹佰元壹角整"),
        ("1001.01", "壹仟零壹元零壹分"),
        ("12345.60", "壹万贰仟叁佰肆拾伍元陆角整"),
        ("100000", "壹拾万元整"),
        ("100001", "壹拾万零壹元整"),
        ("10100.00", "壹万零壹佰元整"),
        ("107000.53", "壹拾万柒仟元伍角叁分"),
        ("1000000", "壹佰万元整"),
        ("9999999.99", "玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
        ("100000000", "壹亿元整"),
        ("100000001", "壹亿零壹元整"),
        ("100010000", "壹亿零壹万元整"),
        ("1000100000000", "壹万零壹亿元整"),
        ("1E+3", "壹仟元整"),
    ],
)
def test_amounts_are_written_in_capitals(amount: str, text: str) -> None:
    assert capital_amount(Decimal(amount)) == text


@pytest.mark.parametrize("amount", ["-0.01", "0.001", "1E+16", "NaN", "Infinity", "sNaN"])
def test_what_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        capital_amount(Decimal(amount))


@given(st.integers(0, 10**18 - 1))
def test_an_amount_in_capitals_reads_back_as_itself(fen: int) -> None:
    assert _read_capitals(capital_amount(Decimal(fen).scaleb(-2))) == fen


def _read_capitals(text: str) -> int:
    """Read an amount in capitals by rules of its own: units multiply, groups add up."""
    match = re.fullmatch(r"(?:(.*)元)?零?(?:(.)角)?(?:(.)分)?整?", text)
    assert match is not None
    yuan, jiao, fen = match.groups()
    digits = {c: i for i, c in enumerate("零壹贰叁肆伍陆柒捌玖")}
    tail = digits.get(jiao, 0) * 10 + digits.get(fen, 0)
    return _read_integer(yuan or "", digits) * 100 + tail


def _read_integer(text: str, digits: dict[str, int]) -> int:
    for unit, size in (("亿", 10**8), ("万", 10**4)):
        if unit in text:
            high, low = text.rsplit(unit, 1)
            return _read_integer(high, digits) * size + _read_integer(low, digits)
    total, last = 0, 0
    for character in text:
        if character in digits:
            last = digits[character]
        else:
            total += last * {"拾": 10, "佰": 100, "仟": 1000}[character]
            last = 0
    return total + last


def test_days_are_written_without_leading_zeros() -> None:
    assert long_date(date(2026, 3, 5)) == "2026年3月5日"

from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from server.errors import ServiceError
from server.items.values import (
    CREDIT_ALPHABET,
    check_credit_code,
    check_id_number,
    check_name,
    check_phone,
    check_text,
    credit_check_character,
    id_check_character,
)

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
ID_BODY = "34152219580312000"


def code_of(check: object, *given: object) -> str:
    """The code with which a check refuses what it is given."""
    assert callable(check)
    with pytest.raises(ServiceError) as refused:
        check(*given)
    return refused.value.code


# Text


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  平望镇 ", "平望镇"),
        ("\t平望镇\r\n", "平望镇"),
        ("平望\u3000\u3000镇", "平望 镇"),
        ("a\u00a0 b", "a b"),
        ("e\u0301", "é"),
        ("\uf900", "豈"),
        ("𠮷野家\U00020bb7", "𠮷野家𠮷"),
        ("\U000323b0\U0002ebf0\U00031350", "\U000323b0\U0002ebf0\U00031350"),
        ("〇々㐀䶵", "〇々㐀䶵"),
    ],
)
def test_text_is_kept_in_one_normal_form(given: str, kept: str) -> None:
    assert check_text(given, "x") == kept


@pytest.mark.parametrize(
    "character",
    [
        "\x00", "\x07", "\n", "\t", "\x1b", "\x7f", "\x85", "\u200b", "\u200d", "\u200e", "\u202e",
        "\u2066", "\u2028", "\u2029", "\ufeff", "\u00ad", "\u034f", "\u115f", "\u3164", "\uffa0",
        "\ufe0f", "\U000e0100", "\U000e0041", "\u180e", "\u2800", "\ue000", "\U000f0000",
        "\U0010fffd", chr(0xD800), "\uffff", "\U0002ffff", "\u0378", "\ufffd",
    ],
)  # fmt: skip
def test_a_character_that_nobody_can_see_is_refused_by_its_number(character: str) -> None:
    for check in (check_text, check_name):
        with pytest.raises(ServiceError) as refused:
            check(f"张{character}三", "x")
        assert refused.value.code == "text.bad_characters"
        assert refused.value.details == {"field": "x", "characters": [f"U+{ord(character):04X}"]}


def test_text_is_measured_in_its_normal_form() -> None:
    assert check_text("e\u0301" * 200, "x") == "é" * 200
    assert check_text(f"  {'字' * 5}  ", "x", 5) == "字" * 5
    assert code_of(check_text, "字" * 6, "x", 5) == "text.too_long"
    assert code_of(check_text, " \u3000\t", "x") == "text.empty"


@given(st.text())
def test_any_text_is_refused_or_kept_in_a_form_that_stays(text: str) -> None:
    for check in (check_text, check_name):
        try:
            kept = check(text, "x")
        except ServiceError as error:
            assert error.code in {"text.empty", "text.too_long", "text.bad_characters"}  # noqa: PT017
        else:
            assert check(kept, "x") == kept
            assert kept == unicodedata.normalize("NFC", kept).strip()
            assert kept.isprintable() or any(ord(c) >= 0x20000 for c in kept)


# Names


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("张三丰", "张三丰"),
        ("张　三", "张三"),
        ("张 三 丰", "张三丰"),
        ("\U00020bb7 𤭢", "\U00020bb7𤭢"),
        ("阿卜杜拉·买买提", "阿卜杜拉·买买提"),
        ("阿卜杜拉•买买提", "阿卜杜拉·买买提"),
        ("阿卜杜拉 ・ 买买提", "阿卜杜拉·买买提"),
        ("阿卜杜拉．买买提", "阿卜杜拉·买买提"),
        ("杨〇", "杨〇"),
        ("Seán O'Brien-Smith Jr.", "Seán O'Brien-Smith Jr."),
        ("ئابدۇللا", "ئابدۇللا"),
        ("བསྟན འཛིན", "བསྟན འཛིན"),
        ("㛃\U0002ebf0", "㛃\U0002ebf0"),
    ],
)
def test_names_of_every_people_are_kept(given: str, kept: str) -> None:
    assert check_name(given) == kept


@pytest.mark.parametrize(
    "name",
    ["张3", "张三@", "<b>", "·", "·三", "张·", "张··三", "-", "...", "\u0301", "张三（女）", "😀"],
)
def test_what_is_no_name_is_refused(name: str) -> None:
    assert code_of(check_name, name) == "text.bad_characters"


def test_a_name_has_at_most_fifty_characters() -> None:
    assert check_name("买" * 50) == "买" * 50
    assert code_of(check_name, "买" * 51) == "text.too_long"


# Resident ID numbers


def iso_7064_mod_11_2(body: str) -> str:
    """The check character as ISO 7064 words it, recursively: another way than the weights."""
    product = 0
    for digit in body:
        product = (product + int(digit)) * 2 % 11
    return "0123456789X"[(12 - product) % 11]


days = st.dates(date(1900, 1, 1), date(2026, 11, 22))
bodies = st.builds(
    lambda region, born, order: f"{region:06}{born:%Y%m%d}{order:03}",
    st.integers(0, 999_999),
    days,
    st.integers(0, 999),
)


@given(bodies)
def test_the_check_character_is_that_of_iso_7064(body: str) -> None:
    assert id_check_character(body) == iso_7064_mod_11_2(body)
    assert check_id_number(body + iso_7064_mod_11_2(body), NOW) == body + iso_7064_mod_11_2(body)


@given(bodies, st.integers(0, 17), st.sampled_from("0123456789X"))
def test_no_single_wrong_character_passes(body: str, at: int, wrong: str) -> None:
    number = body + id_check_character(body)
    assume(number[at] != wrong)
    typed = number[:at] + wrong + number[at + 1 :]
    assert code_of(check_id_number, typed, NOW).startswith("id_number.")


@given(bodies, st.integers(0, 16))
def test_no_two_neighbours_exchanged_pass(body: str, at: int) -> None:
    number = body + id_check_character(body)
    typed = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    assume(typed != number)
    assert code_of(check_id_number, typed, NOW).startswith("id_number.")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("34152219580305000x", "34152219580305000X"),
        (" 34152219580305000X\n", "34152219580305000X"),
        ("３４１５２２１９５８０３０５０００Ｘ", "34152219580305000X"),
        ("341522 19580305 000X", "34152219580305000X"),
        ("341522\u300019580305\u2002000x", "34152219580305000X"),
    ],
)
def test_blanks_and_a_small_or_full_width_x_are_taken(typed: str, kept: str) -> None:
    assert check_id_number(typed, NOW) == kept


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("", "id_number.malformed"),
        (ID_BODY, "id_number.malformed"),
        ("341522580312000", "id_number.malformed"),
        (ID_BODY + "XX", "id_number.malformed"),
        ("X" + ID_BODY[1:] + "0", "id_number.malformed"),
        ("34152219580312-000X", "id_number.malformed"),
        ("３４\u200b152219580312000X", "text.bad_characters"),
        ("34152219580230000X", "id_number.bad_date"),
        ("34152219581312000X", "id_number.bad_date"),
        ("34152219000229000X", "id_number.bad_date"),
        ("34152218991231000X", "id_number.bad_date"),
        ("34152200000000000X", "id_number.bad_date"),
        ("34152220261123000X", "id_number.bad_date"),
    ],
)
def test_a_wrong_id_number_is_refused_by_what_is_wrong(number: str, code: str) -> None:
    assert code_of(check_id_number, number, NOW) == code


def test_every_wrong_check_character_is_refused() -> None:
    right = id_check_character(ID_BODY)
    for wrong in set("0123456789X") - {right}:
        assert code_of(check_id_number, ID_BODY + wrong, NOW) == "id_number.bad_check_digit"


def test_nobody_is_born_tomorrow_by_the_calendar_of_china() -> None:
    body = "34152220261123000"
    number = body + id_check_character(body)
    last_minute = datetime(2026, 11, 22, 15, 59, tzinfo=UTC)
    assert code_of(check_id_number, number, last_minute) == "id_number.bad_date"
    assert check_id_number(number, datetime(2026, 11, 22, 16, 0, tzinfo=UTC)) == number


# Unified social credit codes


def test_the_published_credit_code_has_its_check_character() -> None:
    assert credit_check_character("91350100M000100Y4") == "3"
    assert check_credit_code(" 91350100 m000100y4 3 ") == "91350100M000100Y43"


@given(st.text(CREDIT_ALPHABET, min_size=17, max_size=17), st.integers(0, 17), st.data())
def test_no_single_wrong_character_of_a_credit_code_passes(
    body: str, at: int, data: st.DataObject
) -> None:
    code = body + credit_check_character(body)
    assert check_credit_code(code) == code
    wrong = data.draw(st.sampled_from(CREDIT_ALPHABET.replace(code[at], "")))
    typed = code[:at] + wrong + code[at + 1 :]
    assert code_of(check_credit_code, typed) == "credit_code.bad_check_digit"


@pytest.mark.parametrize("letter", "IOZSV-. ")
def test_letters_that_look_like_digits_are_not_in_credit_codes(letter: str) -> None:
    assert code_of(check_credit_code, f"9135{letter}100M000100Y43") == "credit_code.malformed"


@pytest.mark.parametrize(
    "code", ["", "91350100M000100Y4", "91350100M000100Y433", "913501000001Y43"]
)
def test_a_credit_code_has_eighteen_characters(code: str) -> None:
    assert code_of(check_credit_code, code) == "credit_code.malformed"


# Phones


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("13800000000", "13800000000"),
        ("138 0000 0000", "13800000000"),
        ("138-0000-0000", "13800000000"),
        ("+86 138 0000 0000", "13800000000"),
        ("008613800000000", "13800000000"),
        ("１３８００００００００", "13800000000"),
        ("19900000000", "19900000000"),
        ("0512-63000000", "0512-63000000"),
        ("051263000000", "0512-63000000"),
        ("（0512）6300 0000", "0512-63000000"),
        ("+86 512 63000000", "0512-63000000"),
        ("0564-6000000", "0564-6000000"),
        ("010-60000000", "010-60000000"),
        ("+861060000000", "010-60000000"),
        ("02160000000", "021-60000000"),
    ],
)
def test_phones_are_kept_in_one_form(typed: str, kept: str) -> None:
    assert check_phone(typed) == kept
    assert check_phone(kept) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "", "12800000000", "1380000000", "138000000000", "+1 212 555 0100", "63000000",
        "0512-0300000", "0512-630000000", "0112-6300000", "138０000x000", "86", "+86", "110",
    ],
)  # fmt: skip
def test_what_is_no_mainland_number_is_refused(typed: str) -> None:
    assert code_of(check_phone, typed) == "phone.malformed"


def test_the_invisible_marks_that_address_books_add_are_named() -> None:
    assert code_of(check_phone, "\u202d13800000000\u202c") == "text.bad_characters"


@given(st.text())
def test_any_text_is_a_number_or_refused(text: str) -> None:
    for check, noun in ((check_phone, "phone"), (check_credit_code, "credit_code")):
        try:
            assert check(check(text)) == check(text)
        except ServiceError as error:
            assert error.code in {"text.bad_characters", f"{noun}.malformed",  # noqa: PT017
                                  f"{noun}.bad_check_digit"}  # fmt: skip

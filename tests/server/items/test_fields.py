from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import CODES, ServiceError
from server.items.rules import (
    Field,
    FieldType,
    Item,
    Mode,
    Owner,
    check_applicant,
    check_order,
    check_value,
)

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
NEW_YEAR = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)  # Midnight in China.
ID_NUMBER = "341522195803120004"
GIVEN = {
    "name": "张　三丰",
    "id_number": ID_NUMBER,
    "phone": "138 0000 0000",
    "enterprise_name": "演练（虚构）商贸有限公司",
    "credit_code": "91350100m000100y43",
}


def field(kind: str, **limits: object) -> Field:
    return replace(Field("x", "某项", Owner.LOCAL, FieldType(kind)), **limits)


def item(applicant: str = "person", *fields: Field) -> Item:
    return Item("i", "1", "i", "b", Mode.JOINT, applicant, ("341522",), fields, (), ())


def refusal(shape: Field, text: str, now: datetime = NOW) -> ServiceError:
    with pytest.raises(ServiceError) as refused:
        check_value(shape, text, now)
    assert refused.value.details["field"] == "x"
    return refused.value


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("2026-01-05", "2026-01-05"),
        ("2026-1-5", "2026-01-05"),
        ("2026/01/05", "2026-01-05"),
        ("2026年1月5日", "2026-01-05"),
        ("20260105", "2026-01-05"),
        (" ２０２６-０１-０５ ", "2026-01-05"),
        ("2024-02-29", "2024-02-29"),
        ("1900-01-01", "1900-01-01"),
        ("2126-12-31", "2126-12-31"),
    ],
)
def test_a_date_is_kept_in_the_iso_form(typed: str, kept: str) -> None:
    assert check_value(field("date"), typed, NOW) == kept


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "date.malformed"),
        ("5.1.2026", "date.malformed"),
        ("2026-01", "date.malformed"),
        ("26-01-05", "date.malformed"),
        ("2026-01-05T00:00", "date.malformed"),
        ("2026-01-05-", "date.malformed"),
        ("٢٠٢٦-٠١-٠٥", "date.malformed"),
        ("2026-02-29", "date.impossible"),
        ("2026-13-01", "date.impossible"),
        ("2026-00-01", "date.impossible"),
        ("0000-01-01", "date.impossible"),
        ("1899-12-31", "date.out_of_range"),
        ("2127-01-01", "date.out_of_range"),
        ("9999-12-31", "date.out_of_range"),
    ],
)
def test_a_wrong_date_is_refused_by_what_is_wrong(typed: str, code: str) -> None:
    assert refusal(field("date"), typed).code == code


def test_a_date_limit_may_be_today_by_the_calendar_of_china() -> None:
    past = field("date", latest="today")
    assert check_value(past, "2026-11-22", NOW) == "2026-11-22"
    assert refusal(past, "2026-11-23").details["latest"] == "2026-11-22"
    assert check_value(past, "2027-01-01", NEW_YEAR) == "2027-01-01"
    assert refusal(past, "2027-01-01", NOW).code == "date.out_of_range"
    ahead = field("date", earliest="today", latest=date(2026, 12, 1))
    assert check_value(ahead, "2026-11-22", NOW) == "2026-11-22"
    assert refusal(ahead, "2026-11-21").details["earliest"] == "2026-11-22"
    assert refusal(ahead, "2026-12-02").details["latest"] == "2026-12-01"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("0", "0.00"),
        ("12345.6", "12345.60"),
        ("12,345.60", "12345.60"),
        ("￥1,234,567元", "1234567.00"),
        ("007.10", "7.10"),
        ("999999999999.99", "999999999999.99"),
        (" １２．３ ", "12.30"),
    ],
)
def test_money_is_kept_with_two_places(typed: str, kept: str) -> None:
    assert check_value(field("money"), typed, NOW) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "", "-1", "+1", "1.234", "1.", ".5", "1e3", "1,23", "12,34.5", "1,2345", ",100", "1 000",
        "NaN", "Infinity", "0x10", "1000000000000", "一百", "1.2.3", "٣",
    ],
)  # fmt: skip
def test_what_is_no_money_is_refused(typed: str) -> None:
    assert refusal(field("money"), typed).code == "money.malformed"


@given(st.integers(0, 10**14 - 1))
def test_every_amount_comes_back_as_it_went_in(cents: int) -> None:
    amount = f"{Decimal(cents) / 100:.2f}"
    assert check_value(field("money"), amount, NOW) == amount
    assert check_value(field("money"), f"{Decimal(amount):,}", NOW) == amount


def test_numbers_keep_to_their_limits_which_the_refusal_names() -> None:
    limits = {"minimum": Decimal(1), "maximum": Decimal("9999.99")}
    money = field("money", **limits)
    assert check_value(money, "1", NOW) == "1.00"
    assert check_value(money, "9999.99", NOW) == "9999.99"
    for typed in ("0.99", "10000"):
        refused = refusal(money, typed)
        assert refused.code == "money.out_of_range"
        assert refused.details == {"field": "x", "minimum": "1", "maximum": "9999.99"}
    refused = refusal(field("integer", maximum=Decimal(720)), "721")
    assert refused.code == "number.out_of_range"
    assert refused.details == {"field": "x", "maximum": "720"}


@pytest.mark.parametrize(("typed", "kept"), [("0", "0"), ("007", "7"), (" ７２０ ", "720")])
def test_an_integer_is_kept_without_leading_zeros(typed: str, kept: str) -> None:
    assert check_value(field("integer"), typed, NOW) == kept


@pytest.mark.parametrize("typed", ["", "1.0", "-1", "1e3", "1,000", "x", "²a", "٣", "1" * 13])
def test_what_is_no_integer_is_refused(typed: str) -> None:
    assert refusal(field("integer"), typed).code == "number.malformed"


def test_a_choice_is_one_of_the_list() -> None:
    choice = field("choice", choices=("本人", "配偶"))
    assert check_value(choice, " 配偶 ", NOW) == "配偶"
    assert refusal(choice, "子女").details["choices"] == ["本人", "配偶"]
    assert refusal(choice, "").code == "choice.unknown"


@pytest.mark.parametrize(
    ("kind", "typed", "code"),
    [
        ("text", "", "text.empty"),
        ("address", "字" * 11, "text.too_long"),
        ("name", "字" * 11, "text.too_long"),
        ("name", "张3", "text.bad_characters"),
        ("id_number", "x\u200b", "text.bad_characters"),
        ("id_number", ID_NUMBER[:17] + "0", "id_number.bad_check_digit"),
        ("credit_code", "91350100M000100Y40", "credit_code.bad_check_digit"),
        ("phone", "1", "phone.malformed"),
    ],
)
def test_a_refusal_names_the_field_of_the_form(kind: str, typed: str, code: str) -> None:
    assert refusal(field(kind, max_length=10), typed).code == code


@given(st.sampled_from(FieldType), st.text())
def test_any_text_in_any_field_is_refused_by_code_or_kept_in_a_form_that_stays(
    kind: FieldType, text: str
) -> None:
    shape = field(kind, choices=("a", "b") if kind is FieldType.CHOICE else ())
    try:
        kept = check_value(shape, text, NOW)
    except ServiceError as error:
        assert CODES[error.code] == 422  # noqa: PT017
    else:
        assert check_value(shape, kept, NOW) == kept
        assert 0 < len(kept) <= shape.longest


typed_numbers = st.from_regex(
    r"[ ]?[¥￥]?[0-9０-９,，]{0,8}[.．]?[0-9]{0,3}[-/年]?[0-9]{0,2}[-/月]?[0-9]{0,2}日?",
    fullmatch=True,
)


@given(st.sampled_from(["money", "integer", "date", "phone", "id_number"]), typed_numbers)
def test_what_looks_like_a_number_is_refused_by_code_or_kept_in_a_form_that_stays(
    kind: str, text: str
) -> None:
    shape = field(kind)
    try:
        kept = check_value(shape, text, NOW)
    except ServiceError as error:
        assert CODES[error.code] == 422  # noqa: PT017
    else:
        assert check_value(shape, kept, NOW) == kept
        assert len(kept) <= shape.longest


def test_a_persons_values_are_kept_and_what_else_is_given_is_not() -> None:
    assert check_applicant(item(), GIVEN, NOW) == {
        "name": "张三丰",
        "id_number": ID_NUMBER,
        "phone": "13800000000",
        "enterprise_name": "",
        "credit_code": "",
    }


def test_an_enterprise_has_its_own_values_and_those_of_who_acts() -> None:
    assert check_applicant(item("enterprise"), GIVEN, NOW) == {
        "name": "张三丰",
        "id_number": ID_NUMBER,
        "phone": "13800000000",
        "enterprise_name": "演练（虚构）商贸有限公司",
        "credit_code": "91350100M000100Y43",
    }


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("name", "", "text.empty"),
        ("id_number", ID_NUMBER[:17] + "1", "id_number.bad_check_digit"),
        ("phone", "12", "phone.malformed"),
        ("enterprise_name", "企" * 101, "text.too_long"),
        ("credit_code", "", "credit_code.malformed"),
    ],
)
def test_a_wrong_value_of_an_applicant_is_refused_by_its_name(
    name: str, value: str, code: str
) -> None:
    with pytest.raises(ServiceError) as refused:
        check_applicant(item("enterprise"), GIVEN | {name: value}, NOW)
    assert (refused.value.code, refused.value.details["field"]) == (code, name)


def test_dates_of_a_form_follow_each_other_where_it_says_so() -> None:
    start = Field("start", "起", Owner.LOCAL, FieldType.DATE)
    end = Field("end", "止", Owner.LOCAL, FieldType.DATE, not_before="start")
    form = item("person", start, end)
    check_order(form, {"start": "2026-01-01", "end": "2026-01-01"})
    check_order(form, {"end": "2026-01-01"})
    check_order(form, {"start": "2026-01-01"})
    with pytest.raises(ServiceError) as refused:
        check_order(form, {"start": "2026-01-02", "end": "2026-01-01"})
    assert refused.value.code == "date.out_of_range"
    assert refused.value.details == {"field": "end", "earliest": "2026-01-02"}


def test_an_item_tells_which_values_a_complete_case_has_and_how_long_they_are() -> None:
    own = (
        field("choice", choices=("甲", "乙丙")),
        Field("sum", "s", Owner.LOCAL, FieldType.MONEY, maximum=Decimal("9999.99")),
        Field("count", "c", Owner.LOCAL, FieldType.INTEGER, maximum=Decimal("7.2E+2")),
        Field("note", "n", Owner.LOCAL, FieldType.TEXT, max_length=60),
        Field("maybe", "m", Owner.LOCAL, FieldType.TEXT, required=False),
    )
    person = {"applicant_name": 50, "applicant_id_number": 18, "applicant_phone": 13}
    assert item("person", *own).longest == person | {"x": 2, "sum": 7, "count": 3, "note": 60}
    assert item("enterprise").longest == person | {"enterprise_name": 100, "credit_code": 18}

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from server.errors import ServiceError
from server.items.messages import ItemView
from server.items.rules import FieldType, Mode, Owner, Page
from server.items.service import issuing_authority
from tests.support.catalogue import SMALL, Change, line_of, read, refusal

AUTHORITIES = 'authorities = { "341522" = "huoqiu-hrss" }'
TWO_REGIONS: Change = ('jurisdictions = ["341522"]', 'jurisdictions = ["341522", "320509"]')


@pytest.mark.parametrize(
    ("old", "new", "below", "said"),
    [
        (
            'type = "money"', 'type = "monye"', 0,
            "fields[1].type: expected one of text, name, address, id_number, credit_code, phone,"
            ' date, money, integer, choice, table; found "monye"',
        ),
        (
            'side = "local"', 'side = "counter"', 0,
            'fields[0].side: expected one of local, jurisdiction; found "counter"',
        ),
        (
            'label = "余额"', 'lable = "余额"', -2,
            "fields[1].label: expected this key, which is missing",
        ),
        (
            'label = "余额"', 'label = "余额"\n  personnal = true', 1,
            "fields[1].personnal: expected one of the keys name, label, side, type, required,"
            " personal, max_length, minimum, maximum, earliest, latest, not_before, choices,"
            " columns, max_rows, hint",
        ),
        (
            'name = "paid"', 'name = "paid-in"', 0,
            'fields[1].name: expected lower-case letters, digits and underscores; found "paid-in"',
        ),
        (
            'name = "until"', 'name = "since"', 0,
            'fields[3].name: expected a value of its own; found "since", taken by'
            " items[0].fields[2].name in line 80",
        ),
        (
            'name = "paid"', 'name = "credit_code"', 0,
            'fields[1].name: expected a name of its own; found "credit_code"',
        ),
        (
            'name = "paid"', 'name = "valid_until"', 0,
            'fields[1].name: expected a name of its own; found "valid_until"',
        ),
        (
            'label = "余额"', 'label = "余额"\n  required = "yes"', 1,
            'fields[1].required: expected true or false; found "yes"',
        ),
        (
            '  choices = ["出国定居", "其他"]\n', "", -5,
            "fields[0].choices: expected at least one choice; found none",
        ),
        (
            'choices = ["出国定居", "其他"]', 'choices = ["其他", "其他"]', 0,
            'fields[0].choices[1]: expected a value of its own; found "其他", taken by'
            " items[0].fields[0].choices[0] in line 69",
        ),
        (
            'choices = ["出国定居", "其他"]', 'choices = ["其  他"]', 0,
            "fields[0].choices[0]: expected text in Unicode's form NFC without double blanks;"
            ' found "其  他"',
        ),
        (
            'type = "money"', 'type = "table"', -4,
            "fields[1].columns: expected at least one column; found none",
        ),
        (
            "minimum = 0", 'minimum = 0\n  columns = [{ label = "年度" }]', 1,
            "fields[1].columns: expected it with type table only; found money",
        ),
        (
            "minimum = 0", 'minimum = 0\n  choices = ["0"]', 1,
            "fields[1].choices: expected it with type choice only; found money",
        ),
        (
            "minimum = 0", "minimum = 0\n  max_length = 9", 1,
            "fields[1].max_length: expected it with type text, name, address only; found money",
        ),
        (
            'type = "money"\n  minimum = 0\n  maximum = 9999.99',
            'type = "name"\n  max_length = 51', 1,
            "fields[1].max_length: expected 1 to 50 for a name; found 51",
        ),
        (
            'latest = "today"', "maximum = 5", 0,
            "fields[2].maximum: expected it with type money, integer only; found date",
        ),
        (
            "maximum = 9999.99", "maximum = -1", 0,
            "fields[1].maximum: expected 0 to 999999999999; found -1",
        ),
        (
            "maximum = 9999.99", "maximum = 9999.999", 0,
            "fields[1].maximum: expected cents; found 9999.999",
        ),
        (
            "maximum = 9999.99", 'maximum = "9999.99"', 0,
            'fields[1].maximum: expected a number without quotes; found "9999.99"',
        ),
        (
            "maximum = 9999.99", "maximum = true", 0,
            "fields[1].maximum: expected a number without quotes; found true",
        ),
        (
            "maximum = 9999.99", "maximum = nan", 0,
            "fields[1].maximum: expected a finite number; found NaN",
        ),
        (
            "minimum = 0", "minimum = 10000", 1,
            "fields[1].maximum: expected 10000 to 999999999999; found 9999.99",
        ),
        (
            'latest = "today"', 'latest = "tomorrow"', 0,
            "fields[2].latest: expected a date without quotes, such as 2027-01-01, or"
            ' "today"; found "tomorrow"',
        ),
        (
            'latest = "today"', "latest = 2027-01-01T00:00:00Z", 0,
            "fields[2].latest: expected a date without quotes, such as 2027-01-01, or"
            ' "today"; found 2027-01-01T00:00:00+00:00',
        ),
        (
            'latest = "today"', "latest = 2027-01-01\n  earliest = 2027-01-02", 0,
            "fields[2].latest: expected 2027-01-02 or later",
        ),
        (
            'not_before = "since"', 'not_before = "paid"', 0,
            'fields[3].not_before: expected one of the dates since; found "paid"',
        ),
        (
            'not_before = "since"', 'not_before = "until"', 0,
            'fields[3].not_before: expected one of the dates since; found "until"',
        ),
        (
            'code = "id-card"', 'code = "signature"', 0,
            'materials[0].code: expected a code that is not every case\'s; found "signature"',
        ),
        (
            "  [[items.certificates]]", '  [[items.materials]]\n  code = "id-card"\n  name = "x"\n'
            "  [[items.certificates]]", 1,
            'materials[1].code: expected a value of its own; found "id-card", taken by'
            " items[0].materials[0].code in line 94",
        ),
        (
            'mode = "异地代收代办"', 'mode = "邮寄"', 0,
            'mode: expected one of 全程网办, 异地代收代办, 多地联办; found "邮寄"',
        ),
        (
            'version = "1"', "version = 1", 0,
            "version: expected text in quotes; found 1",
        ),
        (
            'version = "1"', 'version = "v1"', 0,
            'version: expected a version in quotes, such as "1" or "1.2"; found "v1"',
        ),
        (
            'version = "1"', 'version = "1"\npromised_minutes = 0', 1,
            "promised_minutes: expected at least 1; found 0",
        ),
        (
            'version = "1"', 'version = "1"\npromised_minutes = "15"', 1,
            'promised_minutes: expected a whole number; found "15"',
        ),
        (
            'version = "1"', 'version = "1"\napplicant = "citizen"', 1,
            'applicant: expected one of person, enterprise; found "citizen"',
        ),
        (
            'jurisdictions = ["341522"]', "jurisdictions = []", 0,
            "jurisdictions: expected at least one; found an array",
        ),
        (
            'jurisdictions = ["341522"]', 'jurisdictions = ["341522", "341522"]', 0,
            'jurisdictions[1]: expected a value of its own; found "341522", taken by'
            " items[0].jurisdictions[0] in line 62",
        ),
        (
            AUTHORITIES, 'authorities = { "341522" = "huoqiu-tax" }', 0,
            'certificates[0].authorities.341522: expected an authority of 341522; found'
            ' "huoqiu-tax"',
        ),
        (
            AUTHORITIES, 'authorities = { "341522" = "huoqiu-hrss", "320509" = "wujiang-hrss" }', 0,
            "certificates[0].authorities.320509: expected nothing, for it is not among the"
            ' jurisdictions; found "wujiang-hrss"',
        ),
        (
            *TWO_REGIONS, 38,
            "certificates[0].authorities: expected an authority for 320509; found none",
        ),
        (
            AUTHORITIES, 'authorities = { "34152" = "huoqiu-hrss" }', 0,
            "certificates[0].authorities.34152: expected the six digits of a GB/T 2260 code; found"
            ' "34152"',
        ),
        (
            AUTHORITIES, f'{AUTHORITIES}\n  revocation_needs_approval = "yes"', 1,
            'certificates[0].revocation_needs_approval: expected true or false; found "yes"',
        ),
        (
            AUTHORITIES, 'authorities = "huoqiu-hrss"', 0,
            'certificates[0].authorities: expected a table; found "huoqiu-hrss"',
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_its_line_its_key_and_what_was_expected(
    tmp_path: Path, old: str, new: str, below: int, said: str
) -> None:
    """`below` is how many lines below the change the fault is."""
    line = line_of(old) + below
    assert f"regions.toml:{line}: items[0].{said}" in refusal(tmp_path, (old, new))


@pytest.mark.parametrize(
    "name", ["code", "version", "name", "basis", "mode", "applicant", "jurisdictions", "fields",
             "materials", "certificates", "promise_allowed", "wrap_up_seconds"],
)  # fmt: skip
@pytest.mark.parametrize("value", ["[]", "[[]]", "{}", "1", "[{ code = [] }]"])
def test_nothing_of_another_shape_breaks_the_reading(tmp_path: Path, name: str, value: str) -> None:
    """The reading goes on behind a fault, over tables that are not what they should be."""
    start = SMALL[: SMALL.index("[[items]]")]
    assert refusal(tmp_path, (SMALL, f"{start}[[items]]\n{name} = {value}\n"))


def test_an_unknown_jurisdiction_is_named(tmp_path: Path) -> None:
    changes: list[Change] = [
        ('jurisdictions = ["341522"]', 'jurisdictions = ["110101"]'),
        (AUTHORITIES, 'authorities = { "110101" = "huoqiu-hrss" }'),
    ]
    where = f"regions.toml:{line_of(changes[0][0])}: items[0].jurisdictions[0]"
    assert f'{where}: expected the code of a region; found "110101"' in refusal(tmp_path, *changes)


def test_one_item_has_each_version_once(tmp_path: Path) -> None:
    again = changed_item('version = "1"')
    said = refusal(tmp_path, ("[[items]]", f"{again}\n[[items]]"))
    assert len(said) == 1
    assert 'items[1].version: expected a value of its own; found "pension 1"' in said[0]


def changed_item(version: str) -> str:
    """The item of the small file in another version."""
    return SMALL[SMALL.index("[[items]]") :].replace('version = "1"', version, 1)


def test_new_cases_take_the_highest_version_and_open_ones_keep_theirs(tmp_path: Path) -> None:
    more = "\n".join(changed_item(f'version = "{version}"') for version in ("10", "1.9", "9.1"))
    _catalogue, items = read(tmp_path, ("[[items]]", f"{more}\n[[items]]"))
    assert items.current("pension").version == "10"
    assert items.find("pension", "9.1").version == "9.1"
    for find in (lambda: items.find("pension", "2"), lambda: items.current("visa")):
        with pytest.raises(ServiceError) as refused:
            find()
        assert refused.value.code == "item.unknown"


def test_what_the_file_says_is_in_the_item(tmp_path: Path) -> None:
    catalogue, items = read(
        tmp_path,
        ('version = "1"', 'version = "1"\nrecording_required = true\nwrap_up_seconds = 30'),
        (AUTHORITIES, f"{AUTHORITIES}\n  revocation_needs_approval = true"),
    )
    item = items.current("pension")
    assert (item.mode, item.applicant, item.promised_minutes) == (Mode.COLLECTED, "person", 15)
    assert (item.recording_required, item.promise_allowed, item.wrap_up_seconds) == (
        True,
        False,
        30,
    )
    assert [line.revocation_needs_approval for line in item.certificates] == [True]
    assert [field.type for field in item.fields] == [
        FieldType.CHOICE, FieldType.MONEY, FieldType.DATE, FieldType.DATE,
    ]  # fmt: skip
    paid = item.field("paid")
    assert paid is not None
    assert (paid.owner, paid.label, paid.required, paid.personal) == (
        Owner.JURISDICTION, "余额", True, False,
    )  # fmt: skip
    assert (paid.minimum, paid.maximum) == (Decimal(0), Decimal("9999.99"))
    assert item.field("since") is not None
    assert item.field("none") is None
    assert item.takes_material("id-card")
    assert item.takes_material("other")
    assert not item.takes_material("passport")
    assert item.material_name("id-card") == "居民身份证"
    assert item.material_name("signature") == "签名"
    kind = item.certificate("balance")
    assert kind is not None
    assert issuing_authority(catalogue, kind, "341522").name == "霍邱人社局（演示）"
    assert item.certificate("diploma") is None


def test_limits_are_told_to_the_browser_as_text(tmp_path: Path) -> None:
    _catalogue, items = read(
        tmp_path, ('latest = "today"', 'latest = "today"\n  earliest = 1990-01-01')
    )
    fields = {field.name: field for field in ItemView.of(items.current("pension"), []).fields}
    assert (fields["paid"].minimum, fields["paid"].maximum) == ("0", "9999.99")
    assert (fields["since"].earliest, fields["since"].latest) == ("1990-01-01", "today")
    assert (fields["until"].earliest, fields["until"].not_before) == (None, "since")
    assert fields["reason"].choices == ["出国定居", "其他"]
    since = items.current("pension").field("since")
    assert since is not None
    assert since.earliest == date(1990, 1, 1)


PAGE = {"applicant_name": 50, "paid": 16, "since": 10}
HRSS = frozenset({"hrss"})


def test_a_form_that_fills_its_page_is_taken(tmp_path: Path) -> None:
    read(tmp_path, pages={"balance": Page(PAGE, HRSS, {})})


@pytest.mark.parametrize(
    ("page", "change", "said"),
    [
        (PAGE | {"bonus": 9}, None, "expected a required field bonus, which its page needs"),
        (PAGE | {"credit_code": 18}, None, "expected a required field credit_code, which its page"),
        (
            PAGE,
            ('label = "余额"', 'label = "余额"\n  required = false'),
            "expected a required field paid, which its page needs",
        ),
        (
            PAGE | {"paid": 6},
            None,
            "expected a field paid of at most 6 characters, which is what its page takes; found 7",
        ),
    ],
)
def test_a_form_that_does_not_fill_its_page_is_refused(
    tmp_path: Path, page: dict[str, int], change: Change | None, said: str
) -> None:
    changes = [] if change is None else [change]
    found = refusal(tmp_path, *changes, pages={"balance": Page(page, HRSS, {})})
    assert len(found) == 1
    where, _, what = found[0].partition("items[0].certificates[0].kind: ")
    assert where == f"regions.toml:{line_of('kind = ') + len(changes)}: "
    assert what.startswith(said)


def test_an_authority_of_a_department_that_may_not_issue_is_refused(tmp_path: Path) -> None:
    both = frozenset({"public-security", "civil-affairs"})
    [found] = refusal(tmp_path, pages={"balance": Page(PAGE, both, {})})
    assert found == (
        f"regions.toml:{line_of('authorities = ')}: items[0].certificates[0].authorities.341522:"
        " expected an authority whose department is civil-affairs or public-security, for no other"
        ' issues balance; found "huoqiu-hrss", whose department is "hrss"'
    )


def test_a_certificate_without_a_page_is_refused(tmp_path: Path) -> None:
    found = refusal(tmp_path, pages={"diploma": Page({}, HRSS, {}), "award": Page({}, HRSS, {})})
    assert [line.split("kind: ")[1] for line in found] == [
        'expected one of award, diploma; found "balance"'
    ]

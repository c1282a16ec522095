from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from docs_gen.data import Facts, Issuer
from docs_gen.template import Template, TemplateError, load_templates
from docs_gen.values import Format, TemplateField

WORKING = """
kind = "trial"
version = "1"
type_code = "11100000MB0000011U001"
departments = ["hrss"]
title = "试验证明"
holder = "name"
validity_days = 30
basis = "依据：{issuer}"
paragraphs = ["兹证明，{name}。"]
rows = [["姓名", "{name}"], ["有效期至", "{valid_until}"]]

[[fields]]
name = "name"
max_length = 50

[[tables]]
name = "payments"
title = "缴费"
max_rows = 5
columns = [{ title = "年度" }, { title = "金额", format = "money", share = 2 }]
"""
TABLE = WORKING[WORKING.index("[[tables]]") :]
ISSUER = Issuer("试验机关", "11341522MB0000001T", "试验机关", "341522")


def load(folder: Path, text: str) -> Template:
    (folder / "trial").mkdir(exist_ok=True)
    (folder / "trial" / "1.toml").write_text(text)
    return load_templates(folder)["trial"]


def facts(values: dict[str, str], moment: datetime | None = None) -> Facts:
    signing_time = moment or datetime(2026, 11, 22, 4, tzinfo=UTC)
    return Facts("trial", "1", "1.2", "CODE", ISSUER, signing_time, values, "", demo=True)


def test_the_templates_that_come_along_are_in_order() -> None:
    templates = load_templates()
    assert sorted(templates) == [
        "household-registration", "marriage-record", "no-violations", "pension-balance",
        "pension-contributions", "pension-non-receipt", "statement",
    ]  # fmt: skip
    for template in templates.values():
        words = "".join(
            (*template.paragraphs, *(text for _, text in template.rows), template.basis)
        )
        assert all("{" + name + "}" in words for name in template.fields), "a field nobody prints"


def test_a_new_kind_needs_no_python(tmp_path: Path) -> None:
    template = load(tmp_path, WORKING)
    written = template.written(facts({"name": "张三丰", "payments": "2024\t5"}))
    assert template.paragraphs[0].format_map(written) == "兹证明，张三丰。"
    assert template.basis.format_map(written) == "依据：试验机关"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{name}。", "{nmae}。", "nmae"),
        ('"依据：{issuer}"', '"依据：{law}"', "law"),
        ('["姓名", "{name}"]', '["姓名", "{who}"]', "who"),
        ("{name}。", "{name.__class__}。", "__class__"),
        ("{name}。", "{}。", "no fields"),
        ("{name}。", "{name。", "trial/1.toml"),
        ('holder = "name"', 'holder = "nobody"', "nobody"),
        ("validity_days = 30", "validity_days = 0", "validity_days"),
        ("validity_days = 30", 'validity_days = "30"', "validity_days"),
        ("max_length = 50", "max_length = 5000", "max_length"),
        ("max_length = 50", "max_len = 50", "max_len"),
        ("max_length = 50", 'format = "colour"', "colour"),
        ("type_code = ", "type_kode = ", "type_kode"),
        ("11100000MB0000011U001", "11100000mb", "substring|not"),
        ('title = "试验证明"', "title = 7", "title"),
        ('kind = "trial"', 'kind = "error"', "file's name"),
        ('["姓名", "{name}"]', '["姓名"]', "trial/1.toml"),
        ('version = "1"', "", "version"),
        ('version = "1"', 'version = "2"', "file's name"),
        ('version = "1"', 'version = "new"', "whole number"),
        ('departments = ["hrss"]', "departments = []", "departments"),
        ('departments = ["hrss"]', "departments = [7]", "departments"),
        ('departments = ["hrss"]', 'departments = "hrss"', "departments"),
        ('departments = ["hrss"]', "", "departments is missing"),
        (TABLE, TABLE.replace("max_rows = 5", "max_rows = 500"), "payments: max_rows"),
        (TABLE, TABLE.replace("max_rows = 5", ""), "tables payments: max_rows is missing"),
        (TABLE, TABLE.replace('title = "年度"', 'titel = "年度"'), "column 1: titel means nothing"),
        (TABLE, TABLE.replace('title = "年度"', "title = 7"), "payments: title: expected text"),
        (TABLE, TABLE.replace('format = "money"', 'format = "gold"'), "column 2: format: expected"),
        (TABLE, TABLE.replace("share = 2", "share = 0"), "payments: 金额: share"),
        (TABLE, TABLE.replace('name = "payments"', 'name = "name"'), "a name of its own for each"),
        (TABLE, '[[tables]]\nname="a"\ntitle="b"\nmax_rows=1\ncolumns=[]', "columns: expected a"),
        ("兹证明，{name}", "兹证明，{payments}", "payments"),
        ("[[fields]]", "[[fields", "trial/1.toml"),
        ("[[fields]]", 'fields = ["name"]\n[other]', "trial/1.toml"),
        ('title = "试验证明"', "", "title is missing"),
    ],
)
def test_a_wrong_template_is_refused_when_it_is_loaded(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in WORKING
    with pytest.raises(TemplateError, match=said) as refusal:
        load(tmp_path, WORKING.replace(old, new))
    assert "trial/1.toml" in str(refusal.value)


@pytest.mark.parametrize(
    ("form", "value", "written"),
    [
        (Format.TEXT, "张{三}丰", "张{三}丰"),
        (Format.DATE, "2026-03-05", "2026年3月5日"),
        (Format.INTEGER, "168", "168"),
        (Format.MONEY, "12345.60", "12,345.60 元（大写：人民币壹万贰仟叁佰肆拾伍元陆角整）"),
        (Format.ID_NUMBER, "34152219600101000X", "34152219600101000X"),
    ],
)
def test_values_are_written_in_their_format(form: Format, value: str, written: str) -> None:
    assert TemplateField("one", form).write(value) == written


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (Format.TEXT, ""),
        (Format.TEXT, "天" * 201),
        (Format.TEXT, "张\u202e三"),
        (Format.TEXT, "张\n三"),
        (Format.DATE, "2026-02-30"),
        (Format.DATE, "去年"),
        (Format.INTEGER, "many"),
        (Format.MONEY, "NaN"),
        (Format.MONEY, "-1"),
        (Format.MONEY, "1.234"),
        (Format.MONEY, "twelve"),
    ],
)
def test_a_value_that_the_page_cannot_take_is_refused_by_its_name(form: Format, value: str) -> None:
    with pytest.raises(ValueError, match=r"^one: "):
        TemplateField("one", form).write(value)


def test_a_value_with_places_of_its_own_stays_as_it_is(tmp_path: Path) -> None:
    template = load(tmp_path, WORKING)
    written = template.written(facts({"name": "{issuer}", "payments": "2024\t5"}))
    assert template.paragraphs[0].format_map(written) == "兹证明，{issuer}。"


def test_the_newest_version_counts_and_every_older_one_is_still_there(tmp_path: Path) -> None:
    load(tmp_path, WORKING)
    for version in ("2", "10", "9"):
        text = WORKING.replace('version = "1"', f'version = "{version}"')
        (tmp_path / "trial" / f"{version}.toml").write_text(text)
    templates = load_templates(tmp_path)
    assert (list(templates), len(templates)) == (["trial"], 1)
    assert templates["trial"].version == "10"
    kept = [templates.find("trial", version) for version in ("1", "2", "9", "10")]
    assert [one.version for one in kept if one is not None] == ["1", "2", "9", "10"]
    assert templates.find("trial", "3") is None
    assert templates.find("error", "1") is None


def test_facts_of_another_kind_or_version_are_refused(tmp_path: Path) -> None:
    template = load(tmp_path, WORKING)
    right = facts({"name": "张三丰"})
    for wrong in (
        dataclasses.replace(right, kind="other"),
        dataclasses.replace(right, template_version="2"),
    ):
        with pytest.raises(ValueError, match="another template"):
            template.written(wrong)


def test_missing_and_overlong_values_are_named(tmp_path: Path) -> None:
    template = load(tmp_path, WORKING)
    assert template.missing({}) == ["name", "payments"]
    assert template.too_long({"name": "天" * 51}) == ["name"]
    with pytest.raises(ValueError, match="no value for name, payments"):
        template.written(facts({}))


@pytest.mark.parametrize(
    ("moment", "until"),
    [
        (datetime(2026, 11, 22, 15, 59, tzinfo=UTC), date(2026, 12, 22)),
        (datetime(2026, 11, 22, 16, 1, tzinfo=UTC), date(2026, 12, 23)),
    ],
)
def test_the_day_is_the_one_in_china(tmp_path: Path, moment: datetime, until: date) -> None:
    one = facts({"name": "张三丰", "payments": "2024\t5"}, moment)
    template = load(tmp_path, WORKING)
    assert template.valid_until(one.issued_on) == until
    assert template.written(one)["valid_until"] == f"2026年12月{until.day}日"

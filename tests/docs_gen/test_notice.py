from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path

import pytest

from docs_gen.notice import Letter, NoticeTemplate, load_notices
from docs_gen.press import draw_notice
from docs_gen.template import TemplateError
from tests.support.office import picture, text_of, tool

WORKING = """
kind = "trial"
version = "1"
title = "试验告知书"
salutation = "{who}："
paragraphs = ["你申请的{what}不予办理。", "特此告知。"]
footnote = "加盖印章后送达。"
places = ["who", "what"]
"""
REFUSAL = load_notices()["refusal", "1"]
LETTER = Letter(
    number="320509-20261122-000017",
    issuer="霍邱县人力资源和社会保障局（演示）",
    day=date(2026, 11, 22),
    values={
        "addressee": "张三丰",
        "applied_on": "2026年11月22日",
        "counter_hall": "平望镇便民服务中心",
        "item": "城乡居民养老保险个人账户余额一次性提取",
        "number": "320509-20261122-000017",
        "reason": "参保关系已转移至外省。\n个人账户余额为零。",
        "basis": "《中华人民共和国社会保险法》第十四条",
    },
    demo=True,
)


def load(folder: Path, text: str) -> NoticeTemplate:
    (folder / "trial").mkdir(exist_ok=True)
    (folder / "trial" / "1.toml").write_text(text)
    return load_notices(folder)["trial", "1"]


def test_the_paper_says_why_on_what_basis_and_what_can_be_done_against_it(tmp_path: Path) -> None:
    said = text_of(tmp_path, draw_notice(LETTER, REFUSAL))
    for words in (
        "不予办理告知书", "编号：320509-20261122-000017", "张三丰：", "参保关系已转移至外省。",
        "个人账户余额为零。", "依据：《中华人民共和国社会保险法》第十四条",
        "六十日内依法申请行政复议", "六个月内依法向有管辖权的人民法院提起行政诉讼",
        "霍邱县人力资源和社会保障局（演示）",
        "2026年11月22日", "加盖出具机关印章后送达", "演示样本", "第1页共1页",
    ):  # fmt: skip
        assert words in said


def test_it_is_neither_signed_nor_has_it_a_code_to_verify(tmp_path: Path) -> None:
    drawn = draw_notice(LETTER, REFUSAL)
    assert b"/Sig" not in drawn
    assert "校验码" not in text_of(tmp_path, drawn)
    ran = tool(tmp_path, drawn, "pdffonts", "page.pdf")
    assert "no" not in [line.split()[-5] for line in ran.splitlines()[2:]]


def test_the_same_letter_gives_the_same_bytes() -> None:
    assert draw_notice(LETTER, REFUSAL) == draw_notice(LETTER, REFUSAL)


def test_without_demonstration_there_is_no_mark(tmp_path: Path) -> None:
    real = dataclasses.replace(LETTER, demo=False)
    assert "演示样本" not in text_of(tmp_path, draw_notice(real, REFUSAL))


def test_a_long_reason_goes_on_on_the_next_page_with_issuer_and_date_on_the_last(
    tmp_path: Path,
) -> None:
    values = {**LETTER.values, "reason": "理由" * 500, "basis": "依据" * 250}
    drawn = draw_notice(dataclasses.replace(LETTER, values=values), REFUSAL)
    said = text_of(tmp_path, drawn)
    assert said.count("理由") >= 500
    assert "不予办理告知书（续页）" in said
    assert "第4页共4页" in said
    assert said.count("2026年11月22日") == 2
    assert picture(tmp_path, drawn, page=4).exists()


def test_a_notice_of_one_line_paragraphs_is_written_with_its_values(tmp_path: Path) -> None:
    template = load(tmp_path, WORKING)
    values = {"who": "李四", "what": "甲\n\n乙{who}"}
    letter = dataclasses.replace(LETTER, values=values)
    assert template.written(letter) == [
        "李四：", "你申请的甲", "乙{who}不予办理。", "特此告知。",
    ]  # fmt: skip


@pytest.mark.parametrize("values", [{"who": "李四"}, {"who": "", "what": "甲"}])
def test_a_value_that_lacks_is_named(tmp_path: Path, values: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="no value for"):
        load(tmp_path, WORKING).written(dataclasses.replace(LETTER, values=values))


def test_a_character_that_cannot_be_seen_is_refused(tmp_path: Path) -> None:
    letter = dataclasses.replace(LETTER, values={"who": "李\u202e四", "what": "甲"})
    with pytest.raises(ValueError, match=r"U\+202E"):
        load(tmp_path, WORKING).written(letter)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{what}", "{waht}", "waht"),
        ("{who}：", "{nobody}：", "nobody"),
        ('version = "1"', 'version = "2"', "file's name"),
        ('title = "试验告知书"', "title = 7", "title|iterable"),
        ('title = "试验告知书"', "", "title"),
        ("footnote", "foot", "foot"),
        ("[", "[[", "trial/1.toml"),
    ],
)
def test_a_wrong_notice_is_refused_when_it_is_loaded(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    with pytest.raises(TemplateError, match=said):
        load(tmp_path, WORKING.replace(old, new))

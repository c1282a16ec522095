"""`kuayu templates`: a new kind is a file, its faults are named, and specimens are drawn of it."""

from __future__ import annotations

from pathlib import Path

import pypdfium2
import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from docs_gen.template import load_templates
from server.cli import app

KIND = """
kind = "parking"
version = "1"
type_code = "11100000MB0000011U001"
departments = ["urban-management"]
title = "停车证明"
holder = "name"
validity_days = 30
basis = "依据：试验办法。"
paragraphs = ["兹证明，{name}停车{days}天。"]
rows = [["姓名", "{name}"], ["天数", "{days}"], ["有效期至", "{valid_until}"]]

[[fields]]
name = "name"
max_length = 50

[[fields]]
name = "days"
format = "integer"
max_length = 3
"""


def run(*args: str) -> Result:
    return CliRunner().invoke(app, ["templates", *args])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one template that is in order."""
    write(tmp_path / "templates", "parking", KIND)
    return tmp_path / "templates"


def write(folder: Path, kind: str, text: str) -> None:
    (folder / kind).mkdir(parents=True, exist_ok=True)
    (folder / kind / "1.toml").write_text(text, encoding="utf-8")


def test_the_templates_that_come_along_are_in_order() -> None:
    done = run("check")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == sorted(load_templates())
    assert "no-violations 1  企业无违法违规证明  60 days, 6 fields, 2 pages at most" in lines


def test_a_new_kind_is_a_file(folder: Path, tmp_path: Path) -> None:
    assert run("check", "--folder", str(folder)).exit_code == 0
    out = tmp_path / "drawn"
    done = run("draw", "parking", "--folder", str(folder), "--out", str(out))
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in out.iterdir()) == [
        "parking-longest-1.png", "parking-longest.pdf",
        "parking-usual-1.png", "parking-usual.pdf",
    ]  # fmt: skip
    page = pypdfium2.PdfDocument(out / "parking-usual.pdf")[0]
    words = page.get_textpage().get_text_range()
    assert "停车186天" in words
    assert "样" in words
    with Image.open(out / "parking-usual-1.png") as picture:
        assert picture.size == (1241, 1754)


def test_every_fault_of_every_template_is_named_with_its_place(folder: Path) -> None:
    write(folder, "colour", KIND.replace('"parking"', '"colour"').replace("integer", "colour"))
    write(folder, "key", KIND.replace('"parking"', '"key"').replace("basis =", "law ="))
    done = run("check", "--folder", str(folder))
    assert done.exit_code == 1
    assert done.stdout.startswith("parking 1  停车证明")
    assert done.stderr.splitlines() == [
        "colour/1.toml: days: format: expected text, id_number, date, money, integer,"
        " found 'colour'",
        "key/1.toml: law means nothing here",
    ]
    assert run("draw", "--folder", str(folder)).exit_code == 1


def test_a_file_that_is_no_text_is_named(folder: Path) -> None:
    (folder / "parking" / "2.toml").write_bytes(b"\xff\xfe")
    done = run("check", "--folder", str(folder))
    assert done.exit_code == 1
    assert done.stderr.startswith("parking/2.toml: ")


def test_words_that_nobody_can_draw_are_found_before_anything_is_issued(folder: Path) -> None:
    write(folder, "parking", KIND.replace("停车证明", "停车证明\U0001f697"))
    done = run("check", "--folder", str(folder))
    assert done.exit_code == 1
    assert done.stderr.startswith("parking/1.toml: ")
    assert "U+1F697" in done.stderr


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("check", "--folder", "/nowhere"), "/nowhere: expected a folder of templates"),
        (("draw", "nothing"), "nothing: expected one of household-registration"),
    ],
)
def test_what_is_not_there_is_said(asked: tuple[str, ...], said: str) -> None:
    done = run(*asked)
    assert done.exit_code == 1
    assert done.stderr.startswith(said)

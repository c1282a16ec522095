"""A small regions.toml, and what is said of one that was changed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from server.items.rules import Page
from server.items.service import Items, read_catalogue
from server.regions.document import CatalogueError
from server.regions.rules import Catalogue

SMALL = """\
[[regions]]
code = "320509"
name = "苏州市吴江区"
province = "江苏省"

  [[regions.halls]]
  id = "pingwang"
  name = "平望镇便民服务中心"
  closed_on = [2027-01-01, 2027-02-06]
  refuse_outside_hours = false
  [regions.halls.hours]
  mon = ["09:00-12:00", "13:00-17:00"]
  sat = ["09:00-12:00"]
  [[regions.halls.special_days]]
  date = 2027-02-20
  hours = ["10:00-11:00"]
  [[regions.halls.counters]]
  id = "pingwang-1"
  name = "窗口 1"
  [[regions.halls.counters]]
  id = "pingwang-2"
  name = "窗口 2"

  [[regions.authorities]]
  id = "wujiang-hrss"
  name = "吴江人社局（演示）"
  code = "11320509MB0000001C"
  department = "hrss"
  seal_text = "吴江人社局"

[[regions]]
code = "341522"
name = "六安市霍邱县"
province = "安徽省"

  [[regions.halls]]
  id = "huoqiu"
  name = "霍邱县政务服务中心"
  hours = { mon = ["09:00-12:00"], tue = ["00:00-24:00"] }
  counters = [
    { id = "huoqiu-1", name = "窗口 1" }, # The only one.
  ]

  [[regions.authorities]]
  id = "huoqiu-hrss"
  name = "霍邱人社局（演示）"
  code = "11341522MB0000001T"
  department = "hrss"
  seal_text = "霍邱人社局"

[[recognition]]
issuer_region = "341522"
in_region = "320509"
kinds = ["balance"]

[[items]]
code = "pension"
version = "1"
name = "个人账户余额提取"
basis = "《社会保险法》"
mode = "异地代收代办"
jurisdictions = ["341522"]

  [[items.fields]]
  name = "reason"
  label = "原因"
  side = "local"
  type = "choice"
  choices = ["出国定居", "其他"]

  [[items.fields]]
  name = "paid"
  label = "余额"
  side = "jurisdiction"
  type = "money"
  minimum = 0
  maximum = 9999.99

  [[items.fields]]
  name = "since"
  label = "起"
  side = "jurisdiction"
  type = "date"
  latest = "today"

  [[items.fields]]
  name = "until"
  label = "止"
  side = "jurisdiction"
  type = "date"
  not_before = "since"

  [[items.materials]]
  code = "id-card"
  name = "居民身份证"

  [[items.certificates]]
  kind = "balance"
  title = "余额证明"
  authorities = { "341522" = "huoqiu-hrss" }
"""

Change = tuple[str, str]


def changed(*changes: Change) -> str:
    """The small file with some of its text replaced, each where it first stands."""
    text = SMALL
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def read(
    folder: Path, *changes: Change, pages: Mapping[str, Page] | None = None
) -> tuple[Catalogue, Items]:
    """Read the small file, changed."""
    path = folder / "regions.toml"
    path.write_text(changed(*changes), encoding="utf-8")
    return read_catalogue(path, pages)


def refusal(folder: Path, *changes: Change, pages: Mapping[str, Page] | None = None) -> list[str]:
    """What is said of the small file, changed: a line each, without the folder."""
    with pytest.raises(CatalogueError) as refused:
        read(folder, *changes, pages=pages)
    return str(refused.value).replace(f"{folder}/", "").split("\n")


def line_of(text: str) -> int:
    """The line of the small file on which `text` first stands."""
    return SMALL.partition(text)[0].count("\n") + 1

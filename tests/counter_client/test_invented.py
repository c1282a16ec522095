from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from counter_client.invented import Inventor, credit_code, id_number
from counter_client.pictures import PAD, STILL, paper, signature, still
from server.items.messages import ItemView
from server.items.rules import check_applicant, check_id_number, check_value
from server.items.service import load_items
from server.regions.document import read_document
from server.regions.service import load_regions

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)


def field(kind: str, **more: object) -> dict[str, Any]:
    """A field of an item as the service describes it."""
    limits = {"minimum": None, "maximum": None, "max_length": 200, "choices": [], "side": "local"}
    return {"name": "x", "type": kind, **limits, **more}


def test_an_invented_id_number_has_the_unassigned_order_code_and_the_right_check_digit() -> None:
    number = id_number("341522", date(1958, 3, 12))
    assert number.startswith("34152219580312000")
    assert check_id_number(number, NOW) == number


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("code", ["pension-lump-sum", "school-household-proof",
                                  "enterprise-move-no-violations", "pension-claim-non-receipt",
                                  "marriage-record-proof", "statement-of-facts",
                                  "pension-transfer"])  # fmt: skip
def test_every_value_invented_for_a_shipped_item_is_valid(code: str, seed: int) -> None:
    document = read_document(ROOT / "regions.toml")
    item = load_items(document, load_regions(document)).current(code)
    view = ItemView.of(item, item.jurisdictions).model_dump(mode="json")
    inventor = Inventor("341522", seed)
    given = {"enterprise_name": "", "credit_code": "", **inventor.applicant(view)}
    assert check_applicant(item, given, NOW) == given
    for one in view["fields"]:
        shape = item.field(one["name"])
        assert shape is not None
        check_value(shape, inventor.value(one), NOW)


@pytest.mark.parametrize("seed", range(20))
def test_numbers_stay_within_their_limits(seed: int) -> None:
    inventor = Inventor("341522", seed)
    months = inventor.value(field("integer", minimum="0", maximum="720"))
    balance = inventor.value(field("money", minimum="0", maximum="9999999.99"))
    narrow = inventor.value(field("integer", minimum="5", maximum="5"))
    assert 0 <= int(months) <= 720
    assert Decimal(0) <= Decimal(balance) <= Decimal("9999999.99")
    assert balance[-3] == "."
    assert narrow == "5"


def test_dates_of_one_form_follow_each_other() -> None:
    inventor = Inventor("341522", 1)
    first, second = (date.fromisoformat(inventor.value(field("date"))) for _ in range(2))
    assert first < second


def test_text_keeps_to_its_length_and_choices_to_the_list() -> None:
    inventor = Inventor("341522", 1)
    assert len(inventor.value(field("text", max_length=3))) == 3
    assert inventor.value(field("choice", choices=["甲", "乙"])) == "乙"
    assert inventor.value(field("choice", choices=["甲"])) == "甲"
    assert inventor.value(field("choice", choices=["甲", "乙"], side="jurisdiction")) == "甲"


def test_an_enterprise_is_invented_with_the_person_who_acts_for_it() -> None:
    inventor = Inventor("341522", 1)
    assert set(inventor.applicant({"applicant": "person"})) == {"name", "id_number", "phone"}
    enterprise = inventor.applicant({"applicant": "enterprise"})
    assert enterprise["credit_code"] == credit_code("341522")
    assert "虚构" in enterprise["enterprise_name"]


def opened(content: bytes) -> Image.Image:
    picture = Image.open(BytesIO(content))
    picture.load()
    return picture


def test_a_still_has_the_cameras_full_resolution_and_a_cameras_size() -> None:
    content = still("card")
    assert opened(content).size == STILL == (3840, 2160)
    assert 200_000 < len(content) < 20_000_000


def test_papers_differ_by_their_seed_and_a_signature_is_a_small_png() -> None:
    assert paper("form", seed=1) != paper("form", seed=2)
    assert opened(paper("form")).format == "JPEG"
    drawn = signature()
    assert (opened(drawn).format, opened(drawn).size) == ("PNG", PAD)
    assert len(drawn) < 200_000

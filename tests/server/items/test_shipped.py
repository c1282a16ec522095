from __future__ import annotations

from pathlib import Path

import pytest

from docs_gen.template import load_templates
from server.items.rules import Item, Mode, Page
from server.items.service import destinations, issuing_authority, read_catalogue
from server.regions.rules import Catalogue

SHIPPED = Path(__file__).parents[3] / "regions.toml"
PAGES = {
    kind: Page(template.longest, frozenset(template.departments), template.columns)
    for kind, template in load_templates().items()
}
CATALOGUE, ITEMS = read_catalogue(SHIPPED, PAGES)


def test_the_file_that_is_shipped_fills_every_page_that_is_shipped() -> None:
    kinds = {kind.kind for item in ITEMS.by_version.values() for kind in item.certificates}
    assert kinds == set(PAGES) == {
        "household-registration", "marriage-record", "no-violations", "pension-balance",
        "pension-contributions", "pension-non-receipt", "statement",
    }  # fmt: skip


@pytest.fixture(params=list(ITEMS.by_version.values()), ids=lambda item: item.code)
def item(request: pytest.FixtureRequest) -> Item:
    shipped: Item = request.param
    return shipped


def test_certificates_bear_the_title_of_their_template(item: Item) -> None:
    templates = load_templates()
    assert [kind.title for kind in item.certificates] == [
        templates[kind.kind].title for kind in item.certificates
    ]


def test_every_jurisdiction_has_an_authority_that_says_it_is_a_demonstration(item: Item) -> None:
    for kind in item.certificates:
        for code in item.jurisdictions:
            authority = issuing_authority(CATALOGUE, kind, code)
            assert authority.name == f"{authority.seal_text}（演示）"
            assert authority.code[2:8] == code


def test_what_wujiang_is_given_by_huoqiu_counts_in_wujiang(item: Item) -> None:
    if "341522" in item.jurisdictions:
        for kind in item.certificates:
            assert CATALOGUE.recognises("320509", kind.kind, "341522")


def test_every_jurisdiction_is_called_from_somewhere_and_every_region_calls_some(
    item: Item,
) -> None:
    called = {region: destinations(CATALOGUE, item, region) for region in CATALOGUE.regions}
    assert {code for codes in called.values() for code in codes} == set(item.jurisdictions)
    assert not any(region in codes for region, codes in called.items())


def test_the_three_regions_recognise_each_other_as_the_file_says() -> None:
    calls = {
        (region, code)
        for item in ITEMS.by_version.values()
        for region in CATALOGUE.regions
        for code in destinations(CATALOGUE, item, region)
    }
    assert calls == {
        ("320509", "341522"), ("341522", "320509"), ("320509", "330521"), ("330521", "320509"),
    }  # fmt: skip


def test_every_mode_of_handling_is_shown_once() -> None:
    assert {item.mode for item in ITEMS.by_version.values()} == set(Mode)


def test_halls_of_every_region_both_call_and_answer() -> None:
    def answers(catalogue: Catalogue) -> set[str]:
        return {code for item in ITEMS.by_version.values() for code in item.jurisdictions}

    assert answers(CATALOGUE) == set(CATALOGUE.regions) == {"320509", "341522", "330521"}
    assert all(hall.counters for hall in CATALOGUE.halls.values())


def test_the_demonstration_takes_calls_at_any_hour() -> None:
    assert not any(hall.refuse_outside_hours for hall in CATALOGUE.halls.values())

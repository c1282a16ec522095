from __future__ import annotations

from pathlib import Path

import pytest

from server.errors import ServiceError
from server.regions.document import CatalogueError, read_document
from server.regions.service import load_regions, name_places
from tests.support.catalogue import Change, changed, line_of, read, refusal

HOURS = '  mon = ["09:00-12:00", "13:00-17:00"]'


@pytest.mark.parametrize(
    ("old", "new", "below", "said"),
    [
        (
            'id = "huoqiu"', 'id = "pingwang"', 0,
            'regions[1].halls[0].id: expected a value of its own; found "pingwang", taken by'
            " regions[0].halls[0].id in line 7",
        ),
        (
            'id = "pingwang-2"', 'id = "pingwang-1"', 0,
            'regions[0].halls[0].counters[1].id: expected a value of its own; found "pingwang-1",'
            " taken by regions[0].halls[0].counters[0].id in line 18",
        ),
        (
            'id = "huoqiu-1"', 'id = "pingwang-1"', 0,
            'regions[1].halls[0].counters[0].id: expected a value of its own; found "pingwang-1",'
            " taken by regions[0].halls[0].counters[0].id in line 18",
        ),
        (
            'code = "11341522MB0000001T"', 'code = "11320509MB0000001C"', 0,
            'regions[1].authorities[0].code: expected a value of its own; found'
            ' "11320509MB0000001C", taken by regions[0].authorities[0].code in line 27',
        ),
        (
            'code = "11341522MB0000001T"', 'code = "11341522MB0000001X"', 0,
            "regions[1].authorities[0].code: expected a unified social credit code (GB 32100);"
            ' found "11341522MB0000001X": credit_code.bad_check_digit',
        ),
        (
            'code = "11341522MB0000001T"', 'code = "11341522mb0000001t"', 0,
            "regions[1].authorities[0].code: expected it in plain upper case; found"
            ' "11341522mb0000001t"',
        ),
        (
            'seal_text = "霍邱人社局"', f'seal_text = "{"局" * 31}"', 0,
            "regions[1].authorities[0].seal_text: expected text of at most 30 characters; found"
            f' "{"局" * 31}"',
        ),
        (
            'name = "窗口 1"', 'name = "窗口 1"\nnmae = ""', 1,
            "regions[0].halls[0].counters[0].nmae: expected one of the keys id, name",
        ),
        (
            '  name = "平望镇便民服务中心"\n', "", -2,
            "regions[0].halls[0].name: expected this key, which is missing",
        ),
        (
            'name = "平望镇便民服务中心"', 'name = "平望镇\\u202E便民"', 0,
            "regions[0].halls[0].name: expected characters that can be seen; found"
            ' "平望镇\u202e便民"',
        ),
        (
            'name = "平望镇便民服务中心"', 'name = "  "', 0,
            'regions[0].halls[0].name: expected text of at least 1 characters; found "  "',
        ),
        (
            HOURS, '  mon = ["09:00-12:00", "17:00-13:00"]', 0,
            'regions[0].halls[0].hours.mon[1]: expected hours of one day, such as "09:00-12:00";'
            ' found "17:00-13:00"',
        ),
        (
            HOURS, '  mon = [\n    "09:00-12:00",\n    "25:00-26:00",\n  ]', 2,
            'regions[0].halls[0].hours.mon[1]: expected hours of one day, such as "09:00-12:00";'
            ' found "25:00-26:00"',
        ),
        (
            HOURS, '  mon = ["09:00-12:00", "11:59-17:00"]', 0,
            "regions[0].halls[0].hours.mon: expected intervals that do not overlap; found an array",
        ),
        (
            HOURS, "  mon = 9", 0,
            "regions[0].halls[0].hours.mon: expected an array; found 9",
        ),
        (
            HOURS, '  monday = ["09:00-12:00"]', 0,
            "regions[0].halls[0].hours.monday: expected one of the keys mon, tue, wed, thu, fri,"
            " sat, sun",
        ),
        (
            "closed_on = [2027-01-01, 2027-02-06]", "closed_on = [2027-01-01, 2027-02-20]",
            6,
            "regions[0].halls[0].special_days[0].date: expected a value of its own; found"
            " 2027-02-20, taken by regions[0].halls[0].closed_on[1] in line 9",
        ),
        (
            "closed_on = [2027-01-01, 2027-02-06]", 'closed_on = ["2027-01-01"]', 0,
            "regions[0].halls[0].closed_on[0]: expected a date without quotes, such as 2027-01-01;"
            ' found "2027-01-01"',
        ),
        (
            "refuse_outside_hours = false", 'refuse_outside_hours = "no"', 0,
            'regions[0].halls[0].refuse_outside_hours: expected true or false; found "no"',
        ),
        (
            'in_region = "320509"', 'in_region = "330521"', 0,
            "recognition[0].in_region: expected the code of a region above; found 330521",
        ),
        (
            'in_region = "320509"', 'in_region = "341522"', 0,
            "recognition[0].in_region: expected another region than issuer_region",
        ),
        (
            'kinds = ["balance"]', 'kinds = ["balance", "diploma"]', 0,
            'recognition[0].kinds[1]: expected a kind that 341522 issues; found "diploma"',
        ),
        (
            'kinds = ["balance"]', 'kinds = ["balance", "balance"]', 0,
            'recognition[0].kinds[1]: expected a value of its own; found "balance", taken by'
            " recognition[0].kinds[0] in line 54",
        ),
        (
            "[[recognition]]\n",
            '[[recognition]]\nissuer_region = "341522"\nin_region = "320509"\nkinds = ["balance"]\n'
            "[[recognition]]\n",
            6,
            'recognition[1].in_region: expected a value of its own; found "341522 in 320509",'
            " taken by recognition[0].in_region in line 53",
        ),
        (
            "[[recognition]]", "[recognition]", 0,
            "recognition: expected an array; found a table",
        ),
        (
            "[[recognition]]", "[[recognitions]]", 0,
            "recognitions: expected one of the keys regions, recognition, items",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_its_line_its_key_and_what_was_expected(
    tmp_path: Path, old: str, new: str, below: int, said: str
) -> None:
    """`below` is how many lines below the change the fault is."""
    line = line_of(old) + below
    assert refusal(tmp_path, (old, new)) == [f"regions.toml:{line}: {said}"]


def test_a_region_whose_code_is_wrong_is_missed_wherever_it_is_named(tmp_path: Path) -> None:
    said = "regions[0].code: expected the six digits of a GB/T 2260 code; found"
    missed = "regions.toml:53: recognition[0].in_region: expected the code of a region above;"
    assert refusal(tmp_path, ('code = "320509"', 'code = "32050"')) == [
        f'regions.toml:2: {said} "32050"',
        f"{missed} found 320509",
    ]
    assert refusal(tmp_path, ('code = "320509"', "code = 320_510")) == [
        "regions.toml:2: regions[0].code: expected text in quotes; found 320510",
        f"{missed} found 320509",
    ]


def test_every_mistake_of_the_whole_file_is_named_at_once_in_its_order(tmp_path: Path) -> None:
    changes: list[Change] = [
        ('name = "苏州市吴江区"', "name = 5"),
        ('id = "pingwang"', 'id = "Ping Wang"'),
        ('code = "11341522MB0000001T"', 'code = "11341522MB0000001X"'),
        ('in_region = "320509"', 'in_region = "110101"'),
        ('mode = "异地代收代办"', 'mode = "邮寄"'),
        ("maximum = 9999.99", 'maximum = "lots"'),
    ]
    said = refusal(tmp_path, *changes)
    assert [line.split(": ")[:2] for line in said] == [
        [f"regions.toml:{line_of(old)}", key]
        for (old, _new), key in zip(
            changes,
            [
                "regions[0].name",
                "regions[0].halls[0].id",
                "regions[1].authorities[0].code",
                "recognition[0].in_region",
                "items[0].mode",
                "items[0].fields[1].maximum",
            ],
            strict=True,
        )
    ]


def test_an_authority_of_another_region_is_named_where_the_shapes_are_right(tmp_path: Path) -> None:
    changes: list[Change] = [
        ('in_region = "320509"', 'in_region = "110101"'),
        ('{ "341522" = "huoqiu-hrss" }', '{ "341522" = "wujiang-hrss" }'),
    ]
    said = refusal(tmp_path, *changes)
    assert [line.split(":")[1] for line in said] == [str(line_of(old)) for old, _ in changes]
    assert said[1].endswith(
        'authorities.341522: expected an authority of 341522; found "wujiang-hrss"'
    )


def test_a_file_without_regions_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.toml"
    path.write_text("")
    with pytest.raises(CatalogueError) as refused:
        load_regions(read_document(path))
    assert [(fault.line, fault.key) for fault in refused.value.faults] == [
        (1, "items"),
        (1, "regions"),
    ]


def test_what_the_file_says_is_in_the_catalogue(tmp_path: Path) -> None:
    catalogue, _items = read(tmp_path)
    assert list(catalogue.regions) == ["320509", "341522"]
    assert {hall.id: hall.region for hall in catalogue.halls.values()} == {
        "pingwang": "320509",
        "huoqiu": "341522",
    }
    assert list(catalogue.counters) == ["pingwang-1", "pingwang-2", "huoqiu-1"]
    assert catalogue.authority("341522", "huoqiu-hrss").code == "11341522MB0000001T"
    with pytest.raises(KeyError):
        catalogue.authority("341522", "wujiang-hrss")


def test_regions_can_be_read_without_items_being_right(tmp_path: Path) -> None:
    path = tmp_path / "regions.toml"
    path.write_text(changed(('mode = "异地代收代办"', 'mode = "邮寄"')), encoding="utf-8")
    assert list(load_regions(read_document(path)).regions) == ["320509", "341522"]


def test_recognition_goes_one_way_and_by_kind_and_home_counts_always(tmp_path: Path) -> None:
    catalogue, _items = read(tmp_path)
    assert catalogue.recognises("320509", "balance", "341522")
    assert not catalogue.recognises("341522", "balance", "320509")
    assert not catalogue.recognises("320509", "diploma", "341522")
    assert catalogue.recognises("341522", "diploma", "341522")


def test_places_have_names_and_unknown_ones_are_refused(tmp_path: Path) -> None:
    catalogue, _items = read(tmp_path)
    full = ("苏州市吴江区", "平望镇便民服务中心", "窗口 2")
    assert name_places(catalogue, "320509", "pingwang", "pingwang-2") == full
    assert name_places(catalogue, "320509", "pingwang", "") == (*full[:2], "")
    assert name_places(catalogue, "320509", "", "") == (full[0], "", "")
    assert name_places(catalogue, "", "", "") == ("", "", "")
    for place, code in [
        (("110101", "", ""), "region.unknown"),
        (("320509", "huoqiu", ""), "hall.unknown"),
        (("340000", "huoqiu", ""), "hall.unknown"),
        (("320509", "pingwang", "huoqiu-1"), "counter.unknown"),
    ]:
        with pytest.raises(ServiceError) as refused:
            name_places(catalogue, *place)
        assert refused.value.code == code

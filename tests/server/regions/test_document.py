from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.items.service import read_catalogue
from server.regions.document import EACH, CatalogueError, Fault, read_document
from tests.support.catalogue import SMALL


def refusal(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(CatalogueError) as refused:
        read_document(path)
    return str(refused.value).replace(str(path), "regions.toml")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a = 1\nb == 2\n", "regions.toml:2: file, column 4: expected TOML; found: Invalid value"),
        (
            b'a = """x\n\n',
            "regions.toml:2: file: expected TOML; found: Unterminated string",
        ),
        (b"a = 2027-02-30\n", "regions.toml:1: file, column 5: expected TOML; found: Invalid date"),
        (b"a = 1\na = 2\n", "regions.toml:2: file, column 6: expected TOML; found: Cannot overwr"),
        (
            b"a = 1\nb = '\xcb\xd5'\n",
            "regions.toml:2: file: expected UTF-8 text; found bytes of another encoding",
        ),
        (b"a = " + b"[" * 5000, "regions.toml:1: file: expected TOML; found brackets that are"),
        (b"a = " + b"9" * 5000, "regions.toml:1: file: expected TOML; found: Exceeds the limit"),
        (b"\x00", "regions.toml:1: file, column 1: expected TOML; found: Invalid statement"),
    ],
)
def test_what_is_no_toml_is_refused_by_its_line(tmp_path: Path, content: bytes, said: str) -> None:
    assert refusal(tmp_path / "regions.toml", content).startswith(said)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"none\.toml:1: file: expected a file .*; found No "):
        read_document(tmp_path / "none.toml")
    with pytest.raises(CatalogueError, match=r"file: expected a file that can be read; found Is a"):
        read_document(tmp_path)


def test_a_file_written_on_windows_is_read_with_the_right_lines(tmp_path: Path) -> None:
    path = tmp_path / "regions.toml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    document = read_document(path)
    assert document.lines["regions", 1, "code"] == SMALL[: SMALL.index("341522")].count("\n") + 1
    read_catalogue(path)


def test_what_is_not_there_or_of_another_shape_is_left_out_of_a_selection(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text('a = [1, { b = [2, "x"] }, { b = 3 }, { c = 4 }]\nd = {}\n')
    document = read_document(path)
    assert dict(document.select("a", EACH, "b", EACH)) == {
        ("a", 1, "b", 0): 2,
        ("a", 1, "b", 1): "x",
    }
    assert list(document.select("a", 2, "b")) == [(("a", 2, "b"), 3)]
    for steps in [("a", 9), ("d", EACH), ("a", "b"), ("d", "a", "b")]:
        assert not list(document.select(*steps))


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_a_file_with_any_damage_is_read_or_refused_with_lines_and_nothing_else(
    tmp_path: Path, data: st.DataObject
) -> None:
    written = SMALL.split("\n")
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(written) - 1))
        line = written[at]
        key = line.partition("=")[0]
        written[at] = data.draw(
            st.sampled_from(
                [
                    "", f"{key}= 1", f"{key}= 'x'", f"{key}= []", f"{key}= {{}}", f"{key}= [[1]]",
                    f"{key}= true", f"{key}= 1.5", f"{key}= nan", f"{key}= 2027-01-01",
                    f"{key}= 2027-01-01T00:00:00Z", f"{key}= [{{}}, 1, 'x']", f"x{line.strip()}",
                    line + "\n" + line, "[items]", "[[items]]", "[[regions]]", "[regions]",
                    "[[regions.halls]]", "[[recognition]]", line[:-1],
                ]
            )
        )  # fmt: skip
    path = tmp_path / "regions.toml"
    path.write_text("\n".join(written), encoding="utf-8")
    faults: list[Fault] = []
    try:
        read_catalogue(path)
    except CatalogueError as error:
        faults = error.faults
    count = len(path.read_text(encoding="utf-8").splitlines())
    assert all(1 <= fault.line <= count for fault in faults)
    assert all("expected" in fault.expected for fault in faults)

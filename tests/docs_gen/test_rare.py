"""Names with characters that Noto does not have: drawn with a face of the system's, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs_gen import fonts
from docs_gen.fonts import BOLD, SERIF, FontError, load_fonts, runs, unprintable
from docs_gen.press import draw
from tests.support.office import TEMPLATES, Office, picture, text_of, tool

# Of each extension of Unicode's ideographs one or two, as they stand in names.
RARE = {
    "B": "𠮷𡈽", "C": "𪜎", "D": "𫝆", "E": "𬍛", "F": "𬺰", "G": "𰀀", "H": "𱍐",
}  # fmt: skip


def draw_named(office: Office, name: str) -> bytes:
    """A page on which nothing but the name differs from others."""
    return draw(office.facts(applicant_name=name), TEMPLATES["pension-balance"]).unsigned()


@pytest.mark.parametrize("extension", sorted(RARE))
def test_a_name_with_rare_characters_is_drawn_with_the_systems_face(
    extension: str, office: Office, tmp_path: Path
) -> None:
    name = f"王{RARE[extension]}小"
    assert unprintable(name) == []
    content = office.issue(applicant_name=name)
    assert name in text_of(tmp_path, content)
    listed = tool(tmp_path, content, "pdffonts", "page.pdf").splitlines()[2:]
    assert all(line.split()[-5:-2] == ["yes", "yes", "yes"] for line in listed)


def test_what_is_drawn_of_a_rare_character_is_no_box(office: Office, tmp_path: Path) -> None:
    names = ("王𠮷", "王𰀀", "王𱍐")
    drawn = [picture(tmp_path, draw_named(office, name)).read_bytes() for name in names]
    assert len(set(drawn)) == len(names)


def test_noto_draws_what_it_has_and_the_rare_face_only_the_rest() -> None:
    [first, rare, last] = runs("王𠮷小", SERIF, load_fonts())
    assert (first, last) == ((SERIF, "王"), (SERIF, "小"))
    assert rare[0] not in fonts.FILES


@pytest.mark.usefixtures("no_rare_faces")
def test_without_a_face_for_it_the_character_is_refused_by_name(office: Office) -> None:
    assert unprintable("王𱍐小") == ["𱍐"]
    with pytest.raises(ValueError, match=r"U\+31350"):
        office.issue(applicant_name="王𱍐小")


@pytest.mark.usefixtures("no_rare_faces")
def test_a_face_of_the_systems_that_cannot_be_read_draws_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "HanaMinB.ttf").write_bytes(b"no font at all")
    monkeypatch.setattr(fonts, "FONT_FOLDERS", (tmp_path,))
    assert unprintable("王𠮷") == ["𠮷"]
    with pytest.raises(FontError, match=r"HanaMinB\.ttf"):
        load_fonts(tmp_path / "HanaMinB.ttf")


def test_every_weight_draws_a_rare_character() -> None:
    assert {face for face, _ in runs("𠮷", BOLD, load_fonts())} == {
        face for face, _ in runs("𠮷", SERIF, load_fonts())
    }

from __future__ import annotations

from pathlib import Path

import pytest
import reportlab

from docs_gen.fonts import BOLD, FALLBACK, FILES, SERIF, FontError, load_fonts, runs, unprintable
from docs_gen.text import normal


@pytest.mark.parametrize(
    "character",
    [
        "\0",
        "\n",
        "\t",
        "\x7f",
        "\xad",
        "\u200b",
        "\u202e",
        "\u2066",
        "\ufeff",
        "\ue000",
        "\ud800",
        "\u2028",
    ],
)
def test_what_cannot_be_seen_is_refused_and_named(character: str) -> None:
    with pytest.raises(ValueError, match=f"U\\+{ord(character):04X}"):
        normal(f"张{character}三")
    assert unprintable(f"张{character}三") == [character]


def test_text_comes_in_one_normal_form() -> None:
    assert normal("e\u0301") == "é"


def test_a_character_that_no_face_has_is_named_once() -> None:
    assert unprintable("王\U0003fffd小\U0003fffd") == ["\U0003fffd"]


def test_common_names_and_marks_are_printable() -> None:
    assert unprintable("张三丰 欧阳·娜娜 <img src=/etc/passwd> &amp; 12幢-3（集团）壹贰叁㐀") == []


def test_a_character_that_no_face_has_is_never_drawn_as_a_box() -> None:
    with pytest.raises(ValueError, match="U\\+3FFFD"):
        runs("\U0003fffd", SERIF, load_fonts())


@pytest.mark.usefixtures("no_rare_faces")
def test_a_fallback_face_draws_what_the_wanted_one_lacks() -> None:
    fallback = Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"
    assert unprintable("王ć", fallback) == []
    assert [face for face, _ in runs("王ć", BOLD, load_fonts(fallback))] == [BOLD, FALLBACK]
    # Who configured none is not given it because somebody else did.
    assert unprintable("王ć") == ["ć"]


def test_a_face_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FontError, match=r"nowhere\.ttf"):
        load_fonts(tmp_path / "nowhere.ttf")


def test_every_face_is_loaded() -> None:
    assert load_fonts() >= frozenset(FILES)

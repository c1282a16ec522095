from __future__ import annotations

import asyncio
import dataclasses
import io
import re
from pathlib import Path

import pytest
from PIL import ExifTags, Image, PngImagePlugin
from pypdf import PdfReader
from pypdf.generic import StreamObject
from reportlab.pdfgen.canvas import Canvas

from docs_gen.imageseal import (
    ImageSeal,
    import_picture,
    load_pictures,
    picture_file,
    remove_picture,
)
from docs_gen.keyfiles import KeyFolderError
from docs_gen.page import Point
from docs_gen.picture import Picture
from docs_gen.press import Drawn, draw, preview, specimen
from docs_gen.signing import issue
from docs_gen.verifying import Verdict
from tests.support.office import NOW, TEMPLATES, Office, picture, text_of
from tests.support.seals import image_seal, png, seal_image, seal_png
from tests.support.validators import say

KIND = "pension-balance"
TEMPLATE = TEMPLATES[KIND]
MOST_BYTES = 150_000


@pytest.fixture(scope="module")
def seal() -> ImageSeal:
    return image_seal()


def signed(office: Office, seal: ImageSeal) -> bytes:
    return asyncio.run(issue(office.facts(), TEMPLATE, office.key(), seal=seal)).pdf


def images(content: bytes) -> int:
    """How many images the pages' resources name."""
    pages = PdfReader(io.BytesIO(content)).pages
    return sum(len(page["/Resources"].get("/XObject", {})) for page in pages)


def test_a_certificate_with_an_image_seal_is_genuine_and_small(
    office: Office, seal: ImageSeal
) -> None:
    made = signed(office, seal)
    assert office.judge(made).verdict is Verdict.GENUINE
    assert len(made) <= MOST_BYTES
    assert images(made) == 1


def test_the_same_facts_and_picture_give_the_same_bytes(office: Office, seal: ImageSeal) -> None:
    again = ImageSeal(Picture.read(seal.picture.to_png()), demo=True)
    assert signed(office, again) == signed(office, seal)
    other = ImageSeal(Picture.read(png(seal_image(702, 702)), 42.0), demo=True)
    assert other.picture.digest != seal.picture.digest
    assert signed(office, other) != signed(office, seal)


def test_nothing_but_ink_and_size_of_the_picture_is_in_the_certificate(office: Office) -> None:
    told = PngImagePlugin.PngInfo()
    told.add_text("Author", "canary-1")
    told.add_text("Comment", "canary-2", zip=True)
    told.add_itxt("XML:com.adobe.xmp", "<x>canary-3</x>")
    exif = Image.Exif()
    exif[ExifTags.Base.Software] = "canary-4"
    given = png(seal_image(), pnginfo=told, exif=exif, icc_profile=b"canary-5" * 20)
    assert {f"canary-{n}" for n in (1, 3, 4)} <= set(
        re.findall(r"canary-\d", given.decode("latin1"))
    )
    made = signed(office, ImageSeal(Picture.read(given, 42.0), demo=True))
    assert [part for part in streams(made) if b"canary" in part] == []
    assert made == signed(office, image_seal())


def streams(content: bytes) -> list[bytes]:
    """The file as it is, and every stream of it as it is meant."""
    found = PdfReader(io.BytesIO(content))
    objects = (found.get_object(number) for number in range(1, int(found.trailer["/Size"])))
    return [content, *(one.get_data() for one in objects if isinstance(one, StreamObject))]


def test_a_certificate_whose_picture_was_altered_is_not_genuine(
    office: Office, seal: ImageSeal, tmp_path: Path
) -> None:
    made = signed(office, seal)
    assert say(tmp_path, made, office.trust, NOW) == dict.fromkeys(
        ("pdfsig", "qpdf", "openssl"), True
    )
    places = [made.index(layer.content) for layer in (seal.picture.colours, seal.picture.coverage)]
    for at in (place + step for place in places for step in range(0, 3000, 150)):
        altered = made[:at] + bytes([made[at] ^ 4]) + made[at + 1 :]
        assert office.judge(altered).verdict is Verdict.ALTERED, at
    said = say(tmp_path, altered, office.trust, NOW)
    assert (said["pdfsig"], said["openssl"]) == (False, False)


class NoInk(ImageSeal):
    """As large, and nothing to be seen."""

    def draw(self, canvas: Canvas, centre: Point, loaded: frozenset[str]) -> None:
        del canvas, centre, loaded


def pixels(folder: Path, drawn: Drawn) -> list[tuple[int, int, int]]:
    """Return what is seen where the seal is."""
    left, bottom, right, top = drawn.seal_box
    seen = Image.open(picture(folder, drawn.unsigned(), dpi=72)).convert("RGB")
    box = seen.crop((left, seen.height - top, right, seen.height - bottom))
    return [box.getpixel((x, y)) for x in range(box.width) for y in range(box.height)]


def test_it_is_red_where_the_drawn_one_is_and_black_text_below_stays_black(
    office: Office, seal: ImageSeal, tmp_path: Path
) -> None:
    placed = draw(office.facts(), TEMPLATE, seal=seal)
    assert placed.seal_box == draw(office.facts(), TEMPLATE).seal_box
    found = pixels(tmp_path, placed)
    before = pixels(tmp_path, draw(office.facts(), TEMPLATE, seal=NoInk(seal.picture, demo=True)))
    assert sum(r > 180 and g < 90 and b < 90 for r, g, b in found) > 500
    black = [i for i, colour in enumerate(before) if max(colour) < 60]
    assert len(black) > 40
    assert [found[i] for i in black if max(found[i]) > 60] == []


def test_under_a_demonstrations_key_seal_and_page_say_so(
    office: Office, seal: ImageSeal, tmp_path: Path
) -> None:
    real = draw(
        dataclasses.replace(office.facts(), demo=False), TEMPLATE,
        seal=ImageSeal(seal.picture, demo=False),
    )  # fmt: skip
    counts = text_of(tmp_path, real.unsigned()).count("演示")
    found = text_of(tmp_path, signed(office, seal))
    assert found.count("演示样本") == 2
    assert found.count("演示") == counts + 3


@pytest.mark.parametrize("demo", [True, False])
def test_no_seal_that_counts_is_on_a_demonstrations_page_nor_the_other_way_about(
    office: Office, seal: ImageSeal, *, demo: bool
) -> None:
    facts = dataclasses.replace(office.facts(), demo=demo)
    with pytest.raises(ValueError, match="one of the demonstration"):
        draw(facts, TEMPLATE, seal=ImageSeal(seal.picture, demo=not demo))


def test_a_demonstrations_key_signs_nothing_that_passes_for_real(
    office: Office, seal: ImageSeal
) -> None:
    facts = dataclasses.replace(office.facts(), demo=False)
    for one in (None, ImageSeal(seal.picture, demo=False)):
        with pytest.raises(ValueError, match="no certificate that counts"):
            asyncio.run(issue(facts, TEMPLATE, office.key(), seal=one))


def test_previews_and_specimens_have_no_seal(office: Office) -> None:
    for content in (preview(office.facts(), TEMPLATE), specimen(office.facts(), TEMPLATE)):
        assert images(content) == 0


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A key folder in which one authority has a key."""
    (tmp_path / "seals").mkdir()
    (tmp_path / "seals" / "huoqiu-hrss.p12").touch()
    return tmp_path


def test_a_brought_picture_lies_beside_the_key_for_its_owner_alone(keys: Path) -> None:
    made = import_picture(keys, "huoqiu-hrss", seal_png(), 42.0)
    assert load_pictures(keys)["huoqiu-hrss"].digest == made.digest
    assert picture_file(keys, "huoqiu-hrss").stat().st_mode & 0o777 == 0o600


def test_another_picture_takes_its_place_only_where_that_is_said(keys: Path) -> None:
    first = import_picture(keys, "huoqiu-hrss", seal_png(), 42.0)
    with pytest.raises(KeyFolderError, match="has a picture already: --replace"):
        import_picture(keys, "huoqiu-hrss", seal_png(), 45.0)
    assert load_pictures(keys)["huoqiu-hrss"].digest == first.digest
    second = import_picture(keys, "huoqiu-hrss", seal_png(), 45.0, replace=True)
    assert load_pictures(keys)["huoqiu-hrss"].digest == second.digest != first.digest


def test_a_picture_that_is_removed_is_gone_and_one_that_is_not_there_is_named(keys: Path) -> None:
    import_picture(keys, "huoqiu-hrss", seal_png(), 42.0)
    remove_picture(keys, "huoqiu-hrss")
    assert load_pictures(keys) == {}
    with pytest.raises(KeyFolderError, match="huoqiu-hrss has no picture"):
        remove_picture(keys, "huoqiu-hrss")


def test_an_authority_without_a_key_gets_no_picture(keys: Path) -> None:
    with pytest.raises(KeyFolderError, match="huoqiu-civil has no seal key"):
        import_picture(keys, "huoqiu-civil", seal_png(), 42.0)
    assert load_pictures(keys) == {}


def test_a_picture_that_is_refused_leaves_the_last_one(keys: Path) -> None:
    kept = import_picture(keys, "huoqiu-hrss", seal_png(), 42.0)
    with pytest.raises(KeyFolderError):
        import_picture(keys, "huoqiu-hrss", b"no picture", 42.0, replace=True)
    assert load_pictures(keys)["huoqiu-hrss"].digest == kept.digest


def test_a_picture_that_was_laid_there_by_hand_is_checked_too_and_named(keys: Path) -> None:
    path = picture_file(keys, "huoqiu-hrss")
    path.write_bytes(seal_png())
    path.chmod(0o600)
    with pytest.raises(KeyFolderError, match=r"huoqiu-hrss\.png: it does not say how wide"):
        load_pictures(keys)
    import_picture(keys, "huoqiu-hrss", seal_png(), 42.0, replace=True)
    path.chmod(0o644)
    with pytest.raises(KeyFolderError, match=r"huoqiu-hrss\.png is open to others"):
        load_pictures(keys)

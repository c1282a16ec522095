from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import pytest
from PIL import Image, ImageDraw, PngImagePlugin

from docs_gen.keyfiles import KeyFolderError
from docs_gen.picture import LARGEST, MOST_STORED, SIGNATURE, Picture
from tests.support.seals import RED, png, seal_image, seal_png

WIDTH = 42.0


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + zlib.crc32(kind + data).to_bytes(4)


def header(width: int, height: int, bits: int = 8, colours: int = 6, interlaced: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, interlaced))


def bomb(width: int, height: int) -> bytes:
    """A small file that hundreds of megabytes come out of."""
    data = zlib.compress(bytes(1_000_000), 9)
    return SIGNATURE + header(width, height) + chunk(b"IDAT", data) + chunk(b"IEND")


def with_chunk(extra: bytes) -> bytes:
    """The seal with one more chunk before its pixels."""
    place = seal_png().index(b"IDAT") - 4
    return seal_png()[:place] + extra + seal_png()[place:]


def with_header(**changed: int) -> bytes:
    return SIGNATURE + header(700, 700, **changed) + seal_png()[33:]


def opaque() -> bytes:
    ground = Image.new("RGBA", (700, 700), (255, 255, 255, 255))
    ground.alpha_composite(seal_image())
    return png(ground)


def square() -> bytes:
    image = Image.new("RGBA", (600, 600), (*RED, 0))
    ImageDraw.Draw(image).rectangle((0, 0, 599, 599), outline=(*RED, 255), width=20)
    return png(image)


def noisy() -> bytes:
    image = Image.effect_noise((1200, 1200), 90)
    whole = seal_image(1200, 1200).copy()
    red = whole.getchannel("A").point(lambda one: one and 255)
    whole.putalpha(Image.composite(image, Image.new("L", image.size), red))
    return png(whole)


def animated() -> bytes:
    kept = io.BytesIO()
    seal_image(500, 500).save(
        kept, "PNG", save_all=True, append_images=[seal_image(500, 500, (200, 0, 0))]
    )
    return kept.getvalue()


BROKEN_PIXELS = SIGNATURE + header(700, 700) + chunk(b"IDAT", b"no zlib") + chunk(b"IEND")
TOO_FEW = SIGNATURE + header(700, 700) + chunk(b"IDAT", zlib.compress(bytes(9000))) + chunk(b"IEND")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: b"", "expected a PNG"),
        (lambda: b"\xff\xd8\xff\xe0" + bytes(100), "expected a PNG; found something else"),
        (lambda: SIGNATURE, "a whole PNG; found one that is cut short"),
        (lambda: seal_png()[:-5], "cut short"),
        (lambda: seal_png()[: len(seal_png()) // 2], "cut short"),
        (lambda: seal_png()[:60] + b"\0" + seal_png()[61:], "damage"),
        (lambda: seal_png() + b"PK\3\4", "nothing after the picture's end; found 4 bytes"),
        (lambda: bytes(2 * 1024 * 1024 + 1), "at most 2097152 bytes"),
        (lambda: BROKEN_PIXELS, "a PNG that can be read"),
        (lambda: TOO_FEW, "a PNG that can be read"),
        (lambda: SIGNATURE + chunk(b"IDAT") + chunk(b"IEND"), "a PNG's header"),
        (lambda: bomb(9000, 9000), "1 to 2048 pixels each way; found 9000 x 9000"),
        (lambda: SIGNATURE + header(0, 9) + chunk(b"IEND"), "found 0 x 9"),
        (lambda: SIGNATURE + header(2**31, 1) + chunk(b"IEND"), "pixels each way"),
        (lambda: with_chunk(header(9000, 9000)), "one header; found several"),
        (lambda: with_header(bits=16), "8 bits each .* found colours with transparency, 16 bits"),
        (lambda: with_header(interlaced=1), "not interlaced"),
        (lambda: png(seal_image().convert("P")), "found a palette"),
        (lambda: png(seal_image().convert("RGB")), "found colours without transparency"),
        (lambda: png(seal_image().convert("LA")), "found grey with transparency"),
        (lambda: png(seal_image().convert("1")), "found grey, 1 bits"),
        (animated, r"one picture; found an animation \(APNG\)"),
        (opaque, "red ink"),
        (lambda: png(Image.new("RGBA", (600, 600), (*RED, 255))), "ink on 3% to 60% .* found 100%"),
        (lambda: png(Image.new("RGBA", (600, 600), (*RED, 0))), "found nothing but transparency"),
        (lambda: png(seal_image(700, 700, (20, 20, 20))), "red ink; found a mean of red 20"),
        (lambda: png(seal_image(700, 700, (20, 20, 220))), "red ink"),
        (square, "a round or oval seal; found ink in the corners"),
        (lambda: png(seal_image(700, 400)), "round, or up to 1.5 times .* found 700 x 400"),
        (lambda: png(seal_image(600, 800)), "found 600 x 800"),
        (lambda: png(seal_image(480, 480)), "at least 300 dpi at 42 mm; found 290"),
        (noisy, f"at most {MOST_STORED} bytes"),
    ],
)
def test_what_is_no_seals_picture_is_refused_with_what_was_expected(
    make: Callable[[], bytes], words: str
) -> None:
    with pytest.raises(KeyFolderError, match=words):
        Picture.read(make(), WIDTH)


@pytest.mark.parametrize("extra", [b"", header(9000, 9000)])
def test_a_small_file_of_many_pixels_is_refused_before_any_is_decoded(
    extra: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("decoded"))
    content = with_chunk(extra) if extra else bomb(9000, 9000)
    with pytest.raises(KeyFolderError):
        Picture.read(content, WIDTH)


@pytest.mark.parametrize("width", [29.9, 60.1, float("nan")])
def test_a_width_that_no_seal_has_is_refused(width: float) -> None:
    with pytest.raises(KeyFolderError, match="a seal of 30 to 60 mm"):
        Picture.read(seal_png(), width)


def test_a_picture_without_a_width_is_refused() -> None:
    with pytest.raises(KeyFolderError, match="does not say how wide"):
        Picture.read(seal_png())


@pytest.mark.parametrize(
    ("image", "width"),
    [((500, 500), 42.0), ((720, 720), LARGEST), ((540, 360), 45.0), ((1200, 1200), LARGEST)],
)
def test_round_and_oval_seals_are_taken_as_large_as_they_are(
    image: tuple[int, int], width: float
) -> None:
    found = Picture.read(png(seal_image(*image)), width)
    assert (found.width, found.image.size) == (width, image)
    assert found.height == pytest.approx(width * image[1] / image[0])


def test_what_is_kept_is_the_same_picture_and_says_only_how_wide_it_is() -> None:
    told = PngImagePlugin.PngInfo()
    told.add_text("Author", "某某")
    told.add_text("Comment", "x" * 5000, zip=True)
    given = png(seal_image(), pnginfo=told, exif=b"MM\0*\0\0\0\x08\0\0", dpi=(72, 72))
    first = Picture.read(given, WIDTH)
    kept = first.to_png()
    again = Picture.read(kept)
    assert (again.digest, again.width, again.colours) == (first.digest, WIDTH, first.colours)
    assert again.to_png() == kept
    with Image.open(io.BytesIO(kept)) as image:
        assert set(image.info) == {"dpi"}


def test_margins_are_cut_off_so_that_the_seal_itself_is_as_wide_as_said() -> None:
    wider = Image.new("RGBA", (1200, 1100), (0, 0, 0, 0))
    wider.paste(seal_image(), (100, 30))
    assert Picture.read(png(wider), WIDTH).digest == Picture.read(seal_png(), WIDTH).digest


def test_nothing_can_be_hidden_where_the_picture_is_transparent() -> None:
    hidden = Image.new("RGB", (700, 700), (0, 90, 200))
    whole = seal_image().copy()
    coverage = whole.getchannel("A")
    hidden.paste(whole.convert("RGB"), mask=coverage.point(lambda one: 255 * (one > 7)))
    hidden.putalpha(coverage)
    assert Picture.read(png(hidden), WIDTH).digest == Picture.read(seal_png(), WIDTH).digest


def test_a_picture_of_another_size_is_another_seal() -> None:
    assert Picture.read(seal_png(), 42.0).digest != Picture.read(seal_png(), 45.0).digest

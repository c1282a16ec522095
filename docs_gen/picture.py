"""A seal's picture as its owner's seal platform gave it: checked, and made plain.

A picture is a PNG of red ink on a transparent ground. Whatever else is given is refused with what
was expected, before anything of it is decoded where that can be seen. Nothing is guessed, and
nothing but ink and size is kept.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, ImageStat

from docs_gen.keyfiles import KeyFolderError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHUNK, HEADER, SIZE = struct.Struct(">I4s"), struct.Struct(">IIBBBBB"), struct.Struct(">IIB")
MOST_BYTES, MOST_PIXELS = 2 * 1024 * 1024, 2048
KEPT = frozenset({b"IHDR", b"IDAT", b"IEND"})
ANIMATION = frozenset({b"acTL", b"fcTL", b"fdAT"})
EIGHT_BITS, RGBA = 8, 6
COLOURS = {
    0: "grey", 2: "colours without transparency", 3: "a palette", 4: "grey with transparency",
    RGBA: "colours with transparency",
}  # fmt: skip
# State organs' seals are 42 to 60 mm wide (国发〔1999〕25号), those of companies at least 30 high.
SMALLEST, LARGEST = 30.0, 60.0
LEAST_DPI, INCH = 300, 25.4
# Ovals of companies are 45 by 30 mm.
LONGEST = 1.5
# A share of each side at the corners, which no round or oval seal reaches.
CORNER = 0.1
# Of 255: what is fainter is no ink.
FAINTEST = 8
LEAST_INK, MOST_INK = 0.03, 0.6
# How much more red there is than green or blue: seals are red (GB/T 9704, 7.3.5.1).
LEAST_RED = 80
# A certificate has some 60 kB without it, and is to have at most 150.
MOST_STORED = 85_000


@dataclass(frozen=True, slots=True)
class Layer:
    """A part of a picture, compressed for a page."""

    width: int
    height: int
    content: bytes

    @classmethod
    def of(cls, image: Image.Image) -> Layer:
        """Compress an image."""
        return cls(*image.size, zlib.compress(image.tobytes(), 9))

    @property
    def pixels(self) -> bytes:
        """What is compressed."""
        return zlib.decompress(self.content)


@dataclass(frozen=True, slots=True)
class Picture:
    """A seal's picture: its pixels (RGBA), its size in mm, and its layers for a page.

    `digest` is the SHA-256 of what is in a page: pixels each way, mm, coverage and colours. Whoever
    has the page can work it out.
    """

    image: Image.Image
    width: float
    height: float
    colours: Layer
    coverage: Layer
    digest: str

    @classmethod
    def read(cls, content: bytes, width: float | None = None) -> Picture:
        """Check a PNG and return what of it is kept, `width` mm wide or as wide as it says.

        KeyFolderError says what was expected and what was found.
        """
        plain, said = _plain(content)
        wide = said if width is None else width
        if wide is None:
            raise KeyFolderError("it does not say how wide it is: bring it by `keys import-seal`")
        if not SMALLEST <= wide <= LARGEST:
            raise _refusal(f"a seal of {SMALLEST:g} to {LARGEST:g} mm", f"{wide:g}")
        image = _inked(_decoded(plain))
        _require_seal(image, wide)
        # The shape is in the coverage; of colours half as many each way are enough, as in films.
        colours = Layer.of(image.convert("RGB").reduce(2))
        coverage = Layer.of(image.getchannel("A"))
        stored = len(colours.content) + len(coverage.content)
        if stored > MOST_STORED:
            expected = f"at most {MOST_STORED} bytes compressed, as 300 to 500 dpi have"
            raise _refusal(expected, str(stored))
        whole = b"%d %d %.1f " % (*image.size, wide) + coverage.pixels + colours.pixels
        high = wide * image.height / image.width
        return cls(image, wide, high, colours, coverage, hashlib.sha256(whole).hexdigest())

    def to_png(self) -> bytes:
        """Return it as a PNG that says how wide it is, and nothing else."""
        kept = io.BytesIO()
        dpi = self.image.width / self.width * INCH
        self.image.save(kept, "PNG", dpi=(dpi, dpi), optimize=True)
        return kept.getvalue()


def _refusal(expected: str, found: str) -> KeyFolderError:
    return KeyFolderError(f"expected {expected}; found {found}")


def _plain(content: bytes) -> tuple[bytes, float | None]:
    """Return a PNG with nothing but its pixels, and how many mm wide it says it is."""
    if len(content) > MOST_BYTES:
        raise _refusal(f"at most {MOST_BYTES} bytes", str(len(content)))
    if not content.startswith(SIGNATURE):
        raise _refusal("a PNG", "something else")
    first, *others = _chunks(content)
    width = _header(first)
    if any(kind in ANIMATION for kind, _ in others):
        raise _refusal("one picture", "an animation (APNG)")
    if any(kind == b"IHDR" for kind, _ in others):
        raise _refusal("one header", "several")
    sizes = [
        SIZE.unpack(data) for kind, data in others if kind == b"pHYs" and len(data) == SIZE.size
    ]
    per_metre = sizes[0][0] if sizes and sizes[0][2] == 1 else 0
    kept = [_chunk(kind, data) for kind, data in (first, *others) if kind in KEPT]
    return SIGNATURE + b"".join(kept), round(width / per_metre * 1000, 1) if per_metre else None


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and data of each chunk up to the end, which is where the file ends."""
    at, kind = len(SIGNATURE), b""
    while kind != b"IEND":
        if at + CHUNK.size > len(content):
            raise _refusal("a whole PNG", "one that is cut short")
        length, kind = CHUNK.unpack_from(content, at)
        end = at + CHUNK.size + length
        data, check = content[at + CHUNK.size : end], content[end : end + 4]
        if len(check) < 4:  # noqa: PLR2004 (bytes of a CRC)
            raise _refusal("a whole PNG", "one that is cut short")
        if zlib.crc32(kind + data) != int.from_bytes(check):
            raise _refusal("a whole PNG", "one with damage")
        yield kind, data
        at = end + len(check)
    if at != len(content):
        raise _refusal("nothing after the picture's end", f"{len(content) - at} bytes")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return CHUNK.pack(len(data), kind) + data + zlib.crc32(kind + data).to_bytes(4)


def _header(chunk: tuple[bytes, bytes]) -> int:
    """Return the width in pixels; nothing is decoded whose header promises anything unusual."""
    kind, data = chunk
    if kind != b"IHDR" or len(data) != HEADER.size:
        raise _refusal("a PNG's header", "something else")
    width, height, bits, colours, _, _, interlaced = HEADER.unpack(data)
    if not 0 < width <= MOST_PIXELS or not 0 < height <= MOST_PIXELS:
        raise _refusal(f"1 to {MOST_PIXELS} pixels each way", f"{width} x {height}")
    if (bits, colours) != (EIGHT_BITS, RGBA):
        found = f"{COLOURS.get(colours, 'something else')}, {bits} bits"
        raise _refusal(f"{COLOURS[RGBA]}, {EIGHT_BITS} bits each (RGBA)", found)
    if interlaced:
        raise _refusal("a picture that is not interlaced", "an interlaced one")
    return int(width)


def _decoded(plain: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(plain), formats=["PNG"])
        image.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise _refusal("a PNG that can be read", str(error)) from None
    return image


def _inked(image: Image.Image) -> Image.Image:
    """Return what has ink: cut to its edges, and where there is none nothing hidden either."""
    coverage = image.getchannel("A").point([0] * FAINTEST + list(range(FAINTEST, 256)))
    edges = coverage.getbbox()
    if edges is None:
        raise _refusal("a seal", "nothing but transparency")
    image, coverage = image.crop(edges).convert("RGB"), coverage.crop(edges)
    red, green, blue = (round(mean) for mean in ImageStat.Stat(image, coverage).mean)
    if red - max(green, blue) < LEAST_RED:
        raise _refusal("red ink", f"a mean of red {red}, green {green}, blue {blue}")
    # Of one colour all over where it is transparent, or viewers would blend in what was there.
    ground = Image.new("RGB", image.size, (red, green, blue))
    ground.paste(image, mask=coverage.point([0] + [255] * 255))
    ground.putalpha(coverage)
    return ground


def _require_seal(image: Image.Image, width: float) -> None:
    """Refuse what is no round or oval seal on a transparent ground, or too coarse to print."""
    wide, high = image.size
    if not high <= wide <= LONGEST * high + 1 and abs(wide - high) > wide * 0.02:
        raise _refusal(f"round, or up to {LONGEST:g} times as wide as high", f"{wide} x {high}")
    coverage = image.getchannel("A")
    share = ImageStat.Stat(coverage).mean[0] / 255
    if not LEAST_INK <= share <= MOST_INK:
        expected = f"ink on {LEAST_INK:.0%} to {MOST_INK:.0%} of a transparent ground"
        raise _refusal(expected, f"{share:.0%}")
    x, y = round(wide * CORNER), round(high * CORNER)
    corners = ((left, top, left + x, top + y) for left in (0, wide - x) for top in (0, high - y))
    if any(coverage.crop(corner).getbbox() for corner in corners):
        raise _refusal("a round or oval seal", "ink in the corners")
    dpi = wide / width * INCH
    if dpi < LEAST_DPI:
        raise _refusal(f"at least {LEAST_DPI} dpi at {width:g} mm", f"{dpi:.0f}")

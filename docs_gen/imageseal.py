"""A seal that is a picture: laid into a page as its owner's seal platform gave it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reportlab.lib.units import mm
from reportlab.pdfbase.pdfdoc import PDFDictionary, PDFName, PDFStream
from reportlab.pdfgen.canvas import Canvas

from docs_gen.fonts import BOLD
from docs_gen.keyfiles import KeyFolderError, locked, read_secret, sync, write
from docs_gen.page import Point, Words
from docs_gen.picture import Layer, Picture
from docs_gen.seal import DEMO, press_like_ink
from docs_gen.sealkeys import seal_files

SUFFIX = ".png"
USUAL_WIDTH = 42.0
NAME = "seal"
# Across the seal, and above the line with the issuer.
DEMO_SIZE, DEMO_RISE = 26.0, 4.5 * mm


@dataclass(frozen=True, slots=True)
class ImageSeal:
    """A seal that is placed on the page as the picture has it; 演示 across it under a demo key."""

    picture: Picture
    demo: bool

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in points."""
        return self.picture.width * mm, self.picture.height * mm

    def draw(self, canvas: Canvas, centre: Point, loaded: frozenset[str]) -> None:
        """Draw it around a point."""
        wide, high = self.size
        canvas.saveState()
        press_like_ink(canvas)
        if not canvas.hasForm(NAME):
            self._lay_in(canvas)
        canvas.saveState()
        canvas.transform(wide, 0, 0, high, centre[0] - wide / 2, centre[1] - high / 2)
        canvas.doForm(NAME)
        canvas.restoreState()
        if self.demo:
            words = Words(canvas, loaded)
            words.turn((centre[0], centre[1] + DEMO_RISE), 0, DEMO, BOLD, DEMO_SIZE)
            words.close()
        canvas.restoreState()

    def _lay_in(self, canvas: Canvas) -> None:
        """Add the picture to the document; reportlab's own way would compress it each time."""
        document = canvas._doc  # noqa: SLF001 (the canvas has no other word for it)
        mask = document.Reference(_object("DeviceGray", self.picture.coverage))
        document.addForm(NAME, _object("DeviceRGB", self.picture.colours, SMask=mask))


def picture_file(folder: Path, authority: str) -> Path:
    """Return where a key folder has an authority's picture: beside its key."""
    return folder / "seals" / f"{authority}{SUFFIX}"


def import_picture(
    folder: Path, authority: str, content: bytes, width: float, *, replace: bool = False
) -> Picture:
    """Put an authority's picture beside its key; the earlier one stays unless `replace`.

    KeyFolderError for what `Picture.read` refuses, and for an authority that has no key here.
    """
    picture, path = Picture.read(content, width), picture_file(folder, authority)
    with locked(folder):
        if authority not in seal_files(folder):
            raise KeyFolderError(f"{authority} has no seal key: issue or import it first")
        if path.exists() and not replace:
            raise KeyFolderError(f"{authority} has a picture already: --replace puts this for it")
        write(path, picture.to_png(), replace=replace)
    return picture


def remove_picture(folder: Path, authority: str) -> None:
    """Remove an authority's picture, so that its seal is drawn; KeyFolderError if it has none."""
    with locked(folder):
        path = _picture_files(folder).get(authority)
        if path is None:
            raise KeyFolderError(f"{authority} has no picture: its seal is drawn")
        path.unlink()
        sync(path.parent)


def load_pictures(folder: Path) -> dict[str, Picture]:
    """Read the picture of every authority that has one; KeyFolderError names a file."""
    return {authority: _load(path) for authority, path in _picture_files(folder).items()}


def _picture_files(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in sorted((folder / "seals").glob(f"*{SUFFIX}"))}


def _object(colours: str, layer: Layer, **more: object) -> PDFStream:
    said = {
        "Type": PDFName("XObject"),
        "Subtype": PDFName("Image"),
        "Width": layer.width,
        "Height": layer.height,
        "ColorSpace": PDFName(colours),
        "BitsPerComponent": 8,
        "Filter": PDFName("FlateDecode"),
    }
    return PDFStream(PDFDictionary({**said, **more}), layer.content)


def _load(path: Path) -> Picture:
    try:
        return Picture.read(read_secret(path))
    except KeyFolderError as error:
        raise KeyFolderError(f"{path}: {error}") from None

"""What a certificate must not hold: links, pictures, scripts, and annotations but its seal's."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

KEYS = frozenset(
    ("/JS", "/JavaScript", "/AA", "/A", "/OpenAction", "/Launch", "/URI", "/EF", "/EmbeddedFiles",
     "/Names", "/RichMedia")
)  # fmt: skip
NAMES = frozenset(
    ("/Image", "/JavaScript", "/Launch", "/URI", "/EmbeddedFile", "/Filespec", "/GoToR",
     "/SubmitForm", "/Link")
)  # fmt: skip
# Inline images, and drawing what stands elsewhere.
OPERATORS = re.compile(rb"(?<![0-9A-Za-z/<])(BI|EI|Do)(?![0-9A-Za-z>])")
# What is written: its codes may look like operators.
WORDS = re.compile(rb"\((?:\\.|[^\\()])*\)", re.DOTALL)


def foreign_parts(content: bytes) -> list[str]:
    """Return what a file holds beside words and shapes.

    The signature's field is the one annotation, its empty appearance the one form.
    """
    reader = PdfFileReader(io.BytesIO(content))
    found = []
    for number in range(1, int(reader.trailer["/Size"])):
        one = reader.get_object(generic.Reference(number, 0, reader))
        for part in _dictionaries(one):
            found += [name for name in part if name in KEYS]
            values = [part.raw_get(name) for name in part]
            found += [v for v in values if isinstance(v, generic.NameObject) and v in NAMES]
            if part.get("/Type") == "/Annot" and part.get("/FT") != "/Sig":
                found.append("an annotation")
    for kid in reader.root["/Pages"]["/Kids"]:
        if OPERATORS.search(WORDS.sub(b"", kid.get_object()["/Contents"].data)):
            found.append("an image in the page")
    return found


def _dictionaries(one: object) -> Iterator[generic.DictionaryObject]:
    if isinstance(one, generic.DictionaryObject):
        yield one
        for name in one:
            yield from _dictionaries(one.raw_get(name))
    elif isinstance(one, generic.ArrayObject):
        for place in range(len(one)):
            yield from _dictionaries(one.raw_get(place))

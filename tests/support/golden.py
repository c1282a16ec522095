"""Where every word of a template's page stands, as poppler reads it from the file.

Written anew by `python -m tests.support.golden`, after a change that was meant and looked at.
"""

from __future__ import annotations

import re
import subprocess
import sys
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory

from docs_gen.press import draw
from tests.support.office import TEMPLATES, Office, open_office
from tests.support.seals import image_seal

FOLDER = Path(__file__).parents[1] / "docs_gen" / "golden"
# The page that is drawn with an image seal too.
WITH_IMAGE, SEALED = "pension-balance-image-seal", "pension-balance"
PAGES = (*TEMPLATES, WITH_IMAGE)
_WORD = re.compile(r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" [^>]*>(.*)</word>')
# The token in the QR code differs with each key; nothing else of a page does.
Place = tuple[int, float, float, float, str]


def places(content: bytes) -> list[Place]:
    """Return page, left, top and right in points, and the text of every word of a file."""
    ran = subprocess.run(
        ["pdftotext", "-bbox", "-", "-"], input=content, capture_output=True, check=True
    )
    found: list[Place] = []
    page = 0
    for line in ran.stdout.decode().splitlines():
        page += "<page " in line
        if word := _WORD.search(line):
            left, top, right = (round(float(number), 1) for number in word.groups()[:3])
            found.append((page, left, top, right, unescape(word[4])))
    return found


def drawn(office: Office, kind: str) -> list[Place]:
    """Return the places of a kind's page with the values that tests use."""
    if kind == WITH_IMAGE:
        seal = image_seal()
        return places(draw(office.facts(SEALED), TEMPLATES[SEALED], seal=seal).unsigned())
    return places(draw(office.facts(kind), TEMPLATES[kind]).unsigned())


def kept(kind: str) -> list[Place]:
    """Return the places that were looked at and found right."""
    lines = (FOLDER / f"{kind}.txt").read_text().splitlines()
    split = (line.split(" ", 4) for line in lines)
    return [(int(p), float(x), float(y), float(right), text) for p, x, y, right, text in split]


def _write(office: Office) -> None:
    FOLDER.mkdir(exist_ok=True)
    for kind in PAGES:
        lines = [" ".join(map(str, place)) for place in drawn(office, kind)]
        (FOLDER / f"{kind}.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        _write(open_office(Path(folder)))
    sys.stdout.write(f"{len(PAGES)} pages written: look at them before you commit\n")

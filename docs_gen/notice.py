"""Notices (告知书): letters on paper that are no certificates, neither signed nor in a register.

Like a certificate's, their words are data: a folder per kind, a file per version. An old version
stays, for a notice says the same whenever it is drawn.
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from importlib import resources
from pathlib import Path

from docs_gen.template import TemplateError
from docs_gen.text import normal


@dataclass(frozen=True, slots=True)
class Letter:
    """What one notice says: an unsigned paper of `issuer`, dated by a day in China."""

    number: str
    issuer: str
    day: date
    values: Mapping[str, str]
    demo: bool


@dataclass(frozen=True, slots=True)
class NoticeTemplate:
    """One kind of notice: its words, with places for the values."""

    kind: str
    version: str
    title: str
    salutation: str
    paragraphs: tuple[str, ...]
    footnote: str
    places: tuple[str, ...]

    def written(self, letter: Letter) -> list[str]:
        """Return the paragraphs, salutation first; a line break in a value begins a new one.

        ValueError for a value that lacks, or that has a character that cannot be seen.
        """
        missing = [name for name in self.places if not letter.values.get(name)]
        if missing:
            raise ValueError(f"no value for {', '.join(missing)}")
        words = (self.salutation, *self.paragraphs)
        written = [text.format_map(letter.values) for text in words]
        return [normal(line) for text in written for line in text.splitlines() if line.strip()]


Notices = Mapping[tuple[str, str], NoticeTemplate]


def load_notices(folder: Path | None = None) -> Notices:
    """Return every notice by kind and version; TemplateError names what is wrong in which file."""
    root = resources.files("docs_gen") / "notices" if folder is None else folder
    found = [
        _read(f"{kind.name}/{file.name}", file.read_text(encoding="utf-8"))
        for kind in root.iterdir()
        if kind.is_dir()
        for file in kind.iterdir()
        if file.name.endswith(".toml")
    ]
    return {(one.kind, one.version): one for one in found}


def _read(name: str, text: str) -> NoticeTemplate:
    try:
        data = tomllib.loads(text)
        paragraphs, places = tuple(data.pop("paragraphs")), tuple(data.pop("places"))
        template = NoticeTemplate(paragraphs=paragraphs, places=places, **data)
        _check(template)
    except (KeyError, TypeError, ValueError) as error:
        raise TemplateError(f"{name}: {error}") from None
    if name != f"{template.kind}/{template.version}.toml":
        found = f"{template.kind!r} {template.version!r}"
        raise TemplateError(f"{name}: expected kind and version as in the file's name, not {found}")
    return template


def _check(template: NoticeTemplate) -> None:
    """Raise ValueError for words that are no text, or that name a place that is not listed."""
    for field in fields(template):
        value = getattr(template, field.name)
        if not value or not all(isinstance(part, str) for part in value):
            raise ValueError(f"{field.name}: expected text")
    for words in (template.salutation, *template.paragraphs):
        named = {place for _, place, _, _ in string.Formatter().parse(words) if place is not None}
        if named - set(template.places):
            raise ValueError(f"{sorted(named - set(template.places))} are no places of the notice")

"""Certificate templates as data: a folder per kind, a file per version, no Python for a new one.

A new wording is a new file. The old one stays: what was reserved with it is drawn with it.
"""

from __future__ import annotations

import dataclasses
import enum
import re
import string
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from importlib import resources
from importlib.resources.abc import Traversable
from operator import itemgetter
from pathlib import Path
from typing import Any

from docs_gen.data import Facts
from docs_gen.numbers import capital_amount, identifier, long_date
from docs_gen.text import normal

MOST_CHARACTERS = 200
MOST_DAYS = 3650
_DEPARTMENT = re.compile("[a-z]+(-[a-z]+)*")
# What a field's entry may leave out.
OPTIONAL = frozenset({"format", "max_length"})


class TemplateError(Exception):
    """A template that cannot be used; names the file, the place and what was expected."""


class Format(enum.StrEnum):
    """How a field's value is written on the page."""

    TEXT = "text"
    ID_NUMBER = "id_number"
    DATE = "date"
    MONEY = "money"
    INTEGER = "integer"


@dataclass(frozen=True, slots=True)
class TemplateField:
    """A value that the page needs."""

    name: str
    format: Format = Format.TEXT
    max_length: int = MOST_CHARACTERS

    def write(self, value: str) -> str:
        """Return the value as the page shows it.

        ValueError names the field for a value that is empty, too long or not in its format, or
        has a character that cannot be seen.
        """
        if not 0 < len(value) <= self.max_length:
            raise ValueError(f"{self.name}: {len(value)} characters, the page takes 1 to "
                             f"{self.max_length}")  # fmt: skip
        try:
            return self._formatted(normal(value))
        except (ValueError, ArithmeticError) as error:
            raise ValueError(f"{self.name}: {error}") from None

    def _formatted(self, text: str) -> str:
        match self.format:
            case Format.DATE:
                return long_date(date.fromisoformat(text))
            case Format.MONEY:
                amount = Decimal(text)
                return f"{amount:,.2f} 元（大写：人民币{capital_amount(amount)}）"
            case Format.INTEGER:
                return f"{int(text)}"
            case Format.TEXT | Format.ID_NUMBER:
                return text


@dataclass(frozen=True, slots=True)
class Template:
    """One kind of certificate: its words, with places for the values.

    `departments` are the branches of the administration whose authorities may issue it.
    """

    kind: str
    version: str
    type_code: str
    departments: tuple[str, ...]
    title: str
    paragraphs: tuple[str, ...]
    rows: tuple[tuple[str, str], ...]
    basis: str
    validity_days: int
    holder: str
    fields: Mapping[str, TemplateField]

    @property
    def longest(self) -> dict[str, int]:
        """How many characters the page takes of each value."""
        return {name: field.max_length for name, field in self.fields.items()}

    def written(self, facts: Facts) -> dict[str, str]:
        """Return what stands in the places of the template, by name.

        ValueError if the facts are of another kind or version, lack a value, or have one that the
        page cannot take.
        """
        if (facts.kind, facts.template_version) != (self.kind, self.version):
            raise ValueError(f"{facts.kind} {facts.template_version} is for another template")
        missing = self.missing(facts.values)
        if missing:
            raise ValueError(f"no value for {', '.join(missing)}")
        values = {name: field.write(facts.values[name]) for name, field in self.fields.items()}
        until = long_date(self.valid_until(facts.issued_on))
        return {**values, "issuer": facts.issuer.name, "valid_until": until}

    def valid_until(self, issued_on: date) -> date:
        """Return the last day on which the certificate counts."""
        return issued_on + timedelta(days=self.validity_days)

    def missing(self, values: Mapping[str, str]) -> list[str]:
        """Return the names of values that the page needs and that are not there."""
        return [name for name in self.fields if not values.get(name)]

    def too_long(self, values: Mapping[str, str]) -> list[str]:
        """Return the names of values that are longer than the page takes."""
        return [n for n, field in self.fields.items() if len(values.get(n, "")) > field.max_length]


class Templates(Mapping[str, Template]):
    """The newest template of each kind, and every version of each."""

    def __init__(self, templates: Iterable[Template]) -> None:
        """Keep these; the highest number is the newest."""
        known = sorted(templates, key=lambda one: int(one.version))
        self._newest = {one.kind: one for one in known}
        self._versions = {(one.kind, one.version): one for one in known}

    def __getitem__(self, kind: str) -> Template:
        """Return the newest template of a kind; KeyError if there is none."""
        return self._newest[kind]

    def __iter__(self) -> Iterator[str]:
        """Go through the kinds."""
        return iter(self._newest)

    def __len__(self) -> int:
        """Return how many kinds there are."""
        return len(self._newest)

    def find(self, kind: str, version: str) -> Template | None:
        """Return this very version, if it is known here."""
        return self._versions.get((kind, version))


def load_templates(folder: Path | None = None) -> Templates:
    """Return every template; TemplateError names what is wrong in which file."""
    templates, faults = check_templates(folder)
    if faults:
        raise TemplateError(faults[0])
    return templates


def check_templates(folder: Path | None = None) -> tuple[Templates, list[str]]:
    """Return the templates that can be used, and what is wrong with each of the others."""
    root = resources.files("docs_gen") / "templates" if folder is None else folder
    found: list[Template] = []
    faults: list[str] = []
    for name, file in sorted(_files(root), key=itemgetter(0)):
        try:
            found.append(_read(name, file))
        except TemplateError as error:
            faults.append(str(error))
    return Templates(found), faults


def _files(root: Traversable) -> Iterator[tuple[str, Traversable]]:
    for kind in root.iterdir():
        for file in kind.iterdir() if kind.is_dir() else ():
            if file.name.endswith(".toml"):
                yield f"{kind.name}/{file.name}", file


def _read(name: str, file: Traversable) -> Template:
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
        _require_keys("", data, Template)
        for number, entry in enumerate(data["fields"], start=1):
            _require_keys(f"fields {number}: ", entry, TemplateField, optional=OPTIONAL)
        fields = {field.name: field for field in map(_field, data.pop("fields"))}
        rows = tuple((str(label), str(value)) for label, value in data.pop("rows"))
        paragraphs, departments = (
            _listed(name, data.pop(name)) for name in ("paragraphs", "departments")
        )
        template = Template(
            fields=fields, rows=rows, paragraphs=paragraphs, departments=departments, **data
        )
        _check(template)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise TemplateError(f"{name}: {error}") from None
    if name != f"{template.kind}/{template.version}.toml":
        found = f"{template.kind!r} {template.version!r}"
        raise TemplateError(f"{name}: expected kind and version as in the file's name, not {found}")
    return template


def _require_keys(
    place: str, entry: Mapping[str, Any], of: type, optional: frozenset[str] = frozenset()
) -> None:
    """Raise ValueError for a key that is missing, or that means nothing here."""
    keys = {one.name for one in dataclasses.fields(of)}
    for wrong, said in (
        (entry.keys() - keys, "means nothing here"), (keys - optional - entry.keys(), "is missing"),
    ):  # fmt: skip
        if wrong:
            raise ValueError(f"{place}{', '.join(sorted(wrong))} {said}")


def _listed(name: str, found: object) -> tuple[str, ...]:
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ValueError(f"{name}: expected a list of texts")
    return tuple(found)


def _field(entry: Mapping[str, Any]) -> TemplateField:
    said = entry.get("format", Format.TEXT)
    if said not in list(Format):
        raise ValueError(f"{entry['name']}: format: expected {', '.join(Format)}, found {said!r}")
    return TemplateField(**{**entry, "format": Format(said)})


def _check(template: Template) -> None:
    """Raise ValueError for what a page could not be drawn from."""
    _check_head(template)
    for field in template.fields.values():
        _check_number(f"{field.name}: max_length", field.max_length, MOST_CHARACTERS)
    known = {*template.fields, "issuer", "valid_until"}
    for words in (*template.paragraphs, *(text for _, text in template.rows), template.basis):
        places = {place for _, place, _, _ in string.Formatter().parse(words) if place is not None}
        if places - known:
            raise ValueError(f"{sorted(places - known)} are no fields of the template")


def _check_head(template: Template) -> None:
    for name in ("kind", "version", "type_code", "title", "holder", "basis"):
        if not isinstance(getattr(template, name), str) or not getattr(template, name):
            raise ValueError(f"{name}: expected text")
    if not template.departments or not all(map(_DEPARTMENT.fullmatch, template.departments)):
        raise ValueError("departments: expected words of lower-case letters and hyphens")
    if not template.version.isdecimal():
        raise ValueError(f"version: expected a whole number, found {template.version!r}")
    _check_number("validity_days", template.validity_days, MOST_DAYS)
    if template.holder not in template.fields:
        raise ValueError(f"holder: expected a field, found {template.holder!r}")
    identifier(template.type_code, "0", "0")


def _check_number(name: str, number: object, most: int) -> None:
    if not isinstance(number, int) or not 1 <= number <= most:
        raise ValueError(f"{name}: expected 1 to {most}, found {number!r}")

"""Certificate templates as data: a folder per kind, a file per version, no Python for a new one.

A new wording is a new file. The old one stays: what was reserved with it is drawn with it.
"""

from __future__ import annotations

import dataclasses
import re
import string
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import resources
from importlib.resources.abc import Traversable
from operator import itemgetter
from pathlib import Path
from typing import Any

from docs_gen.data import Facts
from docs_gen.numbers import identifier, long_date
from docs_gen.values import MOST_CHARACTERS, Column, Format, TemplateField, TemplateTable

MOST_DAYS = 3650
_DEPARTMENT = re.compile("[a-z]+(-[a-z]+)*")
MOST_ROWS, MOST_COLUMNS, MOST_CELL, MOST_SHARE = 200, 8, 60, 20


class TemplateError(Exception):
    """A template that cannot be used; names the file, the place and what was expected."""


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
    tables: tuple[TemplateTable, ...] = ()

    @property
    def needed(self) -> tuple[str, ...]:
        """The names of all values that the page needs."""
        return (*self.fields, *(table.name for table in self.tables))

    @property
    def longest(self) -> dict[str, int]:
        """How many characters the page takes of each value, of a table how many rows."""
        rows = {table.name: table.max_rows for table in self.tables}
        return {name: field.max_length for name, field in self.fields.items()} | rows

    @property
    def columns(self) -> dict[str, tuple[tuple[str, int], ...]]:
        """Format and longest cell of each column, by the name of the table."""
        return {
            table.name: tuple((one.format.value, one.max_length) for one in table.columns)
            for table in self.tables
        }

    def check(self, values: Mapping[str, str]) -> None:
        """Raise ValueError, which begins with its name, for a value that the page cannot take."""
        for field in self.fields.values():
            field.write(values[field.name])
        for table in self.tables:
            table.write(values[table.name])

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
        return [name for name in self.needed if not values.get(name)]

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


def check_templates(folder: Path | None) -> tuple[Templates, list[str]]:
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
            _require_keys(f"fields {number}: ", entry, TemplateField)
        fields = {field.name: field for field in map(_field, data.pop("fields"))}
        rows = tuple((str(label), str(value)) for label, value in data.pop("rows"))
        tables = tuple(map(_table, data.pop("tables", [])))
        paragraphs, departments = (
            _listed(name, data.pop(name)) for name in ("paragraphs", "departments")
        )
        template = Template(
            fields=fields, tables=tables, rows=rows, paragraphs=paragraphs,
            departments=departments, **data,
        )  # fmt: skip
        _check(template)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise TemplateError(f"{name}: {error}") from None
    if name != f"{template.kind}/{template.version}.toml":
        found = f"{template.kind!r} {template.version!r}"
        raise TemplateError(f"{name}: expected kind and version as in the file's name, not {found}")
    return template


def _require_keys(place: str, entry: Mapping[str, Any], of: type) -> None:
    """Raise ValueError for a key that is missing, or that means nothing here."""
    keys = {one.name for one in dataclasses.fields(of)}
    needed = {one.name for one in dataclasses.fields(of) if one.default is dataclasses.MISSING}
    for wrong, said in (
        (entry.keys() - keys, "means nothing here"), (needed - entry.keys(), "is missing"),
    ):  # fmt: skip
        if wrong:
            raise ValueError(f"{place}{', '.join(sorted(wrong))} {said}")


def _listed(name: str, found: object) -> tuple[str, ...]:
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ValueError(f"{name}: expected a list of texts")
    return tuple(found)


def _field(entry: Mapping[str, Any]) -> TemplateField:
    return TemplateField(**{**entry, "format": _format(entry["name"], entry)})


def _table(entry: Mapping[str, Any]) -> TemplateTable:
    name = entry.get("name", "")
    _require_keys(f"tables {name}: ", entry, TemplateTable)
    if not isinstance(entry["columns"], list) or not 0 < len(entry["columns"]) <= MOST_COLUMNS:
        raise ValueError(f"tables {name}: columns: expected a list of 1 to {MOST_COLUMNS}")
    columns = []
    for number, column in enumerate(entry["columns"], start=1):
        place = f"tables {name}: column {number}"
        _require_keys(f"{place}: ", column, Column)
        columns.append(Column(**{**column, "format": _format(place, column)}))
    return TemplateTable(**{**entry, "columns": tuple(columns)})


def _format(place: str, entry: Mapping[str, Any]) -> Format:
    said = entry.get("format", Format.TEXT)
    if said not in list(Format):
        raise ValueError(f"{place}: format: expected {', '.join(Format)}, found {said!r}")
    return Format(said)


def _check(template: Template) -> None:
    """Raise ValueError for what a page could not be drawn from."""
    _check_head(template)
    if len(set(template.needed)) < len(template.needed):
        raise ValueError("fields and tables: expected a name of its own for each")
    for field in template.fields.values():
        _check_number(f"{field.name}: max_length", field.max_length, MOST_CHARACTERS)
    for table in template.tables:
        _check_table(table)
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


def _check_table(table: TemplateTable) -> None:
    _check_number(f"{table.name}: max_rows", table.max_rows, MOST_ROWS)
    for column in table.columns:
        place = f"{table.name}: {column.title}"
        _check_number(f"{place}: max_length", column.max_length, MOST_CELL)
        _check_number(f"{place}: share", column.share, MOST_SHARE)
    if not isinstance(table.title, str) or not all(
        isinstance(column.title, str) and column.title for column in table.columns
    ):
        raise ValueError(f"{table.name}: title: expected text")


def _check_number(name: str, number: object, most: int) -> None:
    if not isinstance(number, int) or not 1 <= number <= most:
        raise ValueError(f"{name}: expected 1 to {most}, found {number!r}")

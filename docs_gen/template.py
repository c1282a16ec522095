"""Certificate templates as data: one TOML file per kind, no Python for a new one."""

from __future__ import annotations

import enum
import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

from docs_gen.data import Facts
from docs_gen.numbers import capital_amount, long_date


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
    max_length: int = 200

    def write(self, value: str) -> str:
        """Return the value as the page shows it."""
        match self.format:
            case Format.DATE:
                return long_date(date.fromisoformat(value))
            case Format.MONEY:
                amount = Decimal(value)
                return f"{amount:,.2f} 元（大写：人民币{capital_amount(amount)}）"
            case Format.INTEGER:
                return f"{int(value)}"
            case Format.TEXT | Format.ID_NUMBER:
                return value


@dataclass(frozen=True, slots=True)
class Template:
    """One kind of certificate: its words, with places for the values."""

    kind: str
    version: str
    type_code: str
    title: str
    paragraphs: tuple[str, ...]
    rows: tuple[tuple[str, str], ...]
    basis: str
    validity_days: int
    holder: str
    fields: Mapping[str, TemplateField]

    def fill(self, text: str, facts: Facts) -> str:
        """Return one text of the template with its places filled."""
        written = {name: field.write(facts.values[name]) for name, field in self.fields.items()}
        valid_until = self.valid_until(facts.issued_on)
        return text.format_map({**written, "issuer": facts.issuer.name,
                                "valid_until": long_date(valid_until)})  # fmt: skip

    def valid_until(self, issued_on: date) -> date:
        """Return the last day on which the certificate counts."""
        return issued_on + timedelta(days=self.validity_days)

    def missing(self, values: Mapping[str, str]) -> list[str]:
        """Return the names of values that the page needs and that are not there."""
        return [name for name in self.fields if not values.get(name)]

    def too_long(self, values: Mapping[str, str]) -> list[str]:
        """Return the names of values that are longer than the page takes."""
        return [n for n, field in self.fields.items() if len(values.get(n, "")) > field.max_length]


def load_templates(folder: Path | None = None) -> dict[str, Template]:
    """Return every template by kind; TemplateError names what is wrong in which file."""
    root = resources.files("docs_gen") / "templates" if folder is None else folder
    found: dict[str, Template] = {}
    for file in sorted(root.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".toml"):
            template = _read(file.name, file.read_text(encoding="utf-8"))
            found[template.kind] = template
    return found


def _read(name: str, text: str) -> Template:
    try:
        data: dict[str, Any] = tomllib.loads(text)
        fields = {
            field["name"]: TemplateField(
                field["name"], Format(field.get("format", "text")), field.get("max_length", 200)
            )
            for field in data.pop("fields")
        }
        template = Template(
            fields=fields,
            paragraphs=tuple(data.pop("paragraphs")),
            rows=tuple((row[0], row[1]) for row in data.pop("rows")),
            **data,
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise TemplateError(f"{name}: {error}") from None
    known = {*fields, "issuer", "valid_until"}
    for words in (*template.paragraphs, *(value for _, value in template.rows)):
        places = {place for _, place, _, _ in string.Formatter().parse(words) if place is not None}
        if places - known:
            raise TemplateError(f"{name}: {sorted(places - known)} are no fields of the template")
    if template.holder not in fields:
        raise TemplateError(f"{name}: holder: expected a field, found {template.holder!r}")
    return template

"""Specimens: every template is drawn with values of nobody, and with the longest it allows."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pypdf
import pytest

from docs_gen.press import specimen
from docs_gen.samples import longest, sample
from docs_gen.template import load_templates
from docs_gen.values import Format

NOW = datetime(2026, 11, 27, 4, tzinfo=UTC)
TEMPLATES = load_templates()


@pytest.mark.parametrize("kind", sorted(TEMPLATES))
def test_a_specimen_says_that_it_is_one_and_has_no_seal(kind: str) -> None:
    template = TEMPLATES[kind]
    for facts in (sample(template, NOW), longest(template, NOW)):
        reader = pypdf.PdfReader(io.BytesIO(specimen(facts, template)))
        for page in reader.pages:
            words = page.extract_text()
            assert words.count("样") >= 2
            assert "演示" not in words
        assert "签发后生成" in reader.pages[-1].extract_text()


@pytest.mark.parametrize("kind", sorted(TEMPLATES))
def test_the_longest_values_are_as_long_as_the_template_allows(kind: str) -> None:
    template = TEMPLATES[kind]
    values = longest(template, NOW).values
    for name, field in template.fields.items():
        if field.format is Format.TEXT:
            assert len(values[name]) == field.max_length

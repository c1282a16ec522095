from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from docs_gen.verifying import Verdict
from tests.support.office import NOW, TEMPLATES, VALUES, Office
from tests.support.validators import pyhanko_says, say

# Names of every kind that a page sees: one face or more of them, marks, Latin, one and two lines.
NAMES = ("张三", "欧阳·娜娜", "O'Brien (Shanghai) Ltd.", "霍邱县" * 16)
CASES = [(kind, name) for kind in sorted(TEMPLATES) if kind in VALUES for name in NAMES]


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_all_validators_agree_that_a_certificate_is_sound(
    kind: str, name: str, office: Office, tmp_path: Path
) -> None:
    holder = TEMPLATES[kind].holder
    limit = TEMPLATES[kind].fields[holder].max_length
    content = office.issue(kind, **{holder: name[:limit]})
    assert office.judge(content).verdict is Verdict.GENUINE
    assert say(tmp_path, content, office.trust, NOW) == dict.fromkeys(
        ("pdfsig", "qpdf", "openssl"), True
    )


def test_all_validators_agree_that_a_changed_one_is_not(
    office: Office, issued: bytes, tmp_path: Path
) -> None:
    at = issued.index(b"/Subject (1") + len(b"/Subject (")
    changed = issued[:at] + b"7" + issued[at + 1 :]
    assert office.judge(changed).verdict is Verdict.ALTERED
    said = say(tmp_path, changed, office.trust, NOW)
    assert not said["pdfsig"]
    assert not said["openssl"]


def test_pyhankos_own_command_tells_them_apart_too(
    office: Office, issued: bytes, tmp_path: Path
) -> None:
    changed = issued.replace(b"/Subject (1", b"/Subject (7", 1)
    assert pyhanko_says(tmp_path, issued, office.trust, NOW)
    assert not pyhanko_says(tmp_path, changed, office.trust, NOW)


def test_openssl_wants_the_crls_too(office: Office, issued: bytes, tmp_path: Path) -> None:
    blind = dataclasses.replace(office.trust, crls=())
    assert not say(tmp_path, issued, blind, NOW)["openssl"]

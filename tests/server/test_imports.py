"""What a command imports: nobody waits for a part of the service that they do not use."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.main import get_command

from server.cli import COMMANDS, app, load
from tests.support.child import environment

IMPORTED = """
import sys
from server.cli import app
try:
    app(sys.argv[1:])
finally:
    print(*sys.modules, file=sys.stderr)
"""
# Each of these takes a tenth of a second of CPU at least.
HEAVY = {"aiohttp", "aiortc", "alembic", "cryptography", "pydantic", "pyhanko", "sqlalchemy"}


def imported(*code: str) -> set[str]:
    """Return what a new process has imported when this Python code has run."""
    ran = subprocess.run(
        [sys.executable, "-c", *code],
        env=environment(), capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return set(ran.stderr.split())


@pytest.mark.parametrize(
    ("command", "spared"),
    [
        ([], HEAVY),
        (["templates"], HEAVY - {"cryptography", "pydantic"}),
        (["verify"], {"sqlalchemy", "alembic", "aiortc", "server.app"}),
        (["keys"], {"alembic", "aiortc", "server.app"}),
        (["db"], {"aiortc", "pyhanko", "server.app"}),
        (["media"], {"sqlalchemy", "alembic", "pyhanko", "server.app"}),
        (["signer"], {"aiortc", "socketio", "server.app"}),
    ],
)
def test_a_command_imports_only_what_it_needs(command: list[str], spared: set[str]) -> None:
    assert imported(IMPORTED, *command, "--help") & spared == set()


@pytest.mark.parametrize(
    ("module", "spared"),
    [
        ("server.__main__", HEAVY),
        ("server.certificates.seals", {"sqlalchemy", "alembic", "aiortc"}),
        ("server.certificates.drawing", {"sqlalchemy", "alembic", "aiortc"}),
        ("server.cases.pictures", HEAVY - {"pydantic", "cryptography"}),
        ("server.composing.process", HEAVY),
    ],
)
def test_a_child_process_imports_only_what_it_needs(module: str, spared: set[str]) -> None:
    code = f"import sys, {module}; print(*sys.modules, file=sys.stderr)"
    assert imported(code) & spared == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_what_help_says_of_a_command_is_what_it_says_of_itself(name: str) -> None:
    own = load(name).help.split("\n\n")[0]
    assert COMMANDS[name].says == " ".join(own.split())
    assert get_command(app).commands[name].help == COMMANDS[name].says

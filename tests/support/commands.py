"""The `kuayu` command as it is given, and what it answers."""

from __future__ import annotations

from click.testing import Result
from typer.testing import CliRunner

from server.cli import app


def run(*args: object, said: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(one) for one in args], input=said)


def done(*args: object, said: str | None = None) -> str:
    result = run(*args, said=said)
    assert result.exit_code == 0, result.output
    return str(result.stdout)


def refused(*args: object, said: str | None = None) -> str:
    result = run(*args, said=said)
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    return str(result.stderr)

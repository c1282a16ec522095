"""`kuayu verify`: what a certificate is worth."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from server.certificates.rules import VerdictKind
from server.commands.console import DATA, DataOption, JsonOption, fail, telling
from server.offline import Lists, judge_file, judge_qr, judge_sm2

app = typer.Typer()


@app.command()
@telling
def verify(
    file: Annotated[Path | None, typer.Argument(help="The PDF.")] = None,
    data: DataOption = DATA,
    *,
    as_json: JsonOption = False,
    code: Annotated[
        str | None,
        typer.Option("--qr", help="What a QR code holds, in place of a PDF: judged by --trust."),
    ] = None,
    trust: Annotated[
        Path | None,
        typer.Option("--trust", help="A signed trust list: judge by it alone, without a register."),
    ] = None,
    root: Annotated[
        str | None,
        typer.Option("--root", help="Its root's fingerprint; remembered in TRUST.pin."),
    ] = None,
    status: Annotated[
        Path | None,
        typer.Option("--status", help="A signed status list of the issuer and year."),
    ] = None,
    sm2: Annotated[
        Path | None,
        typer.Option("--sm2", help="The PDF's detached SM2 signature: judge that, by --trust."),
    ] = None,
) -> None:
    """Judge a certificate's file, SM2 signature or QR code; status 0 if it is genuine.

    With an SM2 signature, if both it and the file are. By its signature and the register of --data,
    or without either of these by signed lists alone.
    """
    if trust is None and (root or status):
        fail("--root and --status: expected --trust")
    lists = Lists(trust, root, status) if trust else None
    if sm2 is None:
        said = _judged(data, file, code, lists)
    elif file is None or lists is None or code or status:
        fail("--sm2: expected a PDF and --trust, and neither --qr nor --status")
    else:
        said = judge_sm2(file.read_bytes(), sm2.read_bytes(), lists)
    if as_json:
        typer.echo(json.dumps(said, default=_written, ensure_ascii=False))
    else:
        for name, value in said.items():
            typer.echo(f"{name:<16}{'' if value is None else _written(value)}")
    # A good SM2 signature makes no certificate of whatever it lies over.
    if {said["verdict"], said.get("file", VerdictKind.GENUINE)} != {VerdictKind.GENUINE}:
        raise typer.Exit(1)


def _judged(
    data: Path, file: Path | None, code: str | None, lists: Lists | None
) -> dict[str, object]:
    if (file is None) == (code is None):
        fail("expected a PDF or --qr")
    if code is not None:
        return judge_qr(code, lists or fail("--qr: expected --trust"))
    content = (file or Path()).read_bytes()
    if lists is not None:
        return judge_file(content, lists)
    # Half the service: who judges by lists alone does not wait for it.
    from server.commands.installed import run_on  # noqa: PLC0415

    verdict = run_on(data, lambda house: house.verifying.by_file(content))
    return verdict.model_dump(mode="json")


def _written(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)

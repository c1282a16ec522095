"""The commands for who keeps SM2 keys: `kuayu keys sm2`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from docs_gen.sm2folder import Sm2Folder
from docs_gen.sm2keys import seal_files
from server.console import DATA, DataOption, fail, telling
from server.keys import issuer_of, issuers_of, keys_of, number_of

sm2_app = typer.Typer(
    no_args_is_help=True, help="SM2 keys, for the detached signature beside a certificate."
)


@sm2_app.command("issue")
@telling
def issue(
    authority: Annotated[str, typer.Argument(help="An authority's id in regions.toml.")] = "",
    data: DataOption = DATA,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every authority without one.")] = False,
) -> None:
    """Make an authority's SM2 key and certificate below an own SM2 root, made at first use.

    Refused where this machine's OpenSSL has no SM2. Start the signer again.
    """
    if every is bool(authority):
        fail("kuayu: expected an AUTHORITY or --all")
    folder, issuers = _folder(data), issuers_of(data)
    wanted = issuers.keys() - seal_files(folder.folder).keys() if every else {authority}
    for one in sorted(wanted):
        made = folder.issue(one, issuer_of(issuers, one), _now())
        typer.echo(f"issued {one}  {made.subject.rfc4514_string()}")


@sm2_app.command("rotate")
@telling
def rotate(
    authority: Annotated[str, typer.Argument(help="An authority's id in regions.toml.")],
    data: DataOption = DATA,
) -> None:
    """Put a new SM2 key for an authority's, which is destroyed; what it signed goes on counting."""
    made = _folder(data).rotate(authority, issuer_of(issuers_of(data), authority), _now())
    typer.echo(f"rotated {authority}  {made.subject.rfc4514_string()}")


@sm2_app.command("revoke")
@telling
def revoke(
    authority: Annotated[str, typer.Argument(help="An authority's id in regions.toml.")],
    data: DataOption = DATA,
    *,
    serial: Annotated[str, typer.Option(help="Of an earlier certificate, as listed.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Revoke an authority's SM2 certificate: none of its signatures counts any more."""
    folder = _folder(data)
    if not yes:
        typer.confirm("Every SM2 signature of it will be found revoked. Go on?", abort=True)
    number = number_of("--serial", serial) if serial else None
    revoked = folder.revoke(authority, _now(), number)
    typer.echo(f"revoked {authority}  {revoked.serial_number:x}")


@sm2_app.command("import")
@telling
def import_key(
    file: Annotated[Path, typer.Argument(help="PKCS#12, or PEM: key, certificate, its CAs.")],
    authority: Annotated[str, typer.Option(help="The authority's id in regions.toml.")],
    passphrase_file: Annotated[Path, typer.Option(help="A file with its passphrase.")],
    data: DataOption = DATA,
) -> None:
    """Bring an authority's SM2 key, which a licensed CA has certified, with its chain."""
    folder = _folder(data)
    issuer_of(issuers_of(data), authority)
    given = passphrase_file.read_text().strip()
    typer.echo(f"imported {folder.bring(authority, file.read_bytes(), given, _now())}")


@sm2_app.command("import-crl")
@telling
def import_list(
    crl: Annotated[Path, typer.Argument(help="An SM2 CA's revocation list, DER or PEM.")],
    data: DataOption = DATA,
) -> None:
    """Bring in what an SM2 CA has revoked: without its current list no signature is found good."""
    issuer = _folder(data).bring_crl(crl.read_bytes(), _now())
    typer.echo(f"imported the list of {issuer}")


def _folder(data: Path) -> Sm2Folder:
    keys = keys_of(data)
    return Sm2Folder(keys.folder, keys.passphrase)


def _now() -> datetime:
    return datetime.now(UTC)

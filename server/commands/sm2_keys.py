"""The commands for who keeps SM2 keys: `kuayu keys sm2`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from docs_gen.sm2folder import Sm2Folder
from docs_gen.sm2keys import seal_files
from server.commands.console import DATA, DataOption, fail, telling
from server.commands.key_options import (
    AllOption,
    AuthorityArgument,
    AuthorityOption,
    SerialOption,
    YesOption,
    issuer_of,
    issuers_of,
    keys_of,
    now,
    serial_of,
    wanted,
)

sm2_app = typer.Typer(
    no_args_is_help=True, help="SM2 keys, for the detached signature beside a certificate."
)


@sm2_app.command("issue")
@telling
def issue(
    authority: AuthorityArgument = "",
    data: DataOption = DATA,
    *,
    every: AllOption = False,
) -> None:
    """Make an authority's SM2 key and certificate below an own SM2 root, made at first use.

    Refused where this machine's OpenSSL has no SM2. Start the signer again.
    """
    if every is bool(authority):
        fail("kuayu: expected an AUTHORITY or --all")
    folder, issuers = _folder(data), issuers_of(data)
    for one in wanted(authority, issuers, seal_files(folder.folder), every=every):
        made = folder.issue(one, issuer_of(issuers, one), now())
        typer.echo(f"issued {one}  {made.subject.rfc4514_string()}")


@sm2_app.command("rotate")
@telling
def rotate(
    authority: AuthorityArgument,
    data: DataOption = DATA,
) -> None:
    """Put a new SM2 key for an authority's, which is destroyed; what it signed goes on counting."""
    made = _folder(data).rotate(authority, issuer_of(issuers_of(data), authority), now())
    typer.echo(f"rotated {authority}  {made.subject.rfc4514_string()}")


@sm2_app.command("revoke")
@telling
def revoke(
    authority: AuthorityArgument,
    data: DataOption = DATA,
    *,
    serial: SerialOption = "",
    yes: YesOption = False,
) -> None:
    """Revoke an authority's SM2 certificate: none of its signatures counts any more."""
    folder = _folder(data)
    if not yes:
        typer.confirm("Every SM2 signature of it will be found revoked. Go on?", abort=True)
    revoked = folder.revoke(authority, now(), serial_of(serial))
    typer.echo(f"revoked {authority}  {revoked.serial_number:x}")


@sm2_app.command("import")
@telling
def import_key(
    file: Annotated[Path, typer.Argument(help="PKCS#12, or PEM: key, certificate, its CAs.")],
    authority: AuthorityOption,
    passphrase_file: Annotated[Path, typer.Option(help="A file with its passphrase.")],
    data: DataOption = DATA,
) -> None:
    """Bring an authority's SM2 key, which a licensed CA has certified, with its chain."""
    folder = _folder(data)
    issuer_of(issuers_of(data), authority)
    given = passphrase_file.read_text().strip()
    typer.echo(f"imported {folder.bring(authority, file.read_bytes(), given, now())}")


@sm2_app.command("import-crl")
@telling
def import_list(
    crl: Annotated[Path, typer.Argument(help="An SM2 CA's revocation list, DER or PEM.")],
    data: DataOption = DATA,
) -> None:
    """Bring in what an SM2 CA has revoked: without its current list no signature is found good."""
    issuer = _folder(data).bring_crl(crl.read_bytes(), now())
    typer.echo(f"imported the list of {issuer}")


def _folder(data: Path) -> Sm2Folder:
    keys = keys_of(data)
    return Sm2Folder(keys.folder, keys.passphrase)

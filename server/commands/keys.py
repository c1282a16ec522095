"""The commands for who keeps the keys: the chain of trust, the seals, what verifiers need."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from docs_gen.chain import Chain, RootKey
from docs_gen.data import CHINA
from docs_gen.imageseal import USUAL_WIDTH, import_picture, remove_picture
from docs_gen.keyfiles import write
from docs_gen.keylist import Row, list_keys
from docs_gen.picture import MOST_BYTES
from docs_gen.qrkeys import KEY_ID_BYTES
from docs_gen.sealkeys import seal_files
from docs_gen.signedlist import fingerprint, open_list
from docs_gen.trust import import_crl, import_seal, revoke_seal
from server.commands.console import (
    DATA,
    DataOption,
    JsonOption,
    fail,
    is_demonstration,
    telling,
)
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
    number_of,
    serial_of,
    wanted,
)
from server.commands.sm2_keys import sm2_app

keys_app = typer.Typer(no_args_is_help=True, help="The chain of trust and its keys.")
keys_app.add_typer(sm2_app, name="sm2")
app = typer.Typer()
app.add_typer(keys_app, name="keys")

# The list and certificates are for everybody to read.
PUBLIC = 0o644
RootKeyOption = Annotated[
    Path | None, typer.Option("--root-key", help="The root's PKCS#12 file, if it is kept apart.")
]
RootPassphraseOption = Annotated[
    Path | None,
    typer.Option("--root-passphrase-file", help="Its passphrase; the key folder's if none."),
]
SINCE = typer.Option(
    formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"],
    help="Since when the key was in other hands, in China's time; now if not given.",
)
REGION = typer.Option(help="A region's code: its CA, not a seal.")


@keys_app.command("init")
@telling
def create(
    data: DataOption = DATA,
    *,
    operator: Annotated[str, typer.Option(help="Who runs it, as the certificates say.")] = "",
    add: Annotated[bool, typer.Option("--add", help="Make what is missing, renew.")] = False,
    root_key: RootKeyOption = None,
    root_passphrase_file: RootPassphraseOption = None,
) -> None:
    """Make the root, a CA for each region of regions.toml, and what signs trust lists.

    With --add make the CAs of regions that were added since, and what the root signs once a year.
    """
    chain, at = _with_root(keys_of(data), root_key, root_passphrase_file), now()
    regions = sorted({issuer.region for issuer in issuers_of(data).values()})
    if add:
        root = chain.complete(regions, at)
    elif operator:
        root = chain.create(operator, regions, at)
    else:
        fail("kuayu: --operator: expected the operator's name")
    typer.echo(f"root {root.subject.rfc4514_string()}")
    typer.echo(f"fingerprint {fingerprint(root)}")


@keys_app.command("issue")
@telling
def issue(
    authority: AuthorityArgument = "",
    data: DataOption = DATA,
    *,
    every: AllOption = False,
    csr: Annotated[Path | None, typer.Option(help="The request of a key in a token, PEM.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where its certificates go, PEM.")] = None,
) -> None:
    """Make an authority's seal key and certificate, or certify its key in a token (--csr, --out).

    Existing seals stay: `rotate` puts new ones for them.
    """
    if every is bool(authority) or (csr is None) is not (out is None) or (every and csr):
        fail("kuayu: expected an AUTHORITY or --all; with --csr an AUTHORITY and --out")
    chain = keys_of(data)
    if csr is not None and out is not None:
        made = chain.certify(
            authority, issuer_of(issuers_of(data), authority), csr.read_bytes(), now()
        )
        write(out, made, mode=PUBLIC)
        typer.echo(f"certified {authority}: {out}")
        return
    issuers = issuers_of(data)
    for one in wanted(authority, issuers, seal_files(chain.folder), every=every):
        certificate = chain.issue(one, issuer_of(issuers, one), now())
        typer.echo(f"issued {one}  {certificate.subject.rfc4514_string()}")


@keys_app.command("list")
@telling
def show(data: DataOption = DATA, *, as_json: JsonOption = False) -> None:
    """Show every key and certificate: whose, from when until when, and what it is good for."""
    keys = keys_of(data)
    rows = list_keys(keys.folder, keys.passphrase, now())
    if not rows:
        fail(f"kuayu: {keys.folder} has no keys: `kuayu keys init` makes them")
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], default=_text, ensure_ascii=False))
        return
    for line in _table(rows):
        typer.echo(line)


@keys_app.command("rotate")
@telling
def rotate(
    authority: AuthorityArgument = "",
    data: DataOption = DATA,
    *,
    qr: Annotated[bool, typer.Option("--qr", help="The key of QR codes.")] = False,
    ca: Annotated[str, REGION] = "",
    trust_list: Annotated[bool, typer.Option("--list", help="What signs trust lists.")] = False,
    root_key: RootKeyOption = None,
    root_passphrase_file: RootPassphraseOption = None,
) -> None:
    """Put a new key for an old one, which is destroyed; what it signed stays genuine.

    Only --list revokes the old one: nobody needs its lists any more. Start the signer again.
    """
    _require_one(authority, ca, qr, trust_list)
    chain, at = _with_root(keys_of(data), root_key, root_passphrase_file), now()
    if qr:
        typer.echo(f"rotated the QR key: {chain.rotate_qr(at).hex()}")
    elif trust_list:
        typer.echo(f"rotated {chain.rotate_list(at).subject.rfc4514_string()}")
    elif ca:
        typer.echo(f"rotated {chain.rotate_ca(ca, at).subject.rfc4514_string()}")
    else:
        made = chain.rotate_seal(authority, issuer_of(issuers_of(data), authority), at)
        typer.echo(f"rotated {authority}  {made.subject.rfc4514_string()}")


@keys_app.command("revoke")
@telling
def revoke(
    authority: AuthorityArgument = "",
    data: DataOption = DATA,
    *,
    serial: SerialOption = "",
    qr: Annotated[str, typer.Option(help="The id of an earlier key of QR codes.")] = "",
    ca: Annotated[str, REGION] = "",
    since: Annotated[datetime | None, SINCE] = None,
    yes: YesOption = False,
    root_key: RootKeyOption = None,
    root_passphrase_file: RootPassphraseOption = None,
) -> None:
    """Revoke a seal certificate, a CA, or a key of QR codes: nothing it signed counts any more.

    What a clock has stamped before counts on; --since says from when a seal's key was stolen.
    """
    _require_one(authority, ca, qr)
    if since is not None and not authority:
        fail("kuayu: --since: expected an AUTHORITY")
    chain, at = _with_root(keys_of(data), root_key, root_passphrase_file), now()
    if not yes:
        typer.confirm("Everything that it ever signed will be found revoked. Go on?", abort=True)
    if qr:
        chain.revoke_qr(number_of("--qr", qr).to_bytes(KEY_ID_BYTES), at)
        typer.echo(f"revoked the QR key {qr}")
    elif ca:
        made = chain.rotate_ca(ca, at, revoke=True)
        typer.echo(f"revoked; the new CA is {made.subject.rfc4514_string()}")
    else:
        stolen = since and since.replace(tzinfo=CHINA)
        revoked = revoke_seal(
            chain.folder, authority, at, chain.passphrase, serial_of(serial), since=stolen
        )
        typer.echo(f"revoked {authority}  {revoked.serial_number:x}")


@keys_app.command("export-trust")
@telling
def export_trust(
    file: Annotated[Path, typer.Argument(help="Where the list goes; an old one is replaced.")],
    data: DataOption = DATA,
    *,
    root_key: RootKeyOption = None,
    root_passphrase_file: RootPassphraseOption = None,
) -> None:
    """Write the signed trust list: what `kuayu verify` needs on a machine that has nothing else."""
    keys = keys_of(data)
    chain, at = _with_root(keys, root_key, root_passphrase_file), now()
    content, root = chain.export(at)
    write(file, content, replace=True, mode=PUBLIC)
    trust = open_list(content, root)
    typer.echo(f"version {trust.version}, until {_text(trust.expires_at)}")
    typer.echo(f"root {root}")


@keys_app.command("import")
@telling
def import_key(
    p12: Annotated[Path, typer.Argument(help="A PKCS#12 file with its chain.")],
    authority: AuthorityOption,
    p12_passphrase_file: Annotated[Path, typer.Option(help="A file with its passphrase.")],
    data: DataOption = DATA,
) -> None:
    """Bring an authority's seal key, which another operator's CA has certified."""
    keys = keys_of(data)
    issuer_of(issuers_of(data), authority)
    given = p12_passphrase_file.read_text().strip()
    subject = import_seal(keys.folder, authority, p12.read_bytes(), given, keys.passphrase)
    typer.echo(f"imported {subject}")


@keys_app.command("import-seal")
@telling
def import_image(
    png: Annotated[Path, typer.Argument(help="The seal's picture: red on nothing, PNG, RGBA.")],
    authority: AuthorityOption,
    data: DataOption = DATA,
    *,
    width: Annotated[float, typer.Option(help="How wide the seal is, in mm.")] = USUAL_WIDTH,
    replace_it: Annotated[bool, typer.Option("--replace", help="Put it for another one.")] = False,
) -> None:
    """Bring the picture of an authority's seal, as its seal platform gave it, beside its key.

    From the signer's next start certificates bear it in place of the drawn seal.
    """
    folder = keys_of(data).folder
    issuer_of(issuers_of(data), authority)
    with png.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    made = import_picture(folder, authority, content, width, replace=replace_it)
    typer.echo(f"imported {authority}: {made.width:g} x {made.height:.3g} mm, {made.digest}")
    if is_demonstration(data):
        typer.echo("it will say 演示 across, on pages that do: this is a demonstration")
    typer.echo("start the signer again")


@keys_app.command("remove-seal")
@telling
def remove_image(
    authority: Annotated[str, typer.Argument(help="The authority's id.")], data: DataOption = DATA
) -> None:
    """Remove the picture of an authority's seal, not its key: from then on the seal is drawn."""
    remove_picture(keys_of(data).folder, authority)
    typer.echo(f"removed the picture of {authority}: start the signer again")


@keys_app.command("import-crl")
@telling
def import_list(
    crl: Annotated[Path, typer.Argument(help="A CA's revocation list, DER or PEM.")],
    data: DataOption = DATA,
) -> None:
    """Bring in what a CA has revoked: without its current list nothing is found genuine."""
    keys = keys_of(data)
    issuer = import_crl(keys.folder, crl.read_bytes(), keys.passphrase)
    typer.echo(f"imported the list of {issuer}")


def _with_root(keys: Chain, path: Path | None, passphrase_file: Path | None) -> Chain:
    if path is None:
        return keys
    words = passphrase_file.read_text().strip() if passphrase_file else keys.passphrase
    return replace(keys, root_key=RootKey(path.absolute(), words))


def _require_one(*given: object) -> None:
    if sum(map(bool, given)) != 1:
        fail("kuayu: expected one of an AUTHORITY and the options that name another key")


def _text(value: object) -> str:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)


def _table(rows: Iterable[Row]) -> Iterator[str]:
    """Yield one line for each row; names last, for their characters are of two widths."""
    yield "kind    state    from        until       days   authority            serial, name"
    for row in rows:
        begin, end = (f"{day:%Y-%m-%d}" if day else "" for day in (row.starts, row.ends))
        marks = [word for word, here in (("elsewhere", row.elsewhere), ("demo", row.demo)) if here]
        left = "" if row.days_left is None else str(row.days_left)
        said = f"{row.serial}  {row.name}{'  (' + ', '.join(marks) + ')' if marks else ''}".strip()
        first = f"{row.kind:<7} {row.state:<8} {begin:<11} {end:<11} {left:>5}"
        yield f"{first}  {row.authority:<20} {said}"

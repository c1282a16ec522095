"""What the commands for both kinds of keys share: their options, and whose keys there are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from docs_gen.chain import Chain
from docs_gen.data import Issuer
from server.commands.console import fail, is_demonstration
from server.regions.document import read_document
from server.regions.service import load_regions
from server.settings import read_keys, read_passphrase, read_regions

AuthorityArgument = Annotated[str, typer.Argument(help="An authority's id in regions.toml.")]
AuthorityOption = Annotated[
    str, typer.Option("--authority", help="The authority's id in regions.toml.")
]
AllOption = Annotated[bool, typer.Option("--all", help="Every authority without one.")]
SerialOption = Annotated[
    str, typer.Option("--serial", help="Of an earlier certificate, as listed.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def now() -> datetime:
    """Return the time at which a command works."""
    return datetime.now(UTC)


def keys_of(data: Path) -> Chain:
    """Return the chain of a data folder's keys, with the passphrase of the environment."""
    passphrase = read_passphrase(os.environ, demo=is_demonstration(data))
    return Chain(read_keys(os.environ, data), passphrase)


def issuers_of(data: Path) -> dict[str, Issuer]:
    """Return every authority of regions.toml by its id, as its seal names it."""
    path = read_regions(os.environ, demo=is_demonstration(data))
    return {
        one.id: Issuer(one.name, one.code, one.seal_text, region)
        for region, one in load_regions(read_document(path)).authorities
    }


def issuer_of(issuers: Mapping[str, Issuer], authority: str) -> Issuer:
    """Return an authority as its seal names it; ends with words for one that there is not."""
    found = issuers.get(authority)
    if found is None:
        fail(f"kuayu: regions.toml has no authority called {authority!r}")
    return found


def wanted(
    authority: str, issuers: Iterable[str], there: Iterable[str], *, every: bool
) -> list[str]:
    """Return whose keys are to be made: the authority's, or those of all that have none there."""
    return sorted(set(issuers) - set(there)) if every else [authority]


def number_of(option: str, text: str) -> int:
    """Return what hexadecimal digits say; ends with words for what is none."""
    try:
        return int(text, 16)
    except ValueError:
        fail(f"kuayu: {option}: expected hexadecimal digits, found {text!r}")


def serial_of(text: str) -> int | None:
    """Return what --serial says, or None where it is not given."""
    return number_of("--serial", text) if text else None

"""A verifier's memory of signed lists: which root it believes, and the newest versions it saw."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from docs_gen import statuslist
from docs_gen.keyfiles import KeyFolderError, write
from docs_gen.signedlist import TrustListError, clean_fingerprint, open_list
from docs_gen.trustlist import TrustList

PUBLIC = 0o644


def load_pinned(path: Path, root: str | None) -> TrustList:
    """Open a signed trust list, and remember its root and version in `<path>.pin`.

    The first time `root` is given: the fingerprint as the operator published it by another way
    than the list. TrustListError where none is known, the list is of another root, or it is older
    than one that was seen. Where the pin cannot be written the list is opened all the same.
    """
    pin = path.with_name(f"{path.name}.pin")
    known, version = _read(pin)
    wanted = known if root is None else clean_fingerprint(root)
    if wanted is None:
        raise TrustListError(f"{path}: --root says which root is believed, and {pin} does not yet")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TrustListError(f"{path}: {error}") from None
    # The versions of one root say nothing of another's.
    at_least = version if wanted == known else 0
    trust = open_list(content, wanted, at_least=at_least)
    if (wanted, trust.version) != (known, version):
        said = json.dumps({"root": wanted, "version": trust.version}).encode()
        with suppress(KeyFolderError):
            write(pin, said, replace=True, mode=PUBLIC)
    return trust


def load_status_list(path: Path, trust: TrustList, now: datetime) -> tuple[bytes, int]:
    """Read a status list; return it, and the newest version that was seen of its issuer and year.

    Whether it counts is for who judges by it. KeyFolderError where it cannot be read. A version
    that is newer is remembered in `<path>.pin`, if that can be written.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise KeyFolderError(f"{path}: {error}") from None
    pin = path.with_name(f"{path.name}.pin")
    versions = _versions(pin)
    try:
        found = statuslist.read(raw, trust.public_keys(), now)
    except statuslist.StatusListError:
        return raw, 0
    name = f"{found.issuer_code}/{found.year}"
    seen = versions.get(name, 0)
    if found.version > seen:
        said = json.dumps({**versions, name: found.version}).encode()
        with suppress(KeyFolderError):
            write(pin, said, replace=True, mode=PUBLIC)
    return raw, seen


def _versions(pin: Path) -> dict[str, int]:
    if not pin.exists():
        return {}
    try:
        return {str(name): int(version) for name, version in json.loads(pin.read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise KeyFolderError(f"{pin}: {error}") from None


def _read(pin: Path) -> tuple[str | None, int]:
    if not pin.exists():
        return None, 0
    try:
        said = json.loads(pin.read_text())
        return clean_fingerprint(said["root"]), int(said["version"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, TrustListError) as error:
        raise TrustListError(f"{pin}: {error}") from None

"""A verifier's memory of a trust list: which root it believes, and the newest version it saw."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

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


def _read(pin: Path) -> tuple[str | None, int]:
    if not pin.exists():
        return None, 0
    try:
        said = json.loads(pin.read_text())
        return clean_fingerprint(said["root"]), int(said["version"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, TrustListError) as error:
        raise TrustListError(f"{pin}: {error}") from None

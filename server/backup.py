"""Backups of the embedded installation: database, files, and a manifest with every hash.

Keys are kept apart: who holds a backup alone can neither read personal values nor sign.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from server.errors import ToldError
from server.exports.rules import page_name

MANIFEST = "manifest.json"
DATABASE = "kuayu.db"
FILES = "files"
# What of these no row in the copy names came later, or is not whole.
NAMED = frozenset({"recordings", "exports"})
FORMAT = 1


class BackupError(ToldError):
    """A backup that cannot be made or put back; says why."""


def back_up(data: Path, target: Path) -> int:
    """Copy database and files of a data folder into `target`; return the number of files.

    The database is copied by SQLite's backup API first, so every file that it names is there;
    the service may be running.
    """
    if target.exists() and any(target.iterdir()):
        raise BackupError(f"{target} is not empty")
    source = data / DATABASE
    if not source.is_file():
        raise BackupError(f"{source}: there is no database of an embedded installation")
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    copy_database(source, target / DATABASE)
    if (data / FILES).is_dir():
        named = _named(target / DATABASE)

        def ignore(folder: str, names: list[str]) -> set[str]:
            place = Path(folder).relative_to(data / FILES)
            if not NAMED.intersection(place.parts[:1]):
                return {name for name in names if name.endswith(".part")}
            return {
                name for name in names
                if (Path(folder) / name).is_file() and str(place / name) not in named
            }  # fmt: skip

        shutil.copytree(data / FILES, target / FILES, ignore=ignore)
    hashes = _hashes(target)
    manifest = {"format": FORMAT, "made_at": datetime.now(UTC).isoformat(), "files": hashes}
    (target / MANIFEST).write_text(json.dumps(manifest, indent=1))
    return len(hashes)


def restore(source: Path, data: Path) -> int:
    """Put a backup back into an empty data folder; return the number of files.

    Nothing is written unless every file is there with the hash that the manifest names.
    """
    try:
        manifest = json.loads((source / MANIFEST).read_text())
        expected: dict[str, str] = manifest["files"]
        known_format = manifest["format"] == FORMAT
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{source / MANIFEST}: {error}") from None
    if not known_format:
        raise BackupError(f"{source / MANIFEST}: another format")
    if (data / DATABASE).exists() or (data / FILES).exists():
        raise BackupError(f"{data} holds data already; restore into an empty folder")
    found = _hashes(source)
    wrong = sorted(set(expected.items()) ^ set(found.items()))
    if wrong:
        raise BackupError(f"missing, changed or not of this backup: {wrong[0][0]}")
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in sorted(expected):
        (data / name).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copy2(source / name, data / name)
    return len(expected)


def copy_database(source: Path, target: Path) -> None:
    """Copy a SQLite database by the backup API, which waits for no writer and sees no half one."""
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as one,
        closing(sqlite3.connect(target)) as other,
    ):
        one.backup(other)


def _named(database: Path) -> set[str]:
    """Return the files that a copy of the database names: chunks of recordings, pages of exports.

    A database that no newer version has opened yet knows of none.
    """
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as copy:
        tables = {str(row[0]) for row in copy.execute("SELECT name FROM sqlite_master")}
        found: set[str] = set()
        if "recording_chunk" in tables:
            found |= {str(row[0]) for row in copy.execute("SELECT file_name FROM recording_chunk")}
        if "recording_export" in tables:
            ready = "SELECT id, claim, pages FROM recording_export WHERE state = 'ready'"
            for export_id, claim, pages in copy.execute(ready):
                found |= {page_name(export_id, claim, number) for number in range(pages)}
        return found


def _hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }

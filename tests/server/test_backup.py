"""Backups of data that an older version has left."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from server.backup import back_up, restore


def test_a_database_from_before_recordings_is_backed_up_too(tmp_path: Path) -> None:
    data, target, again = (tmp_path / name for name in ("data", "backup", "again"))
    material = Path("files/materials/a/b")
    (data / material).parent.mkdir(parents=True)
    (data / material).write_bytes(b"paper")
    with closing(sqlite3.connect(data / "kuayu.db")) as database:
        database.execute("CREATE TABLE case_record (id TEXT PRIMARY KEY)")
    assert back_up(data, target) == 2
    assert restore(target, again) == 2
    assert (again / material).read_bytes() == b"paper"

"""Damage to files that are kept."""

from __future__ import annotations

from pathlib import Path


def change_last_byte(path: Path) -> None:
    """Make a file's last byte another one, whatever it was."""
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))

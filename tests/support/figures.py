"""How long things took, kept from run to run: speed is measured here, and never asserted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

FIGURES = Path(__file__).parents[2] / "build" / "seconds.jsonl"


def note(kind: str, *seconds: float) -> None:
    """Add figures to those of earlier runs; a line is written whole, whoever else writes."""
    FIGURES.parent.mkdir(exist_ok=True)
    with FIGURES.open("a") as file:
        file.write(json.dumps({kind: [round(one, 3) for one in seconds]}) + "\n")


def noted(kind: str) -> Sequence[float]:
    """Return all figures of a kind."""
    if not FIGURES.exists():
        return []
    lines = [json.loads(line) for line in FIGURES.read_text().splitlines()]
    return [one for line in lines for one in line.get(kind, [])]

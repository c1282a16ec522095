"""`make soak PART=values`: names and values that nobody expects, each one drawn or refused."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from bench.slices import counted
from tests.support.awkward import judge_values
from tests.support.office import open_office

PORTION = 500


async def values(count: int) -> int:
    """Draw awkward values, or see them refused by name; raise for a page that is not right."""
    with tempfile.TemporaryDirectory() as folder:
        office = open_office(Path(folder))
        return await counted(
            count, PORTION, lambda n, left: asyncio.to_thread(judge_values, office, n, left)
        )

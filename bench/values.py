"""`make soak PART=values`: names and values that nobody expects, each one drawn or refused."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections import Counter
from pathlib import Path

from bench.slices import portions
from tests.support.awkward import judge_values
from tests.support.office import open_office

PORTION = 500


async def values(count: int) -> int:
    """Draw awkward values, or see them refused by name; raise for a page that is not right."""
    done, found = 0, Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        office = open_office(Path(folder))
        for portion in portions(count, PORTION):
            # The seed is how many are left, so that no slice repeats another's.
            found += await asyncio.to_thread(judge_values, office, portion, count - done)
            done += portion
    print(dict(found), file=sys.stderr)
    return done

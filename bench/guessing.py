"""`make soak PART=guesses`: whoever guesses at the verify page finds nothing."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from bench.slices import portions
from server.certificates.drawing import Drawing
from server.certificates.forms import Forms
from server.files import LocalFiles
from tests.support.database import News, SetClock, Templates, opened, units_on
from tests.support.desk import Desk, load_catalogue, running_seals
from tests.support.guessing import judge_guesses, verify_page

PORTION = 2_500
CERTIFICATES = 8
# Of so many portions one meets the limits of production, which let little through.
ONE_LIMITED_IN = 5


async def guesses(count: int) -> int:
    """Guess numbers, codes and tokens; raise for an answer that says more than a refusal."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    done, found = 0, Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        async with _desk(Path(folder)) as desk:
            known = [(await desk.certified_case())[1] for _ in range(CERTIFICATES)]
            for portion in portions(count, PORTION):
                # The seed is how many are left, so that no slice repeats another's.
                left = count - done
                limited = left // PORTION % ONE_LIMITED_IN == 0
                async with verify_page(desk, limited=limited) as site:
                    found += await judge_guesses(site, known, range(left - portion, left))
                done += portion
    print(dict(found), file=sys.stderr)
    return done


@asynccontextmanager
async def _desk(folder: Path) -> AsyncIterator[Desk]:
    """Open what issues certificates, with a key folder and a database of its own."""
    clock = SetClock()
    catalogue, items = load_catalogue()
    running = running_seals(folder / "keys", clock())
    # Starting and stopping it runs a loop of its own.
    seals = await asyncio.to_thread(running.__enter__)
    drawing = Drawing(Forms(), seals.folder)
    url = await Templates(folder).copy_sqlite(folder / "kuayu.db")
    try:
        async with opened(url) as database:
            units = units_on(database, News(), clock)
            files = LocalFiles(folder / "files")
            desk = Desk(units, files, drawing, seals, catalogue, items)
            yield desk
            await desk.pictures.close()
    finally:
        await drawing.close()
        await asyncio.to_thread(running.__exit__, None, None, None)

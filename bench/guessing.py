"""`make soak PART=guesses`: whoever guesses at the verify page finds nothing."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import structlog

from bench.dying import office
from bench.slices import counted
from tests.support.guessing import judge_guesses, verify_page

PORTION = 2_500
CERTIFICATES = 8
# Of so many portions one meets the limits of production, which let little through.
ONE_LIMITED_IN = 5


async def guesses(count: int) -> int:
    """Guess numbers, codes and tokens; raise for an answer that says more than a refusal."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    with tempfile.TemporaryDirectory() as folder:
        async with office(Path(folder)) as (desk, _):
            known = [(await desk.certified_case())[1] for _ in range(CERTIFICATES)]

            async def judge(portion: int, left: int) -> Counter[str]:
                limited = left // PORTION % ONE_LIMITED_IN == 0
                async with verify_page(desk, limited=limited) as site:
                    return await judge_guesses(site, known, range(left - portion, left))

            return await counted(count, PORTION, judge)

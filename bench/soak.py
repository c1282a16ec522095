"""`make soak PART=… N=…`: large counts in slices whose results add up in a file."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.altering import altered_certificates, altered_codes
from bench.breaking import cuts, kills
from bench.dying import issuing_kills
from bench.fuzzing import datagrams, descriptions
from bench.guessing import guesses
from bench.recorded_calls import recorded_calls
from bench.rehearsals import stages
from bench.slices import portions
from bench.validating import validators
from bench.values import values
from server.lifetime import set_up_logs

RESULTS = Path("build/soak.json")


async def rehearsals(count: int) -> int:
    """Play the main job; a rehearsal that strays from the story raises."""
    done = 0
    for portion in portions(count, 5):
        await stages(portion)
        done += portion
    return done


# Each does at most so many of its kind within a slice, and says how many it did; what is wrong
# raises, and the soak stops with its words.
PARTS: Final[dict[str, Callable[[int], Coroutine[None, None, int]]]] = {
    "altered-certificates": altered_certificates,
    "altered-codes": altered_codes,
    "cuts": cuts,
    "datagrams": datagrams,
    "descriptions": descriptions,
    "guesses": guesses,
    "issuing-kills": issuing_kills,
    "kills": kills,
    "recorded-calls": recorded_calls,
    "rehearsals": rehearsals,
    "validators": validators,
    "values": values,
}


def main() -> None:
    """Run one slice and add what it did to the results; run again to go on."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--part", choices=sorted(PARTS), required=True)
    parser.add_argument("--count", type=int, required=True)
    given = parser.parse_args()
    set_up_logs(quiet=True)
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    before = results.get(given.part, 0)
    results[given.part] = before + asyncio.run(PARTS[given.part](max(given.count - before, 0)))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1))
    print(f"{given.part}: {results[given.part]} of {given.count}")


if __name__ == "__main__":
    main()
